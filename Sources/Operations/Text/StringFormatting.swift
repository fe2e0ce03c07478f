internal import Glibc
internal import Kernels
internal import Tensors

extension OpTable {
    /// Numbers to text, and back.
    static let stringFormatting: [OpEntry] = [
        OpEntry("AsString", make: AsString.init),
        OpEntry("StringToNumber", make: StringToNumber.init),
    ]
}

/// Each element as text, as C's printf writes it.
///
/// - Inputs: numbers, booleans or strings.
/// - Attributes: `precision`, `scientific`, `shortest`, `width`, `fill` ("", or one of `+`, `-`, `0`, `#` and a space).
struct AsString: TensorOp {
    private let flags: String
    /// What whole numbers and booleans do not have.
    private let refusal: String?
    private let conversion: String
    private let isPlain: Bool
    private let width: Int
    private let isLeftAligned: Bool
    private let precision: Int

    /// The widest field, and the most digits, that a graph may ask for: each element takes so many bytes.
    private static let widest = 1 << 16

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(1)
        let precision = try node.int("precision", default: -1)
        let width = try node.int("width", default: -1)
        let fill = try node.string("fill", default: "")
        let isScientific = try node.bool("scientific", default: false)
        let isShortest = try node.bool("shortest", default: false)
        guard fill.utf8.count <= 1 else { throw .invalid("Fill string must be one or fewer characters") }
        guard !(isScientific && isShortest) else {
            throw .invalid("Cannot select both scientific and shortest notation")
        }
        guard fill.isEmpty || " +-0#".contains(fill) else { throw .invalid("Fill argument not supported: \"\(fill)\"") }
        guard precision <= Self.widest, width <= Self.widest else {
            throw .unsupported("a width or precision above \(Self.widest) is not supported")
        }
        flags = "%" + fill + (width > -1 ? "\(width)" : "") + (precision > -1 ? ".\(precision)" : "")
        refusal = precision > -1 ? "precision" : isScientific || isShortest ? "scientific and shortest format" : nil
        self.width = width
        self.precision = max(0, precision)
        isLeftAligned = fill == "-"
        isPlain = width < 0 && fill.isEmpty && precision < 0
        conversion = isScientific ? "e" : isShortest ? "g" : "f"
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let dtype = inputs[0].dtype
        if let refusal, dtype.isInteger || dtype == .bool {
            throw .invalid("\(refusal) not supported for datatype \(dtype)")
        }
        return [TensorFact(.string, inputs[0].shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0) }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        _ = try check(inputs)
        // What printf takes to write many digits.
        if precision > 64 { try account.reserve(16 * precision, of: UInt8.self) }
        let perElement = max(width, isPlain ? 2 : 8)
        let (expected, overflow) = inputs[0].shape.elementCount.multipliedReportingOverflow(by: perElement)
        var result = try StringTensorBuilder(inputs[0].shape, byteCount: overflow ? .max : expected, account)
        try append(inputs[0], to: &result)
        return [try result.tensor()]
    }

    private func append(_ input: Tensor, to result: inout StringTensorBuilder) throws(OpError) {
        try input.withUnsafeBytes { (memory) throws(OpError) in
            for place in 0..<input.shape.elementCount {
                try append(memory, input.dtype, place, &result)
                try result.endString()
            }
        }
    }

    private func append(
        _ memory: UnsafeRawBufferPointer, _ dtype: DataType, _ place: Int, _ result: inout StringTensorBuilder
    ) throws(OpError) {
        func load<Element: BitwiseCopyable>(_ type: Element.Type) -> Element {
            memory.bindMemory(to: Element.self)[place]
        }
        switch dtype {
        case .float32: try append(real: Double(load(Float.self)), &result)
        case .float64: try append(real: load(Double.self), &result)
        case .float16: try append(real: Double(load(Float16.self)), &result)
        case .bfloat16: try append(real: Double(Float(bitPattern: UInt32(load(UInt16.self)) << 16)), &result)
        case .complex64:
            let parts = load(SIMD2<Float>.self)
            try append(complex: SIMD2<Double>(parts), &result)
        case .complex128: try append(complex: load(SIMD2<Double>.self), &result)
        case .bool: try result.append(load(UInt8.self) != 0 ? "true" : "false")
        case .string: try append(field: load(TensorString.self).bytes, &result)
        case .int8: try append(whole: Int(load(Int8.self)), "ld", &result)
        case .int16: try append(whole: Int(load(Int16.self)), "ld", &result)
        case .int32: try append(whole: Int(load(Int32.self)), "ld", &result)
        case .int64: try append(whole: Int(load(Int64.self)), "ld", &result)
        case .uint8: try append(whole: Int(load(UInt8.self)), "lu", &result)
        case .uint16: try append(whole: Int(load(UInt16.self)), "lu", &result)
        case .uint32: try append(whole: Int(load(UInt32.self)), "lu", &result)
        case .uint64: try append(whole: load(UInt64.self), "llu", &result)
        default: throw .unsupported(dtype)
        }
    }

    private func append<Number: BinaryInteger & CVarArg>(
        whole number: Number, _ conversion: String, _ result: inout StringTensorBuilder
    ) throws(OpError) {
        if isPlain { try result.append(String(number)) } else { try result.append(flags + conversion, [number]) }
    }

    private func append(real number: Double, _ result: inout StringTensorBuilder) throws(OpError) {
        try result.append(flags + conversion, [number])
    }

    private func append(complex parts: SIMD2<Double>, _ result: inout StringTensorBuilder) throws(OpError) {
        try result.append("(\(flags)\(conversion),\(flags)\(conversion))", [parts.x, parts.y])
    }

    /// A string in its field.
    private func append(
        field string: UnsafeBufferPointer<UInt8>, _ result: inout StringTensorBuilder
    ) throws(OpError) {
        let padding = width - string.count
        if !isLeftAligned { try result.append(repeating: UInt8(ascii: " "), count: padding) }
        try result.append(string)
        if isLeftAligned { try result.append(repeating: UInt8(ascii: " "), count: padding) }
    }
}

extension StringTensorBuilder {
    /// Appends what C's printf writes.
    mutating func append(_ format: String, _ arguments: [any CVarArg]) throws(OpError) {
        var count = 0
        // Most numbers are short; a longer one is written again.
        for room in [64, Int.max] where count >= 0 {
            let size = room == .max ? count + 1 : room
            try append(room: size) { memory in
                count = withVaList(arguments) { list in
                    memory.withMemoryRebound(to: CChar.self) { Int(vsnprintf($0.baseAddress, size, format, list)) }
                }
                return count < size ? count : 0
            }
            if count < size { return }
        }
    }
}

/// Text of numbers.
enum Text {
    /// What C's printf writes.
    static func printf(_ format: String, _ arguments: [any CVarArg]) -> [UInt8] {
        let count = Int(withVaList(arguments) { vsnprintf(nil, 0, format, $0) })
        guard count > 0 else { return [] }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: count + 1) { text in
            _ = withVaList(arguments) { vsnprintf(text.baseAddress, count + 1, format, $0) }
            return text.prefix(count).map { UInt8(bitPattern: $0) }
        }
    }
}

/// The number that each string is.
///
/// - Inputs: strings: a number in decimal, white space around it allowed. A float is what C's strtod
///   reads.
/// - Attributes: `out_type`: float32, float64, int32, int64, uint32 or uint64. A number that does not fit it is an error.
struct StringToNumber: TensorOp {
    private let dtype: DataType

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(1)
        dtype = try node.type("out_type", default: .float32)
        guard [.float32, .float64, .int32, .int64, .uint32, .uint64].contains(dtype) else {
            throw .unsupported("out_type \(dtype) is not supported")
        }
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].require(.string, "string_tensor")
        return [TensorFact(dtype, inputs[0].shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0) }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        let strings = try inputs[0].stringElements("string_tensor")
        let shape = inputs[0].shape
        // A text is copied for strtod.
        try account.reserve(strings.longest, of: UInt8.self)
        return switch dtype {
        case .float32: [try parse(strings, shape, account) { NumberText.float($0) }]
        case .float64: [try parse(strings, shape, account) { NumberText.double($0) }]
        case .int32: [try parse(strings, shape, account) { NumberText.whole($0, Int32.self) }]
        case .int64: [try parse(strings, shape, account) { NumberText.whole($0, Int64.self) }]
        case .uint32: [try parse(strings, shape, account) { NumberText.whole($0, UInt32.self) }]
        default: [try parse(strings, shape, account) { NumberText.whole($0, UInt64.self) }]
        }
    }

    private func parse<Number: TensorScalar>(
        _ strings: StringElements, _ shape: Shape, _ account: RunAccount,
        _ read: (UnsafeBufferPointer<UInt8>) -> Number?
    ) throws(OpError) -> Tensor {
        var work = WorkCount(account)
        return try account.numbers(shape, of: Number.self) { (memory) throws(OpError) in
            for (index, string) in strings.enumerated() {
                guard let number = read(string.bytes) else {
                    throw .invalid(
                        "StringToNumberOp could not correctly convert string: \(String(shown: string.bytes))")
                }
                memory[index] = number
                try work.add(DataType.string.stride + string.count)
            }
        }
    }
}

/// Reads numbers as TensorFlow's `safe_strto...` do: the whole text, white space around it allowed.
enum NumberText {
    /// A whole number in decimal; nil where it is none, or too large.
    static func whole<Number: FixedWidthInteger>(
        _ text: UnsafeBufferPointer<UInt8>, _ type: Number.Type
    ) -> Number? {
        var digits = text.trimmed[...]
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative, !Number.isSigned { return nil }
        if isNegative || digits.first == UInt8(ascii: "+") { digits.removeFirst() }
        guard !digits.isEmpty else { return nil }
        var number: Number = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            let value = Number(digit - UInt8(ascii: "0"))
            let (product, tooLarge) = number.multipliedReportingOverflow(by: 10)
            let (sum, overflow) =
                isNegative ? product.subtractingReportingOverflow(value) : product.addingReportingOverflow(value)
            if tooLarge || overflow { return nil }
            number = sum
        }
        return number
    }

    /// A whole number in decimal; nil where it is none, or too large.
    static func whole<Number: FixedWidthInteger>(_ text: [UInt8], _ type: Number.Type) -> Number? {
        text.withUnsafeBufferPointer { whole($0, type) }
    }

    static func float(_ text: UnsafeBufferPointer<UInt8>) -> Float? { real(text, strtof) }

    static func float(_ text: [UInt8]) -> Float? { text.withUnsafeBufferPointer { float($0) } }

    static func double(_ text: UnsafeBufferPointer<UInt8>) -> Double? { real(text, strtod) }

    static func double(_ text: [UInt8]) -> Double? { text.withUnsafeBufferPointer { double($0) } }

    /// What C reads, if it reads the whole text. A number that is too large is infinite.
    private static func real<Number>(
        _ text: UnsafeBufferPointer<UInt8>,
        _ read: (UnsafePointer<CChar>, UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> Number
    ) -> Number? {
        let trimmed = text.trimmed
        guard !trimmed.isEmpty else { return nil }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: trimmed.count + 1) { copy in
            for (index, byte) in trimmed.enumerated() { copy[index] = CChar(bitPattern: byte) }
            copy[trimmed.count] = 0
            guard let start = copy.baseAddress else { return nil }
            var end: UnsafeMutablePointer<CChar>?
            let number = read(start, &end)
            return end == start + trimmed.count ? number : nil
        }
    }
}
