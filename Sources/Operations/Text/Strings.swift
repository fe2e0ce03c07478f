internal import Kernels
internal import Tensors

extension OpTable {
    /// Ops that look at each string on its own.
    static let strings: [OpEntry] = [
        OpEntry("StringStrip", make: StringStrip.init),
        OpEntry("StringLower", make: StringCase.init(_:lower:), true),
        OpEntry("StringUpper", make: StringCase.init(_:lower:), false),
        OpEntry("StringLength", make: StringLength.init),
        OpEntry("Substr", make: Substr.init),
        OpEntry("EncodeBase64", make: EncodeBase64.init),
        OpEntry("DecodeBase64", make: DecodeBase64.init),
    ]
}

/// Each string without white space (as ASCII has it) at both ends.
struct StringStrip: StringTransform {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(1) }

    func transform(
        _ string: UnsafeBufferPointer<UInt8>, to result: inout StringTensorBuilder
    ) throws(OpError) {
        try result.append(string.trimmed)
    }
}

/// Each string in small or in capital letters.
///
/// - Attributes: `encoding`: "" turns ASCII letters only, "utf-8" all that Unicode has; what is not UTF-8 becomes U+FFFD.
struct StringCase: StringTransform {
    private let lower: Bool
    private let isUnicode: Bool

    init(_ node: NodeReader, lower: Bool) throws(OpError) {
        try node.expectInputs(1)
        let encoding = try node.string("encoding", default: "")
        guard encoding.isEmpty || encoding == "utf-8" else {
            throw .invalid("only utf-8 or '' (no encoding) is supported, received '\(encoding)'")
        }
        self.lower = lower
        isUnicode = !encoding.isEmpty
    }

    func transform(
        _ string: UnsafeBufferPointer<UInt8>, to result: inout StringTensorBuilder
    ) throws(OpError) {
        if isUnicode, string.contains(where: { $0 >= 0x80 }) {
            return try turnText(string, to: &result)
        }
        let letters = lower ? UInt8(ascii: "A")...UInt8(ascii: "Z") : UInt8(ascii: "a")...UInt8(ascii: "z")
        for byte in string { try result.append(letters.contains(byte) ? byte ^ 0x20 : byte) }
    }

    /// Turns all letters that Unicode has; the sigma that ends a word becomes one that ends a word.
    private func turnText(
        _ string: UnsafeBufferPointer<UInt8>, to result: inout StringTensorBuilder
    ) throws(OpError) {
        var place = 0
        // Whether the last character that counts for the sigma's rule has case.
        var isAfterCased = false
        while place < string.count {
            let (scalar, width) = Self.scalar(string, at: place)
            place += width
            if lower, scalar == "\u{3A3}" {
                let endsWord = isAfterCased && !Self.isBeforeCased(string, at: place)
                try result.append(endsWord ? "\u{3C2}" : "\u{3C3}")
            } else {
                let properties = scalar.properties
                try result.append(lower ? properties.lowercaseMapping : properties.uppercaseMapping)
            }
            if !scalar.properties.isCaseIgnorable { isAfterCased = scalar.properties.isCased }
        }
    }

    /// The character at a place; U+FFFD for what is none.
    private static func scalar(
        _ string: UnsafeBufferPointer<UInt8>, at place: Int
    ) -> (scalar: Unicode.Scalar, width: Int) {
        let character = TextEncoding.utf8.character(string, at: place)
        return (character.scalar.flatMap(Unicode.Scalar.init) ?? "\u{FFFD}", character.width)
    }

    /// The second half of the Unicode standard's condition Final_Sigma (section 3.13): whether what follows goes on with a word.
    private static func isBeforeCased(_ string: UnsafeBufferPointer<UInt8>, at start: Int) -> Bool {
        var place = start
        while place < string.count {
            let (scalar, width) = scalar(string, at: place)
            if !scalar.properties.isCaseIgnorable { return scalar.properties.isCased }
            place += width
        }
        return false
    }
}

/// What ops count in a string.
enum StringUnit: String {
    case byte = "BYTE"
    case character = "UTF8_CHAR"
}

/// How long each string is, an int32. Attributes: `unit`.
struct StringLength: KernelOp {
    private let unit: StringUnit

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(1)
        unit = try node.choice("unit", default: .byte)
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].require(.string, "input")
        return [TensorFact(.int32, inputs[0].shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let count = try spec.outputShape().elementCount
        return .stringLengths(count: count, ofCharacters: unit == .character)
    }
}

/// A part of each string.
///
/// - Inputs: `input`; `pos` and `len`, int32 or int64, of one shape that broadcasts with the input's. A negative position counts
///   from the end; one outside of the string is an error. A part ends with its string at the latest.
/// - Attributes: `unit`.
struct Substr: TensorOp {
    private let unit: StringUnit

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(3)
        unit = try node.choice("unit", default: .byte)
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].require(.string, "input")
        guard inputs[1].dtype == inputs[2].dtype, [.int32, .int64].contains(inputs[1].dtype) else {
            throw .invalid("pos and len must both be int32 or int64, they are \(inputs[1].dtype), \(inputs[2].dtype)")
        }
        guard inputs[1].shape.merged(with: inputs[2].shape) != nil else {
            throw .invalid(
                "pos and len should have the same shape, got: \(inputs[1].shape) vs. \(inputs[2].shape)")
        }
        return [TensorFact(.string, try inputs[0].shape.broadcast(with: inputs[1].shape))]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.elementwise() }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        guard let shape = try check(inputs)[0].shape.known else { throw .invalid("the shapes do not broadcast") }
        let strings = try inputs[0].stringElements("input")
        let places = try inputs[1].wholeNumberElements("pos")
        let lengths = try inputs[2].wholeNumberElements("len")
        let which = BroadcastPlaces(inputs[0].shape, broadcastTo: shape)
        let where_ = BroadcastPlaces(inputs[1].shape, broadcastTo: shape)
        func part(_ index: Int) throws(OpError) -> UnsafeBufferPointer<UInt8> {
            let string = strings[which[index]].bytes
            let (position, length) = (places[where_[index]], lengths[where_[index]])
            let range = unit == .byte ? bytes(string, position, length) : characters(string, position, length)
            guard let range else {
                let text = unit == .byte ? "b'\(String(shown: string))' " : ""
                throw .invalid("pos \(position) out of range for string \(text)at index \(index)")
            }
            return string.part(range)
        }
        var total = ByteSum()
        var work = WorkCount(account)
        for index in 0..<shape.elementCount {
            let part = try part(index)
            total.add(part.count)
            try work.add(DataType.string.stride + (unit == .byte ? 0 : strings[which[index]].count))
        }
        var result = try StringTensorBuilder(shape, byteCount: total.total, account)
        for index in 0..<shape.elementCount { try result.add(try part(index)) }
        return [try result.tensor()]
    }

    /// A negative length takes the rest.
    private func bytes(_ string: UnsafeBufferPointer<UInt8>, _ position: Int, _ length: Int) -> Range<Int>? {
        let start = position < 0 ? position + string.count : position
        guard start >= 0, start <= string.count else { return nil }
        return start..<(length < 0 ? string.count : start + min(length, string.count - start))
    }

    private func characters(_ string: UnsafeBufferPointer<UInt8>, _ position: Int, _ length: Int) -> Range<Int>? {
        if position >= 0 {
            let (start, passed) = Self.forward(string, from: 0, by: position)
            guard passed else { return nil }
            return start..<Self.forward(string, from: start, by: length).place
        }
        // How many characters lie between the end of the part and that of the string.
        let back = 0 - (position == .min ? .min + 1 : position)
        let (rest, overflow) = back.subtractingReportingOverflow(length)
        let skipped = overflow ? (length < 0 ? .max : 0) : max(0, rest)
        let (end, passed) = Self.backward(string, from: string.count, by: skipped)
        guard passed else { return nil }
        let (start, reached) = Self.backward(string, from: end, by: back - skipped)
        return reached ? start..<end : nil
    }

    private static func forward(_ string: UnsafeBufferPointer<UInt8>, from: Int, by count: Int) -> (
        place: Int, passed: Bool
    ) {
        var (place, passed) = (from, 0)
        while passed < count, place < string.count {
            repeat { place += 1 } while place < string.count && string[place].isUTF8Continuation
            passed += 1
        }
        return (place, passed == max(0, count))
    }

    private static func backward(_ string: UnsafeBufferPointer<UInt8>, from: Int, by count: Int) -> (
        place: Int, passed: Bool
    ) {
        var (place, passed) = (from, 0)
        while passed < count, place > 0 {
            repeat { place -= 1 } while place > 0 && string[place].isUTF8Continuation
            passed += 1
        }
        return (place, passed == count)
    }
}

/// Base 64 in the alphabet for addresses (RFC 4648, section 5). Attributes: `pad`.
struct EncodeBase64: StringTransform {
    private let pads: Bool

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(1)
        pads = try node.bool("pad", default: false)
    }

    func expectedBytes(of byteCount: Int) -> Int { byteCount > .max / 2 ? .max : byteCount / 3 * 4 + 4 }

    func transform(
        _ string: UnsafeBufferPointer<UInt8>, to result: inout StringTensorBuilder
    ) throws(OpError) {
        for start in stride(from: 0, to: string.count, by: 3) {
            let group = string[start..<min(start + 3, string.count)]
            let bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
            for digit in 0...group.count { try result.append(WebBase64.digit(bits >> UInt32(18 - 6 * digit))) }
            if pads { try result.append(repeating: UInt8(ascii: "="), count: 3 - group.count) }
        }
    }
}

/// The bytes that base 64 text stands for, in the alphabet for addresses, padded or not.
struct DecodeBase64: StringTransform {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(1) }

    func expectedBytes(of byteCount: Int) -> Int { byteCount / 4 * 3 + 3 }

    func transform(
        _ string: UnsafeBufferPointer<UInt8>, to result: inout StringTensorBuilder
    ) throws(OpError) {
        var text = string[...]
        if text.count % 4 == 0, text.last == UInt8(ascii: "=") {
            text.removeLast()
            if text.last == UInt8(ascii: "=") { text.removeLast() }
        }
        guard text.count % 4 != 1 else { throw .invalid("Base64 string length cannot be 1 modulo 4.") }
        var bits: UInt32 = 0
        for (index, byte) in text.enumerated() {
            guard let value = WebBase64.value(byte) else { throw .invalid("Invalid character found in base64.") }
            bits = bits << 6 | value
            if index % 4 != 0 { try result.append(UInt8(truncatingIfNeeded: bits >> UInt32(6 - 2 * (index % 4)))) }
        }
    }
}

/// The alphabet of base 64 for addresses.
private enum WebBase64 {
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// For the low six bits.
    static func digit(_ bits: UInt32) -> UInt8 { digits[Int(bits & 63)] }

    static func value(_ digit: UInt8) -> UInt32? {
        switch digit {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(digit - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(digit - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(digit - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "-"): 62
        case UInt8(ascii: "_"): 63
        default: nil
        }
    }
}
