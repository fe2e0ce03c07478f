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

    /// The widest field, and the most digits, that a graph may ask for: each element takes so many bytes.
    private static let widest = 1 << 16

    init(_ node: NodeReader) throws(CompileError) {
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
        isLeftAligned = fill == "-"
        isPlain = width < 0 && fill.isEmpty && precision < 0
        conversion = isScientific ? "e" : isShortest ? "g" : "f"
    }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
        let dtype = inputs[0].dtype
        if let refusal, dtype.isInteger || dtype == .bool {
            throw .invalid("\(refusal) not supported for datatype \(dtype)")
        }
        return [TensorFact(.string, inputs[0].shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0) }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(CompileError) -> [Tensor] {
        _ = try check(inputs)
        guard let texts = texts(of: inputs[0]) else { throw .unsupported(inputs[0].dtype) }
        return [try .holding(texts, inputs[0].shape)]
    }

    private func texts(of input: Tensor) -> [[UInt8]]? {
        switch input.dtype {
        case .float32: input.scalars(as: Float.self)?.map { real(Double($0)) }
        case .float64: input.scalars(as: Double.self)?.map { real($0) }
        case .float16, .bfloat16: halves(input)
        case .complex64: complex(input, Float.self)
        case .complex128: complex(input, Double.self)
        case .bool: input.scalars(as: Bool.self)?.map { Array(($0 ? "true" : "false").utf8) }
        case .string: input.strings?.map(field)
        case .uint64: input.scalars(as: UInt64.self)?.map { whole($0, "llu") }
        case .uint8, .uint16, .uint32: input.integers?.map { whole($0, "lu") }
        default: input.integers?.map { whole($0, "ld") }
        }
    }

    private func whole<Number: BinaryInteger & CVarArg>(_ number: Number, _ conversion: String) -> [UInt8] {
        isPlain ? Array(String(number).utf8) : Text.printf(flags + conversion, [number])
    }

    private func real(_ number: Double) -> [UInt8] { Text.printf(flags + conversion, [number]) }

    private func halves(_ input: Tensor) -> [[UInt8]] {
        input.withUnsafeBytes { memory in
            memory.bindMemory(to: UInt16.self).map { bits in
                real(
                    input.dtype == .float16
                        ? Double(Float16(bitPattern: bits)) : Double(Float(bitPattern: UInt32(bits) << 16)))
            }
        }
    }

    private func complex<Part: BinaryFloatingPoint & BitwiseCopyable>(_ input: Tensor, _ part: Part.Type) -> [[UInt8]] {
        input.withUnsafeBytes { memory in
            let parts = memory.bindMemory(to: Part.self)
            return (0..<parts.count / 2).map { index in
                Text.printf(
                    "(\(flags)\(conversion),\(flags)\(conversion))",
                    [Double(parts[2 * index]), Double(parts[2 * index + 1])])
            }
        }
    }

    /// A string in its field.
    private func field(_ string: [UInt8]) -> [UInt8] {
        guard string.count < width else { return string }
        let padding = [UInt8](repeating: UInt8(ascii: " "), count: width - string.count)
        return isLeftAligned ? string + padding : padding + string
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

    init(_ node: NodeReader) throws(CompileError) {
        try node.expectInputs(1)
        dtype = try node.type("out_type", default: .float32)
        guard [.float32, .float64, .int32, .int64, .uint32, .uint64].contains(dtype) else {
            throw .unsupported("out_type \(dtype) is not supported")
        }
    }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
        try inputs[0].require(.string, "string_tensor")
        return [TensorFact(dtype, inputs[0].shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0) }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(CompileError) -> [Tensor] {
        let strings = try inputs[0].bytes("string_tensor")
        return switch dtype {
        case .float32: [try parse(strings, inputs[0].shape) { NumberText.float($0) }]
        case .float64: [try parse(strings, inputs[0].shape) { NumberText.double($0) }]
        case .int32: [try parse(strings, inputs[0].shape) { NumberText.whole($0, Int32.self) }]
        case .int64: [try parse(strings, inputs[0].shape) { NumberText.whole($0, Int64.self) }]
        case .uint32: [try parse(strings, inputs[0].shape) { NumberText.whole($0, UInt32.self) }]
        default: [try parse(strings, inputs[0].shape) { NumberText.whole($0, UInt64.self) }]
        }
    }

    private func parse<Number: TensorScalar>(
        _ strings: [[UInt8]], _ shape: Shape, _ read: ([UInt8]) -> Number?
    ) throws(CompileError) -> Tensor {
        var numbers: [Number] = []
        for string in strings {
            guard let number = read(string) else {
                throw .invalid(
                    "StringToNumberOp could not correctly convert string: \(String(decoding: string, as: UTF8.self))")
            }
            numbers.append(number)
        }
        return try .holding(numbers, shape.dimensions)
    }
}

/// Reads numbers as TensorFlow's `safe_strto...` do: the whole text, white space around it allowed.
enum NumberText {
    /// A whole number in decimal; nil where it is none, or too large.
    static func whole<Number: FixedWidthInteger>(_ text: [UInt8], _ type: Number.Type) -> Number? {
        let digits = text.trimmed
        guard let first = digits.first, Number.isSigned || first != UInt8(ascii: "-") else { return nil }
        return Number(String(decoding: digits, as: UTF8.self))
    }

    static func float(_ text: [UInt8]) -> Float? { real(text, strtof) }

    static func double(_ text: [UInt8]) -> Double? { real(text, strtod) }

    /// What C reads, if it reads the whole text. A number that is too large is infinite.
    private static func real<Number>(
        _ text: [UInt8], _ read: (UnsafePointer<CChar>, UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> Number
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
