internal import Kernels
internal import Tensors

extension OpTable {
    /// Ops that make serialized `Summary` messages, what TensorBoard reads.
    static let summaries: [OpEntry] = [
        OpEntry("ScalarSummary", make: ScalarSummary.init),
        OpEntry("HistogramSummary", make: HistogramSummary.init),
        OpEntry("MergeSummary", make: MergeSummary.init),
    ]
}

extension TensorOp {
    /// Checks what a summary is made of.
    fileprivate func check(tag: TensorFact, values: TensorFact) throws(OpError) {
        try tag.require(.string, "tag")
        guard values.dtype.isFloating || values.dtype.isInteger else { throw .unsupported(values.dtype) }
    }
}

/// A number for each tag.
///
/// - Inputs: `tags`, strings; `values`, numbers, in the same shape.
struct ScalarSummary: TensorOp {
    static var traits: OpTraits { .bookkeeping }

    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(2) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try check(tag: inputs[0], values: inputs[1])
        if let tags = inputs[0].shape.known, let values = inputs[1].shape.known, tags != values {
            throw .invalid("tags and values are not the same shape: \(tags) != \(values)")
        }
        return [TensorFact(.string, .scalar)]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        _ = try outputs(for: inputs.map { TensorFact($0) })
        let tags = try inputs[0].stringElements("tags")
        var bytes = ByteSum()
        for tag in tags { bytes.add(MessageSize.field(Self.size(tag))) }
        var summary = try StringTensorBuilder(.scalar, byteCount: bytes.total, account)
        for (index, tag) in tags.enumerated() {
            guard let number = inputs[1].number(index) else { throw .unsupported(inputs[1].dtype) }
            try summary.append(headerOf: 1, byteCount: Self.size(tag))
            if tag.count > 0 { try summary.append(tag.bytes, field: 1) }
            try summary.append(varint: 2 << 3 | 5)
            let bits = Float(number).bitPattern
            for place in 0..<4 { try summary.append(UInt8(truncatingIfNeeded: bits >> UInt32(8 * place))) }
        }
        try summary.endString()
        return [try summary.tensor()]
    }

    /// The bytes of a tag with its number.
    private static func size(_ tag: TensorString) -> Int {
        5 + (tag.count > 0 ? MessageSize.field(tag.count) : 0)
    }
}

/// How often values are how large.
///
/// - Inputs: `tag`, a scalar string; `values`, finite numbers.
struct HistogramSummary: TensorOp {
    static var traits: OpTraits { .bookkeeping }

    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(2) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try check(tag: inputs[0], values: inputs[1])
        try inputs[0].requireRank(0, "tags")
        return [TensorFact(.string, .scalar)]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        _ = try outputs(for: inputs.map { TensorFact($0) })
        let tag = try inputs[0].oneStringElement("tag")
        try account.reserve(Histogram.workBytes)
        var histogram = Histogram()
        var work = WorkCount(account)
        for index in 0..<inputs[1].shape.elementCount {
            guard let number = inputs[1].number(index) else { throw .unsupported(inputs[1].dtype) }
            guard number.isFinite else {
                let what = number.isNaN ? "Nan" : "Infinity"
                throw .invalid("\(what) in summary histogram for: \(String(shown: tag))")
            }
            histogram.add(number)
            try work.add(16)
        }
        let message = histogram.message
        let size = (tag.count > 0 ? MessageSize.field(tag.count) : 0) + MessageSize.field(message.count)
        var summary = try StringTensorBuilder(.scalar, byteCount: MessageSize.field(size), account)
        try summary.append(headerOf: 1, byteCount: size)
        if tag.count > 0 { try summary.append(tag, field: 1) }
        try summary.append(message, field: 5)
        try summary.endString()
        return [try summary.tensor()]
    }
}

/// TensorFlow's histogram: buckets that grow by a tenth from 1e-12 to 1e20, on both sides of 0.
private struct Histogram {
    private static let limits: [Double] = {
        var positive: [Double] = []
        var limit = 1e-12
        while limit < 1e20 {
            positive.append(limit)
            limit *= 1.1
        }
        positive.append(.greatestFiniteMagnitude)
        return positive.reversed().map { -$0 } + [0] + positive
    }()

    /// What a histogram and its message take: some lists of as many numbers as there are buckets, twice over while they grow.
    static let workBytes = 10 * 8 * limits.count

    private var counts = [Double](repeating: 0, count: limits.count)
    private var least = Double.greatestFiniteMagnitude
    private var most = -Double.greatestFiniteMagnitude
    private var sum = 0.0
    private var squares = 0.0
    private var number = 0.0

    mutating func add(_ value: Double) {
        var (low, high) = (0, Self.limits.count)
        while low < high {
            let middle = (low + high) / 2
            if Self.limits[middle] <= value { low = middle + 1 } else { high = middle }
        }
        // The largest number is no bucket's.
        counts[min(low, counts.count - 1)] += 1
        // The first of two zeros counts, whatever its sign.
        if value < least { least = value }
        if value > most { most = value }
        sum += value
        squares += value * value
        number += 1
    }

    /// A `HistogramProto`; empty buckets that follow each other are one.
    var message: [UInt8] {
        var ends: [Double] = []
        var filled: [Double] = []
        for (limit, count) in zip(Self.limits, counts) {
            if count <= 0, filled.last == 0 {
                ends[ends.count - 1] = limit
            } else {
                ends.append(limit)
                filled.append(count)
            }
        }
        var writer = MessageWriter()
        for (field, value) in [least, most, number, sum, squares].enumerated() {
            writer.append(value, field: UInt64(field + 1))
        }
        writer.append(ends, field: 6)
        writer.append(filled, field: 7)
        return writer.bytes
    }
}

/// The values of several summaries in one.
///
/// - Inputs: strings of any shape, each a serialized summary; no tag may stand twice.
struct MergeSummary: TensorOp {
    static var traits: OpTraits { .bookkeeping }

    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(atLeast: 1) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        for input in inputs { try input.require(.string, "inputs") }
        return [TensorFact(.string, .scalar)]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        var values = try CountedList<TensorString>(account)
        var tags = Set<ByteKey>()
        var bytes = ByteSum()
        for input in inputs {
            for summary in try input.stringElements("inputs") {
                let first = values.count
                try Self.read(summary.bytes, into: &values)
                for value in values.elements[first...] {
                    bytes.add(MessageSize.field(value.count))
                    guard let tag = try? Self.tag(value.bytes), !tag.isEmpty else { continue }
                    try account.reserve(ByteKey.setBytes)
                    guard tags.insert(ByteKey(tag)).inserted else {
                        throw .invalid("Duplicate tag \(String(shown: tag)) found in summary inputs")
                    }
                }
            }
        }
        var result = try StringTensorBuilder(.scalar, byteCount: bytes.total, account)
        for value in values.elements { try result.append(value.bytes, field: 1) }
        try result.endString()
        return [try result.tensor()]
    }

    /// The `Summary.Value` messages in a summary.
    private static func read(
        _ summary: UnsafeBufferPointer<UInt8>, into values: inout CountedList<TensorString>
    ) throws(OpError) {
        var reader = ProtobufReader(summary)
        while true {
            let place: Range<Int>
            do throws(ProtobufReader.Malformed) {
                guard let field = try reader.readField() else { return }
                guard field.number == 1, case .bytes(let range) = field.value else { continue }
                _ = try tag(summary.part(range))
                place = range
            } catch { throw .invalid("Could not parse one of the summary inputs") }
            let value = summary.part(place)
            try values.append(TensorString(start: value.baseAddress, count: value.count))
        }
    }

    private static func tag(
        _ value: UnsafeBufferPointer<UInt8>
    ) throws(ProtobufReader.Malformed) -> UnsafeBufferPointer<UInt8> {
        var reader = ProtobufReader(value)
        var tag = value.part(0..<0)
        while let field = try reader.readField() {
            if field.number == 1, case .bytes(let range) = field.value { tag = value.part(range) }
        }
        return tag
    }
}
