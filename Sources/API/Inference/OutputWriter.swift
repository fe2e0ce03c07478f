internal import Execution
internal import HTTPMessages
internal import Tensors

/// The form in which NaN and infinities, which JSON cannot represent, are written.
public enum NaNPolicy: String, Sendable, CaseIterable {
    /// As `"NaN"`, `"Infinity"` and `"-Infinity"`. Feeds may use this form too.
    case string
    /// As bare `NaN`, `Infinity` and `-Infinity`, like TensorFlow Serving and Python's json. This is not valid JSON.
    case token
    /// As `null`.
    case null
    /// Not at all: the request fails.
    case error
}

/// Writes tensors as nested lists. A complex number is a list `[re, im]`, a quantised one the integer that stores it.
struct OutputWriter {
    private let policy: NaNPolicy
    var writer: JSONWriter
    /// Whether a value occurred that the policy forbids.
    private var forbidden: Bool = false
    /// Whether strings of outputs whose name ends with `_bytes` are always written as bytes, even if they are text.
    private let suffixMeansBytes: Bool
    private var stringsAreBytes = false

    init(_ writer: JSONWriter, policy: NaNPolicy, suffixMeansBytes: Bool = false) {
        self.writer = writer
        self.policy = policy
        self.suffixMeansBytes = suffixMeansBytes
    }

    /// The writer, to continue with.
    var rest: JSONWriter { writer }

    /// Writes a key and its tensor.
    ///
    /// - Throws: ``RequestError`` for a dtype without a JSON form, for a value that the policy forbids, and for a tensor with too many
    ///   elements or empty lists.
    mutating func write(_ tensor: TensorView, key: [UInt8]) throws(RequestError) {
        try requireShort(tensor, key)
        writer.key(escaped: key)
        try value(tensor, key)
    }

    /// Writes a tensor without its key. The key is for messages.
    ///
    /// - Throws: The errors of ``write(_:key:)``.
    mutating func writeValue(_ tensor: TensorView, of key: [UInt8]) throws(RequestError) {
        try requireShort(tensor, key)
        try value(tensor, key)
    }

    /// Writes an object of tensors.
    ///
    /// - Throws: The errors of ``write(_:key:)``.
    mutating func writeObject(
        _ tensors: UnsafeBufferPointer<TensorView>, keys: [[UInt8]]
    ) throws(RequestError) {
        writer.beginObject()
        for (index, tensor) in tensors.enumerated() { try write(tensor, key: keys[index]) }
        writer.endObject()
    }

    /// Writes a list with an object for each row of the tensors.
    ///
    /// - Parameters:
    ///   - count: The number of rows: the first dimension of all tensors.
    ///   - tensors: The tensors.
    ///   - keys: The key of each tensor.
    /// - Throws: The errors of ``write(_:key:)``.
    mutating func writeRows(
        _ count: Int, of tensors: UnsafeBufferPointer<TensorView>, keys: [[UInt8]]
    ) throws(RequestError) {
        for (index, tensor) in tensors.enumerated() { try requireShort(tensor, keys[index]) }
        writer.beginList()
        for row in 0..<count {
            writer.beginObject()
            for (index, tensor) in tensors.enumerated() {
                writer.key(escaped: keys[index])
                try value(tensor.row(row), keys[index])
            }
            writer.endObject()
        }
        writer.endList()
    }

    /// Writes for each row a list of pairs of a label and a score. Missing labels are empty, missing scores are 0.
    ///
    /// - Parameters:
    ///   - rows: The first dimension of both.
    ///   - columns: The second.
    ///   - labels: Strings.
    ///   - scores: Of dtype float32.
    /// - Throws: The errors of ``write(_:key:)``.
    mutating func writeClasses(
        rows: Int, columns: Int, labels: TensorView?, scores: TensorView?
    ) throws(RequestError) {
        let key = Array("\"scores\"".utf8)
        if let scores { try requireShort(scores, key) }
        if let labels { try requireShort(labels, Array("\"classes\"".utf8)) }
        let texts = labels?.elements.assumingMemoryBound(to: TensorString.self)
        let numbers = scores?.elements.assumingMemoryBound(to: Float.self)
        writer.beginList()
        for row in 0..<rows {
            writer.beginList()
            for index in row * columns..<(row + 1) * columns {
                writer.beginList()
                string(texts?[index] ?? TensorString(start: nil, count: 0))
                float(numbers?[index] ?? 0)
                writer.endList()
            }
            writer.endList()
        }
        writer.endList()
        try requireAllowed(key)
    }

    func requireShort(_ tensor: TensorView, _ key: [UInt8]) throws(RequestError) {
        guard Self.itemCount(tensor.dimensions) == nil else { return }
        let shape = tensor.dimensions.map(String.init).joined(separator: ",")
        throw .badRequest(
            "output \(String(decoding: key, as: UTF8.self)) of shape [\(shape)] is too long for a JSON response: "
                + "fetch less at once")
    }

    private static let bytesSuffix = Array("_bytes\"".utf8)

    private mutating func value(_ tensor: TensorView, _ key: [UInt8]) throws(RequestError) {
        stringsAreBytes =
            suffixMeansBytes && tensor.dtype == .string
            && key.suffix(Self.bytesSuffix.count).elementsEqual(Self.bytesSuffix)
        try write(tensor)
        try requireAllowed(key)
    }

    /// - Throws: ``RequestError`` 422 if a value occurred that the policy forbids.
    func requireAllowed(_ key: [UInt8]) throws(RequestError) {
        guard forbidden else { return }
        throw RequestError(
            422,
            "output \(String(decoding: key, as: UTF8.self)) has NaN or infinite values, which --nan error forbids"
        )
    }

    private static let maxItems = 1 << 26

    /// The number of elements and lists; nil for more than ``maxItems``.
    private static func itemCount(_ dimensions: UnsafeBufferPointer<Int>) -> Int? {
        var lists = 1
        var total = 1
        for size in dimensions {
            let (product, overflow) = lists.multipliedReportingOverflow(by: size)
            guard !overflow, product <= maxItems - total else { return nil }
            lists = product
            total += product
        }
        return total
    }

    private mutating func write(_ tensor: TensorView) throws(RequestError) {
        switch tensor.dtype.quantizedStorage ?? tensor.dtype {
        case .float32: elements(tensor, Float.self) { $0.float($1) }
        case .float64: elements(tensor, Double.self) { $0.double($1) }
        case .int32: elements(tensor, Int32.self) { $0.writer.integer($1) }
        case .int64: elements(tensor, Int64.self) { $0.writer.integer($1) }
        case .int16: elements(tensor, Int16.self) { $0.writer.integer($1) }
        case .int8: elements(tensor, Int8.self) { $0.writer.integer($1) }
        case .uint8: elements(tensor, UInt8.self) { $0.writer.integer($1) }
        case .uint16: elements(tensor, UInt16.self) { $0.writer.integer($1) }
        case .uint32: elements(tensor, UInt32.self) { $0.writer.integer($1) }
        case .uint64: elements(tensor, UInt64.self) { $0.writer.integer($1) }
        case .bool: elements(tensor, Bool.self) { $0.writer.bool($1) }
        case .string: elements(tensor, TensorString.self) { $0.string($1) }
        case .complex64: elements(tensor, SIMD2<Float>.self) { $0.pair($1) { $0.float($1) } }
        case .complex128: elements(tensor, SIMD2<Double>.self) { $0.pair($1) { $0.double($1) } }
        case .float16, .bfloat16:
            guard let format = HalfPrecision(tensor.dtype) else { break }
            elements(tensor, UInt16.self) { $0.float(format.number($1)) }
        default: throw RequestError(501, "a tensor of dtype \(tensor.dtype) cannot be written as JSON")
        }
    }

    @inline(__always)
    private mutating func elements<Element>(
        _ tensor: TensorView, _ type: Element.Type, _ write: (inout OutputWriter, Element) -> Void
    ) {
        var next = tensor.elements.assumingMemoryBound(to: Element.self)
        list(tensor.dimensions, 0, &next, write)
    }

    private mutating func list<Element>(
        _ dimensions: UnsafeBufferPointer<Int>, _ level: Int, _ next: inout UnsafePointer<Element>,
        _ write: (inout OutputWriter, Element) -> Void
    ) {
        guard level < dimensions.count else {
            write(&self, next.pointee)
            next += 1
            return
        }
        writer.beginList()
        if level == dimensions.count - 1 {
            for index in 0..<dimensions[level] { write(&self, next[index]) }
            next += dimensions[level]
        } else {
            for _ in 0..<dimensions[level] { list(dimensions, level + 1, &next, write) }
        }
        writer.endList()
    }

    mutating func float(_ value: Float) {
        if value.isFinite { writer.number(value) } else { special(Double(value)) }
    }

    mutating func double(_ value: Double) {
        if value.isFinite { writer.number(value) } else { special(value) }
    }

    /// A complex number is a list of its real and its imaginary part.
    private mutating func pair<Part>(_ value: SIMD2<Part>, _ write: (inout OutputWriter, Part) -> Void) {
        writer.beginList()
        write(&self, value.x)
        write(&self, value.y)
        writer.endList()
    }

    private mutating func special(_ value: Double) {
        switch policy {
        case .string: writer.string(value.isNaN ? "NaN" : value > 0 ? "Infinity" : "-Infinity")
        case .token: writer.token(value.isNaN ? "NaN" : value > 0 ? "Infinity" : "-Infinity")
        case .null: writer.null()
        case .error:
            forbidden = true
            writer.null()
        }
    }

    /// Writes bytes as a string if they are text, otherwise as an object with their base64.
    private mutating func string(_ value: TensorString) {
        if !stringsAreBytes, Self.isUTF8(value.bytes) {
            writer.string(value.bytes)
            return
        }
        writer.beginObject()
        writer.key("b64")
        Base64.encode(value.bytes).withUnsafeBufferPointer { writer.string($0) }
        writer.endObject()
    }

    private static func isUTF8(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        bytes.allSatisfy { $0 < 0x80 } || String(validating: bytes, as: UTF8.self) != nil
    }
}

extension TensorView {
    /// A row of the tensor, without the first dimension. The row must exist.
    fileprivate func row(_ index: Int) -> TensorView {
        let rest = UnsafeBufferPointer(rebasing: dimensions.dropFirst())
        return TensorView(
            dtype: dtype, dimensions: rest, elements: elements + index * rest.reduce(1, *) * dtype.stride)
    }
}
