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
    /// A scalar string.
    func text(_ bytes: [UInt8]) throws(CompileError) -> Tensor {
        guard let tensor = Tensor(strings: [bytes], shape: .scalar) else {
            throw CompileError(.resourceExhausted, "not enough memory for a summary of \(bytes.count) bytes")
        }
        return tensor
    }

    /// Checks what a summary is made of.
    fileprivate func check(tag: TensorFact, values: TensorFact) throws(CompileError) {
        try tag.require(.string, "tag")
        guard values.dtype.isFloating || values.dtype.isInteger else { throw .unsupported(values.dtype) }
    }
}

/// A number for each tag.
///
/// - Inputs: `tags`, strings; `values`, numbers, in the same shape.
struct ScalarSummary: TensorOp {
    init(_ node: NodeReader) throws(CompileError) { try node.expectInputs(2) }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
        try check(tag: inputs[0], values: inputs[1])
        if let tags = inputs[0].shape.known, let values = inputs[1].shape.known, tags != values {
            throw .invalid("tags and values are not the same shape: \(tags) != \(values)")
        }
        return [TensorFact(.string, .scalar)]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(CompileError) -> [Tensor] {
        _ = try outputs(for: inputs.map { TensorFact($0) })
        var summary = MessageWriter()
        for (tag, number) in zip(inputs[0].strings ?? [], inputs[1].numbers ?? []) {
            var value = MessageWriter()
            value.append(tag: tag)
            value.append(Float(number), field: 2)
            summary.append(value.bytes, field: 1)
        }
        return [try text(summary.bytes)]
    }
}

/// How often values are how large.
///
/// - Inputs: `tag`, a scalar string; `values`, finite numbers.
struct HistogramSummary: TensorOp {
    init(_ node: NodeReader) throws(CompileError) { try node.expectInputs(2) }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
        try check(tag: inputs[0], values: inputs[1])
        try inputs[0].requireRank(0, "tags")
        return [TensorFact(.string, .scalar)]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(CompileError) -> [Tensor] {
        _ = try outputs(for: inputs.map { TensorFact($0) })
        let tag = inputs[0].strings?.first ?? []
        var histogram = Histogram()
        for number in inputs[1].numbers ?? [] {
            guard number.isFinite else {
                let what = number.isNaN ? "Nan" : "Infinity"
                throw .invalid("\(what) in summary histogram for: \(String(decoding: tag, as: UTF8.self))")
            }
            histogram.add(number)
        }
        var value = MessageWriter()
        value.append(tag: tag)
        value.append(histogram.message, field: 5)
        var summary = MessageWriter()
        summary.append(value.bytes, field: 1)
        return [try text(summary.bytes)]
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
    init(_ node: NodeReader) throws(CompileError) { try node.expectInputs(atLeast: 1) }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
        for input in inputs { try input.require(.string, "inputs") }
        return [TensorFact(.string, .scalar)]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(CompileError) -> [Tensor] {
        var summary = MessageWriter()
        var tags = Set<[UInt8]>()
        for bytes in inputs.flatMap({ $0.strings ?? [] }) {
            let values: [[UInt8]]
            do { values = try Self.values(bytes) } catch {
                throw .invalid("Could not parse one of the summary inputs")
            }
            for value in values {
                let tag = (try? Self.tag(value)) ?? []
                guard tag.isEmpty || tags.insert(tag).inserted else {
                    throw .invalid("Duplicate tag \(String(decoding: tag, as: UTF8.self)) found in summary inputs")
                }
                summary.append(value, field: 1)
            }
        }
        return [try text(summary.bytes)]
    }

    /// The `Summary.Value` messages in a summary.
    private static func values(_ summary: [UInt8]) throws(ProtobufReader.Malformed) -> [[UInt8]] {
        var reader = ProtobufReader(summary)
        var values: [[UInt8]] = []
        while let field = try reader.readField() {
            guard field.number == 1, case .bytes(let range) = field.value else { continue }
            values.append(Array(summary[range]))
            _ = try tag(Array(summary[range]))
        }
        return values
    }

    private static func tag(_ value: [UInt8]) throws(ProtobufReader.Malformed) -> [UInt8] {
        var reader = ProtobufReader(value)
        var tag: [UInt8] = []
        while let field = try reader.readField() {
            if field.number == 1, case .bytes(let range) = field.value { tag = Array(value[range]) }
        }
        return tag
    }
}

extension Tensor {
    /// The elements of a numeric tensor as float64.
    fileprivate var numbers: [Double]? {
        switch dtype {
        case .float32: scalars(as: Float.self)?.map(Double.init)
        case .float64: scalars(as: Double.self)
        case .float16: withUnsafeBytes { $0.bindMemory(to: UInt16.self).map { Double(Float16(bitPattern: $0)) } }
        case .bfloat16:
            withUnsafeBytes { $0.bindMemory(to: UInt16.self).map { Double(Float(bitPattern: UInt32($0) << 16)) } }
        case .uint64: scalars(as: UInt64.self)?.map { Double($0) }
        case .int64: scalars(as: Int64.self)?.map(Double.init)
        default: integers?.map(Double.init)
        }
    }
}
