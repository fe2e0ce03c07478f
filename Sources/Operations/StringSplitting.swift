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
    /// The parts of a string.
    func split(_ string: [UInt8], by separator: [UInt8]) -> [ArraySlice<UInt8>]
}

extension StringSplitting {
    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
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

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(CompileError) -> [Tensor] {
        _ = try check(inputs)
        let separator = try inputs[1].oneString("separator")
        let strings = try inputs[0].bytes("input")
        var indices: [Int64] = []
        var values: [[UInt8]] = []
        var longest = 0
        for (row, string) in strings.enumerated() {
            let parts = split(string, by: separator)
            longest = max(longest, parts.count)
            for (column, part) in parts.enumerated() {
                indices += [Int64(row), Int64(column)]
                values.append(Array(part))
            }
        }
        return [
            try .holding(indices, [values.count, 2]), try .holding(values),
            try .holding([Int64(strings.count), Int64(longest)]),
        ]
    }
}

/// Splits at each byte that is among the delimiter's; without a delimiter, into bytes.
///
/// - Attributes: `skip_empty`.
struct StringSplit: StringSplitting {
    private let skipsEmpty: Bool

    init(_ node: NodeReader) throws(CompileError) {
        try node.expectInputs(2)
        skipsEmpty = try node.bool("skip_empty", default: true)
    }

    func split(_ string: [UInt8], by separator: [UInt8]) -> [ArraySlice<UInt8>] {
        if string.isEmpty { return [] }
        if separator.isEmpty { return string.indices.map { string[$0...$0] } }
        return string.split(omittingEmptySubsequences: skipsEmpty) { separator.contains($0) }
    }
}

/// Splits at the separator as a whole; without one, at white space, of which there may be any amount.
///
/// - Attributes: `maxsplit`: the most splits, -1 for any number.
struct StringSplitV2: StringSplitting {
    private let mostSplits: Int

    init(_ node: NodeReader) throws(CompileError) {
        try node.expectInputs(2)
        let most = try node.int("maxsplit", default: -1)
        mostSplits = most < 0 ? .max : most
    }

    func split(_ string: [UInt8], by separator: [UInt8]) -> [ArraySlice<UInt8>] {
        if mostSplits == 0 { return [string[...]] }
        return separator.isEmpty ? words(string) : parts(string, separator)
    }

    private func words(_ string: [UInt8]) -> [ArraySlice<UInt8>] {
        var result: [ArraySlice<UInt8>] = []
        var rest = string.drop { $0.isASCIISpace }
        while !rest.isEmpty {
            let word = rest.prefix { !$0.isASCIISpace }
            result.append(word)
            rest = rest[word.endIndex...].drop { $0.isASCIISpace }
            guard result.count < mostSplits else {
                result.append(rest)
                break
            }
        }
        return result
    }

    private func parts(_ string: [UInt8], _ separator: [UInt8]) -> [ArraySlice<UInt8>] {
        var result: [ArraySlice<UInt8>] = []
        var start = 0
        var place = 0
        while result.count < mostSplits, place + separator.count <= string.count {
            if string[place] == separator[0], string[place..<(place + separator.count)] == separator[...] {
                result.append(string[start..<place])
                place += separator.count
                start = place
            } else {
                place += 1
            }
        }
        return result + [string[start...]]
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

    init(_ node: NodeReader) throws(CompileError) {
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

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
        try inputs[0].require(.string, "data")
        guard [.int32, .int64].contains(inputs[1].dtype) else { throw .unsupported(inputs[1].dtype) }
        try inputs[0].requireRank(1, "data")
        try inputs[1].requireRank(1, "data_splits")
        return [
            TensorFact(.string, PartialShape([PartialShape.unknownDimension])),
            TensorFact(inputs[1].dtype, inputs[1].shape.merged(with: .ofRank(1)) ?? .ofRank(1)),
        ]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(CompileError) -> [Tensor] {
        _ = try check(inputs)
        let data = try inputs[0].bytes("data")
        let splits = try inputs[1].wholeNumbers("data_splits")
        if splits.isEmpty { return [try .holding([[UInt8]]()), inputs[1]] }
        try Self.check(splits, count: data.count)
        var grams: [[UInt8]] = []
        var ends = Array(splits.prefix(1))
        var bytes = 0
        for (start, end) in zip(splits, splits.dropFirst()) {
            let row = Array(data[start..<end])
            let before = grams.count
            // Without any token at all there is no padding either.
            for width in data.isEmpty ? [] : widths { try add(row, width, &grams, &bytes) }
            if preservesShort, grams.count == before, !row.isEmpty {
                // What there is, padded as far as that is asked for.
                let pads = padWidth < 0 ? 0 : padWidth
                grams.append(gram(row, -pads..<(row.count + pads)))
            }
            ends.append(grams.count)
        }
        let shape = Shape.vector(ends.count)
        let outputSplits = try TensorFact(ends, as: inputs[1].dtype, shape: shape) { _ in "too many n-grams" }
        guard let splitsTensor = outputSplits.value else { throw .invalid("too many n-grams") }
        return [try .holding(grams), splitsTensor]
    }

    private static func check(_ splits: [Int], count: Int) throws(CompileError) {
        guard let first = splits.first, let last = splits.last else { return }
        guard first == 0 else { throw .invalid("First split value must be 0, got \(first)") }
        for (left, right) in zip(splits, splits.dropFirst()) where right < left || right > count {
            throw .invalid("Invalid split value \(right), must be in [\(left), \(count)]")
        }
        guard last == count else {
            throw .invalid("Last split value must be data size. Expected \(count), got \(last)")
        }
    }

    private func add(_ row: [[UInt8]], _ width: Int, _ grams: inout [[UInt8]], _ bytes: inout Int) throws(CompileError)
    {
        let pads = min(padWidth < 0 ? width - 1 : padWidth, width - 1)
        let starts = row.count + 2 * pads - width + 1
        guard starts > 0 else { return }
        for start in 0..<starts {
            let gram = gram(row, (start - pads)..<(start - pads + width))
            bytes += gram.count + DataType.string.stride
            guard bytes <= Tensor.repeatedStringsLimitBytes else {
                throw CompileError(.resourceExhausted, "the n-grams would take too much memory")
            }
            grams.append(gram)
        }
    }

    private func gram(_ row: [[UInt8]], _ range: Range<Int>) -> [UInt8] {
        Array(range.map { $0 < 0 ? leftPad : $0 < row.count ? row[$0] : rightPad }.joined(separator: separator))
    }
}
