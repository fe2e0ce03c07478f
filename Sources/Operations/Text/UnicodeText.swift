internal import Kernels
internal import Tensors

extension OpTable {
    /// Text to code points, and back.
    static let unicodeText: [OpEntry] = [
        OpEntry("UnicodeDecode", make: UnicodeDecode.init(_:hasOffsets:), false),
        OpEntry("UnicodeDecodeWithOffsets", make: UnicodeDecode.init(_:hasOffsets:), true),
        OpEntry("UnicodeEncode", make: UnicodeEncode.init),
        OpEntry("UnicodeTranscode", make: UnicodeTranscode.init),
    ]
}

/// What becomes of what is not text.
private struct UnicodeErrors: Hashable, Sendable {
    private enum Policy: String {
        case strict, replace, ignore
    }

    private let policy: Policy
    private let replacement: Unicode.Scalar
    private let replacesControls: Bool

    /// Attributes: `errors`, `replacement_char`, `replace_control_characters`.
    init(_ node: NodeReader) throws(OpError) {
        policy = try node.choice("errors", default: .replace)
        let number = try node.int("replacement_char", default: 0xFFFD)
        guard let scalar = UInt32(exactly: number).flatMap(Unicode.Scalar.init) else {
            throw .invalid("replacement_char out of unicode codepoint range")
        }
        replacement = scalar
        replacesControls = try node.bool("replace_control_characters", default: false)
    }

    /// What stands for a code point; nil where it is left out.
    ///
    /// - `scalar`: nil for malformed text.
    /// - `message`: That of the error where the policy is to have one.
    func resolve(_ scalar: UInt32?, _ message: String) throws(OpError) -> Unicode.Scalar? {
        if let scalar, let valid = Unicode.Scalar(scalar), !(replacesControls && scalar <= 0x1F) { return valid }
        switch policy {
        case .strict: throw .invalid(message)
        case .replace: return replacement
        case .ignore: return nil
        }
    }

    static let malformedText = "Invalid formatting on input string"
}

extension NodeReader {
    /// An attribute that names an encoding.
    fileprivate func encoding(_ name: String) throws(OpError) -> TextEncoding {
        let text = try string(name)
        guard let encoding = TextEncoding(text) else {
            throw .unsupported(
                "\(name) = \"\(text)\" is not supported: only UTF-8, UTF-16, UTF-32, ASCII and Latin 1 are")
        }
        return encoding
    }

    /// One of the encodings that text can be written in.
    fileprivate func outputEncoding() throws(OpError) -> TextEncoding {
        let text = try string("output_encoding")
        guard ["UTF-8", "UTF-16-BE", "UTF-32-BE"].contains(text) else {
            throw .invalid("Value for attr 'output_encoding' of \"\(text)\" is not in the list of allowed values")
        }
        return try encoding("output_encoding")
    }
}

/// The code points of strings, one string after another.
///
/// - Inputs: strings of any shape.
/// - Outputs: where each string's code points begin among all, and the last end; the code points, int32; (...WithOffsets) at which
///   byte of its string each begins, int64.
/// - Attributes: `input_encoding`, `errors`, `replacement_char`, `replace_control_characters`, `Tsplits`.
struct UnicodeDecode: TensorOp {
    private let encoding: TextEncoding
    private let errors: UnicodeErrors
    private let hasOffsets: Bool
    private let splitType: DataType

    init(_ node: NodeReader, hasOffsets: Bool) throws(OpError) {
        try node.expectInputs(1)
        encoding = try node.encoding("input_encoding")
        errors = try UnicodeErrors(node)
        self.hasOffsets = hasOffsets
        splitType = try node.type("Tsplits", default: .int64)
        guard [.int32, .int64].contains(splitType) else { throw .unsupported(splitType) }
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].require(.string, "input")
        let count = inputs[0].shape.known?.elementCount
        let list = PartialShape([PartialShape.unknownDimension])
        let splits = TensorFact(splitType, count.map { PartialShape([$0 + 1]) } ?? list)
        return [splits, TensorFact(.int32, list)] + (hasOffsets ? [TensorFact(.int64, list)] : [])
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        let strings = try inputs[0].stringElements("input")
        var splits = try CountedList<Int>(account, capacity: strings.count + 1)
        try splits.append(0)
        var points = try CountedList<Int32>(account)
        var offsets = try CountedList<Int64>(account)
        var work = WorkCount(account)
        for string in strings {
            var place = 0
            while place < string.count {
                let character = encoding.character(string.bytes, at: place)
                if let scalar = try errors.resolve(character.scalar, UnicodeErrors.malformedText) {
                    try points.append(Int32(scalar.value))
                    if hasOffsets { try offsets.append(Int64(place)) }
                }
                place += character.width
                try work.add(character.width)
            }
            try splits.append(points.count)
        }
        guard splitType == .int64 || points.count <= Int(Int32.max) else { throw .invalid("too many code points") }
        let splitTensor =
            splitType == .int64
            ? try account.numbers(.vector(splits.count), of: Int64.self) { (memory) throws(OpError) in
                for (index, split) in splits.elements.enumerated() { memory[index] = Int64(split) }
            }
            : try account.numbers(.vector(splits.count), of: Int32.self) { (memory) throws(OpError) in
                for (index, split) in splits.elements.enumerated() { memory[index] = Int32(truncatingIfNeeded: split) }
            }
        return [splitTensor, try points.tensor()] + (hasOffsets ? [try offsets.tensor()] : [])
    }
}

/// Strings of code points.
///
/// - Inputs: `input_values`, int32, of any shape: all code points; `input_splits`, int32 or int64: where each string begins, and the last ends.
/// - Attributes: `output_encoding` (UTF-8, UTF-16-BE or UTF-32-BE), `errors`, `replacement_char`.
struct UnicodeEncode: TensorOp {
    private let encoding: TextEncoding
    private let errors: UnicodeErrors

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(2)
        encoding = try node.outputEncoding()
        errors = try UnicodeErrors(node)
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].require(.int32, "input_values")
        try inputs[1].requireRank(1, "input_splits")
        let ends = inputs[1].shape.dimension(0)
        guard ends != 0 else { throw .invalid("input_splits must have at least one element") }
        return [TensorFact(.string, PartialShape([ends < 0 ? ends : ends - 1]))]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        _ = try check(inputs)
        let points = try inputs[0].wholeNumberElements("input_values")
        let splits = try inputs[1].wholeNumberElements("input_splits")
        guard splits.first == 0 else { throw .invalid("First value in input_splits must be zero.") }
        guard splits.last == points.count else {
            throw .invalid("Last value in input_splits must be equal to length of input_tensor.")
        }
        var result = try StringTensorBuilder(.vector(splits.count - 1), byteCount: points.count, account)
        for index in 1..<max(1, splits.count) {
            let (start, end) = (splits[index - 1], splits[index])
            guard start <= end, start >= 0, end <= points.count else {
                throw .invalid("Values in input_splits must be equal or in ascending order.")
            }
            for place in start..<end {
                let scalar = try errors.resolve(
                    UInt32(exactly: points[place]), "Code point is out of range for Unicode, or is a surrogate.")
                if let scalar { try encoding.encode(scalar, to: &result) }
            }
            try result.endString()
        }
        return [try result.tensor()]
    }
}

/// Strings in another encoding.
///
/// - Attributes: `input_encoding`; `output_encoding` (UTF-8, UTF-16-BE or UTF-32-BE); `errors`, `replacement_char`,
///   `replace_control_characters`.
struct UnicodeTranscode: StringTransform {
    private let source: TextEncoding
    private let target: TextEncoding
    private let errors: UnicodeErrors

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(1)
        source = try node.encoding("input_encoding")
        target = try node.outputEncoding()
        errors = try UnicodeErrors(node)
    }

    func transform(
        _ string: UnsafeBufferPointer<UInt8>, to result: inout StringTensorBuilder
    ) throws(OpError) {
        var place = 0
        while place < string.count {
            let character = source.character(string, at: place)
            place += character.width
            let scalar = try errors.resolve(character.scalar, UnicodeErrors.malformedText)
            if let scalar { try target.encode(scalar, to: &result) }
        }
    }
}
