internal import Tensors

/// An array in NumPy's `.npy` format, versions 1 to 3: little-endian numbers, Booleans or strings in C order, in place.
///
/// The header is the text of a Python dictionary with three keys. It is parsed as such, and never evaluated.
// Safety: refers to the caller's memory; `elements` has as many bytes as dtype and dimensions require.
struct NPYArray {
    let dtype: DataType
    /// The layout of strings; nil for other elements.
    let strings: NPYStrings?
    /// The sizes, outermost first.
    let shape: Shape
    /// The elements, row-major, at any address.
    let elements: UnsafeRawBufferPointer

    /// The reason why bytes are not a usable array.
    struct Fault: Error {
        let reason: String

        init(_ reason: String) { self.reason = reason }
    }

    private static let magic = [0x93] + Array("NUMPY".utf8)
    /// The maximum length of the header.
    private static let longestHeader = 64 << 10

    /// - Throws: ``Fault``.
    init(_ bytes: UnsafeRawBufferPointer) throws(Fault) {
        guard bytes.count >= 10, bytes.prefix(6).elementsEqual(Self.magic) else {
            throw Fault("it does not begin as a .npy file")
        }
        guard (1...3).contains(bytes[6]) else { throw Fault("it has format version \(bytes[6]); supported are 1 to 3") }
        let start = bytes[6] > 1 ? 12 : 10
        guard bytes.count >= start else { throw Fault("its header is cut off") }
        let length = bytes[8..<start].reversed().reduce(0) { $0 << 8 | Int($1) }
        guard length <= Self.longestHeader else {
            throw Fault("its header has \(length) bytes, more than \(Self.longestHeader)")
        }
        guard length <= bytes.count - start else { throw Fault("its header is cut off") }
        var header = NPYHeader()
        try header.read(UnsafeRawBufferPointer(rebasing: bytes[start..<start + length]))
        dtype = header.dtype
        elements = UnsafeRawBufferPointer(rebasing: bytes[(start + length)...])
        strings = header.strings
        guard let shape = Shape(header.dimensions), let expected = Self.byteCount(shape, header) else {
            throw Fault("its shape is too large: \(header.dimensions)")
        }
        self.shape = shape
        guard elements.count == expected else {
            throw Fault("it has \(elements.count) bytes of elements, expected \(expected) for \(dtype) \(shape)")
        }
        if dtype == .bool, let other = elements.first(where: { $0 > 1 }) {
            throw Fault("it has a boolean of value \(other)")
        }
    }

    /// The size of the elements in bytes; nil if it cannot be represented.
    private static func byteCount(_ shape: Shape, _ header: NPYHeader) -> Int? {
        guard let strings = header.strings else { return shape.byteCount(of: header.dtype) }
        let (count, overflow) = shape.elementCount.multipliedReportingOverflow(by: strings.byteCount)
        return overflow ? nil : count
    }
}

/// The layout of strings in a `.npy` array. Each has the same width, and is padded with zeros.
enum NPYStrings {
    /// `S5`: a number of bytes.
    case bytes(width: Int)
    /// `U5`: a number of code points of four bytes, little-endian.
    case codePoints(width: Int)

    /// The number of bytes of a string.
    var byteCount: Int {
        switch self {
        case .bytes(let width): width
        case .codePoints(let width): 4 * width
        }
    }

    /// The maximum width of strings.
    private static let maxWidth = 1 << 28

    /// Reads a dtype such as `S5`. Returns nil for others, and for a width of 0.
    init?(_ kind: Substring) {
        guard let width = Int(kind.dropFirst()), (1...Self.maxWidth).contains(width) else { return nil }
        switch kind.first {
        case "S": self = .bytes(width: width)
        case "U": self = .codePoints(width: width)
        default: return nil
        }
    }
}

/// The fields of the header of a `.npy` array.
struct NPYHeader {
    private(set) var dtype = DataType.float32
    private(set) var strings: NPYStrings?
    private(set) var dimensions: [Int] = []

    /// Reads the text of a dictionary.
    ///
    /// - Throws: ``NPYArray/Fault``.
    mutating func read(_ text: UnsafeRawBufferPointer) throws(NPYArray.Fault) {
        var scanner = Scanner(text: text)
        let shown = String(decoding: text.prefix(200), as: UTF8.self)
        let malformed = NPYArray.Fault("its header is not a dictionary of descr, fortran_order and shape: \(shown)")
        var descr: String?
        var isFortran: Bool?
        var shape: [Int]?
        guard scanner.take("{") else { throw malformed }
        while !scanner.take("}") {
            guard let key = scanner.string(), scanner.take(":") else { throw malformed }
            switch key {
            case "descr" where descr == nil:
                guard !scanner.isAt("[") else { throw NPYArray.Fault("its elements are records; expected numbers") }
                guard let value = scanner.string() else { throw malformed }
                descr = value
            case "fortran_order" where isFortran == nil: isFortran = scanner.truth()
            case "shape" where shape == nil: shape = scanner.sizes()
            default: throw malformed
            }
            // Without a comma the end is next.
            if !scanner.take(","), !scanner.isAt("}") { throw malformed }
        }
        guard scanner.isAtEnd, let descr, let isFortran, let shape else { throw malformed }
        guard !isFortran else {
            throw NPYArray.Fault("it is in Fortran order: save numpy.ascontiguousarray(x)")
        }
        strings = NPYStrings(descr.dropFirst())
        dtype = try Self.dtype(descr, strings)
        dimensions = shape
    }

    private static func dtype(_ descr: String, _ strings: NPYStrings?) throws(NPYArray.Fault) -> DataType {
        let kind = descr.dropFirst()
        let found: DataType? =
            switch kind {
            case "f2": .float16
            case "f4": .float32
            case "f8": .float64
            case "i1": .int8
            case "i2": .int16
            case "i4": .int32
            case "i8": .int64
            case "u1": .uint8
            case "u2": .uint16
            case "u4": .uint32
            case "u8": .uint64
            case "b1": .bool
            case "c8": .complex64
            case "c16": .complex128
            default: strings == nil ? nil : .string
            }
        guard kind != "O" else {
            throw NPYArray.Fault(
                "its elements are Python objects, which NumPy pickles: for strings save x.astype(\"S\") or x.astype(\"U\")"
            )
        }
        guard let found else {
            throw NPYArray.Fault("its elements are \"\(descr)\"; expected numbers, booleans or strings")
        }
        switch descr.first {
        case "<", "|": return found
        case ">": throw NPYArray.Fault("it is big-endian: save x.astype(\"<\(kind)\")")
        default: throw NPYArray.Fault("its elements are \"\(descr)\"; expected little-endian ones, \"<\(kind)\"")
        }
    }

    /// NumPy's `descr` for a dtype; nil if NumPy has none.
    static func descr(of dtype: DataType) -> String? {
        switch dtype.quantizedStorage ?? dtype {
        case .float16: "<f2"
        case .float32: "<f4"
        case .float64: "<f8"
        case .int8: "|i1"
        case .int16: "<i2"
        case .int32: "<i4"
        case .int64: "<i8"
        case .uint8: "|u1"
        case .uint16: "<u2"
        case .uint32: "<u4"
        case .uint64: "<u8"
        case .bool: "|b1"
        case .complex64: "<c8"
        case .complex128: "<c16"
        default: nil
        }
    }
}

/// Reads the Python literals of a header. Each function skips leading spaces.
// Safety: every access to the text is by `peek`, which checks.
private struct Scanner {
    let text: UnsafeRawBufferPointer
    private var position = 0

    private static let longestString = 64

    init(text: UnsafeRawBufferPointer) { self.text = text }

    private mutating func peek() -> UInt8? {
        while position < text.count, text[position] == 0x20 || text[position] == 0x0a { position += 1 }
        return position < text.count ? text[position] : nil
    }

    var isAtEnd: Bool { text[position...].allSatisfy { $0 == 0x20 || $0 == 0x0a } }

    mutating func isAt(_ sign: UnicodeScalar) -> Bool { peek() == UInt8(ascii: sign) }

    mutating func take(_ sign: UnicodeScalar) -> Bool {
        guard isAt(sign) else { return false }
        position += 1
        return true
    }

    /// A short string without escapes.
    mutating func string() -> String? {
        guard let quote = peek(), quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else { return nil }
        let rest = text[(position + 1)...].prefix(Self.longestString + 1)
        guard let end = rest.firstIndex(of: quote) else { return nil }
        let content = text[position + 1..<end]
        guard !content.contains(UInt8(ascii: "\\")) else { return nil }
        position = end + 1
        return String(validating: content, as: UTF8.self)
    }

    mutating func truth() -> Bool? {
        _ = peek()
        for (word, value) in [("True", true), ("False", false)] where text[position...].starts(with: word.utf8) {
            position += word.utf8.count
            return value
        }
        return nil
    }

    /// A tuple of sizes: `()`, `(3,)`, `(3, 4)`.
    mutating func sizes() -> [Int]? {
        guard take("(") else { return nil }
        var sizes: [Int] = []
        while !take(")") {
            guard sizes.count < Shape.maximumRank, let size = number() else { return nil }
            sizes.append(size)
            if !take(","), !isAt(")") { return nil }
        }
        return sizes
    }

    private mutating func number() -> Int? {
        guard let first = peek(), Self.digit(first) != nil else { return nil }
        var number = 0
        while position < text.count, let digit = Self.digit(text[position]) {
            let (shifted, overflow) = number.multipliedReportingOverflow(by: 10)
            let (sum, carry) = shifted.addingReportingOverflow(digit)
            guard !overflow, !carry else { return nil }
            number = sum
            position += 1
        }
        return number
    }

    private static func digit(_ byte: UInt8) -> Int? {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) ? Int(byte - UInt8(ascii: "0")) : nil
    }
}
