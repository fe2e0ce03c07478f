internal import Kernels
internal import Tensors

extension OpTable {
    /// Strings taken apart.
    static let stringSplitting: [OpEntry] = [
        OpEntry("StringSplit", make: StringSplit.init),
        OpEntry("StringSplitV2", make: StringSplitV2.init),
        OpEntry("StringNGrams", make: StringNGrams.init),
    ]
}

/// The parts of each string of a vector, as a sparse tensor: indices [n, 2], values [n], shape [2], the last being that of the
/// longest row.
protocol StringSplitting: TensorOp {
    /// Hands the parts of a string on.
    func split(
        _ string: UnsafeBufferPointer<UInt8>, by separator: UnsafeBufferPointer<UInt8>,
        into parts: inout CountedList<TensorString>, _ work: inout WorkCount
    ) throws(OpError)
}

extension UnsafeBufferPointer<UInt8> {
    /// The bytes as an element of a tensor.
    fileprivate var element: TensorString { TensorString(start: baseAddress, count: count) }
}

/// Bytes that are looked for.
private struct ByteSet {
    /// A bit for each byte.
    private var words = SIMD4<UInt64>.zero

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        for byte in bytes { words[Int(byte >> 6)] |= 1 << UInt64(byte & 0x3f) }
    }

    func contains(_ byte: UInt8) -> Bool { words[Int(byte >> 6)] >> UInt64(byte & 0x3f) & 1 == 1 }
}

extension StringSplitting {
    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].require(.string, "input")
        try inputs[1].require(.string, "the separator")
        guard inputs[0].shape.rank ?? 1 == 1 else {
            throw .invalid("input must be a vector, got shape: \(inputs[0].shape)")
        }
        guard inputs[1].shape.rank ?? 0 == 0 else {
            throw .invalid("delimiter must be a scalar, got shape: \(inputs[1].shape)")
        }
        let unknown = PartialShape.unknownDimension
        return [
            TensorFact(.int64, PartialShape([unknown, 2])), TensorFact(.string, PartialShape([unknown])),
            TensorFact(.int64, PartialShape([2])),
        ]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        _ = try check(inputs)
        let separator = try inputs[1].oneStringElement("separator")
        let strings = try inputs[0].stringElements("input")
        var parts = try CountedList<TensorString>(account)
        var ends = try CountedList<Int>(account, capacity: strings.count)
        var longest = 0
        var work = WorkCount(account)
        for string in strings {
            let before = parts.count
            try split(string.bytes, by: separator, into: &parts, &work)
            longest = Swift.max(longest, parts.count - before)
            try ends.append(parts.count)
            try work.add(string.count)
        }
        guard let shape = Shape([parts.count, 2]) else { throw .invalid("too many parts") }
        let indices = try account.numbers(shape, of: Int64.self) { (memory) throws(OpError) in
            var place = 0
            for (row, end) in ends.elements.enumerated() {
                let first = place
                while place < end {
                    memory[2 * place] = Int64(row)
                    memory[2 * place + 1] = Int64(place - first)
                    place += 1
                    try work.add(DataType.string.stride)
                }
            }
        }
        return [
            indices, try account.strings(parts.elements),
            try .holding([Int64(strings.count), Int64(longest)]),
        ]
    }
}

/// Splits at each byte that is among the delimiter's; without a delimiter, into bytes.
///
/// - Attributes: `skip_empty`.
struct StringSplit: StringSplitting {
    private let skipsEmpty: Bool

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(2)
        skipsEmpty = try node.bool("skip_empty", default: true)
    }

    func split(
        _ string: UnsafeBufferPointer<UInt8>, by separator: UnsafeBufferPointer<UInt8>,
        into parts: inout CountedList<TensorString>, _ work: inout WorkCount
    ) throws(OpError) {
        if string.isEmpty { return }
        if separator.isEmpty {
            for place in string.indices { try parts.append(string.part(place..<place + 1).element) }
            return
        }
        let separators = ByteSet(separator)
        var start = 0
        for place in 0...string.count where place == string.count || separators.contains(string[place]) {
            if place > start || !skipsEmpty { try parts.append(string.part(start..<place).element) }
            start = place + 1
        }
    }
}

/// Splits at the separator as a whole; without one, at white space, of which there may be any amount.
///
/// - Attributes: `maxsplit`: the most splits, -1 for any number.
struct StringSplitV2: StringSplitting {
    private let maxSplits: Int

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(2)
        let most = try node.int("maxsplit", default: -1)
        maxSplits = most < 0 ? .max : most
    }

    func split(
        _ string: UnsafeBufferPointer<UInt8>, by separator: UnsafeBufferPointer<UInt8>,
        into parts: inout CountedList<TensorString>, _ work: inout WorkCount
    ) throws(OpError) {
        if maxSplits == 0 { return try parts.append(string.element) }
        if separator.isEmpty { try words(string, &parts) } else { try self.parts(string, separator, &parts, &work) }
    }

    private func words(
        _ string: UnsafeBufferPointer<UInt8>, _ parts: inout CountedList<TensorString>
    ) throws(OpError) {
        var place = 0
        var splits = 0
        func skip(_ isSpace: Bool) {
            while place < string.count, string[place].isASCIISpace == isSpace { place += 1 }
        }
        skip(true)
        while place < string.count {
            let start = place
            skip(false)
            try parts.append(string.part(start..<place).element)
            skip(true)
            splits += 1
            guard splits < maxSplits else { return try parts.append(string.part(place..<string.count).element) }
        }
    }

    private func parts(
        _ string: UnsafeBufferPointer<UInt8>, _ separator: UnsafeBufferPointer<UInt8>,
        _ parts: inout CountedList<TensorString>, _ work: inout WorkCount
    ) throws(OpError) {
        var start = 0
        var place = 0
        var splits = 0
        while splits < maxSplits, place + separator.count <= string.count {
            if string[place] == separator[0] {
                // A long separator may all but be at many places.
                try work.add(separator.count)
                if string[place..<(place + separator.count)].elementsEqual(separator) {
                    try parts.append(string.part(start..<place).element)
                    place += separator.count
                    start = place
                    splits += 1
                    continue
                }
            }
            place += 1
        }
        try parts.append(string.part(start..<string.count).element)
    }
}

/// Runs of neighbouring tokens of each row, as one string each.
///
/// - Inputs: `data`: the tokens of all rows; `data_splits`, int32 or int64: where each row begins, and the last ends.
/// - Outputs: the n-grams of all rows; their splits.
/// - Attributes: `separator`, `ngram_widths`, `left_pad`, `right_pad`, `pad_width` (-1: one less than the width),
///   `preserve_short_sequences`: a row without any n-gram gives all it has as one.
struct StringNGrams: TensorOp {
    private let separator: [UInt8]
    private let widths: [Int]
    private let leftPad: [UInt8]
    private let rightPad: [UInt8]
    private let padWidth: Int
    private let preservesShort: Bool

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(2)
        separator = Array(try node.string("separator").utf8)
        widths = try node.ints("ngram_widths")
        leftPad = Array(try node.string("left_pad").utf8)
        rightPad = Array(try node.string("right_pad").utf8)
        padWidth = try node.int("pad_width")
        preservesShort = try node.bool("preserve_short_sequences")
        guard let shortest = widths.min(), shortest >= 1 else {
            throw .invalid("ngram_widths must contain positive values")
        }
        guard min(padWidth, (widths.max() ?? 1) - 1) <= 1 << 16 else {
            throw .unsupported("a pad width above 65536 is not supported")
        }
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].require(.string, "data")
        guard [.int32, .int64].contains(inputs[1].dtype) else { throw .unsupported(inputs[1].dtype) }
        try inputs[0].requireRank(1, "data")
        try inputs[1].requireRank(1, "data_splits")
        return [
            TensorFact(.string, PartialShape([PartialShape.unknownDimension])),
            TensorFact(inputs[1].dtype, inputs[1].shape.merged(with: .ofRank(1)) ?? .ofRank(1)),
        ]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        _ = try check(inputs)
        let data = try inputs[0].stringElements("data")
        let splits = try inputs[1].wholeNumberElements("data_splits")
        if splits.isEmpty { return [try account.strings([]), inputs[1]] }
        try Self.check(splits, count: data.count)
        var ends = try CountedList<Int>(account, capacity: splits.count)
        try ends.append(0)
        var bytes = ByteSum()
        var work = WorkCount(account)
        // Once to know how many there are and how long they are, once to make them.
        for index in 1..<splits.count {
            var count = ends.elements[index - 1]
            try forEachGram(of: splits[index - 1]..<splits[index], data) { (row, gram) throws(OpError) in
                count += 1
                bytes.add(separator.count, times: gram.count - 1)
                for place in gram { bytes.add(token(place, row, data).count) }
                try work.add(gram.count * DataType.string.stride)
            }
            try ends.append(count)
        }
        var grams = try StringTensorBuilder(.vector(ends.elements.last ?? 0), byteCount: bytes.total, account)
        for index in 1..<splits.count {
            try forEachGram(of: splits[index - 1]..<splits[index], data) { (row, gram) throws(OpError) in
                for place in gram {
                    if place > gram.lowerBound { try grams.append(separator) }
                    let token = token(place, row, data)
                    if let pad = token.pad { try grams.append(pad) } else { try grams.append(token.text.bytes) }
                }
                try grams.endString()
            }
        }
        try account.reserve(2 * ends.count, of: Int.self)
        let outputSplits = try TensorFact(ends.elements, as: inputs[1].dtype, shape: .vector(ends.count)) { _ in
            "too many n-grams"
        }
        guard let splitsTensor = outputSplits.value else { throw .invalid("too many n-grams") }
        return [try grams.tensor(), splitsTensor]
    }

    private static func check(_ splits: WholeNumbers, count: Int) throws(OpError) {
        guard let first = splits.first, let last = splits.last else { return }
        guard first == 0 else { throw .invalid("First split value must be 0, got \(first)") }
        for (left, right) in zip(splits, splits.dropFirst()) where right < left || right > count {
            throw .invalid("Invalid split value \(right), must be in [\(left), \(count)]")
        }
        guard last == count else {
            throw .invalid("Last split value must be data size. Expected \(count), got \(last)")
        }
    }

    /// Hands on the n-grams of a row: which of its tokens each has, where those before the first and behind the last are padding.
    private func forEachGram(
        of row: Range<Int>, _ data: StringElements,
        _ body: (_ row: Range<Int>, _ gram: Range<Int>) throws(OpError) -> Void
    ) throws(OpError) {
        var hasGrams = false
        // Without any token at all there is no padding either.
        for width in data.isEmpty ? [] : widths {
            let pads = min(padWidth < 0 ? width - 1 : padWidth, width - 1)
            let starts = row.count + 2 * pads - width + 1
            guard starts > 0 else { continue }
            hasGrams = true
            for start in 0..<starts { try body(row, (start - pads)..<(start - pads + width)) }
        }
        if preservesShort, !hasGrams, !row.isEmpty {
            // What there is, padded as far as that is asked for.
            let pads = padWidth < 0 ? 0 : padWidth
            try body(row, -pads..<(row.count + pads))
        }
    }

    private struct Token {
        /// What stands in the place of a token; nil for a token.
        let pad: [UInt8]?
        let text: TensorString
        var count: Int { pad?.count ?? text.count }
    }

    private func token(_ place: Int, _ row: Range<Int>, _ data: StringElements) -> Token {
        let pad = place < 0 ? leftPad : place >= row.count ? rightPad : nil
        return Token(pad: pad, text: data[pad == nil ? row.lowerBound + place : -1])
    }
}
