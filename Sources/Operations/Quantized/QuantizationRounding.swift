internal import Kernels
internal import Tensors

// Real numbers that stay real, but lose what quantised numbers could not hold.

/// Real numbers rounded to what quantised numbers could hold.
///
/// - Inputs: `input`, float32 or float64; V2 to V4 `input_min` and `input_max`, of its dtype, one element, or one for each slice
///   along `axis`; V3 `num_bits`, int32.
/// - Attributes: `signed_input`, `range_given`, `num_bits` (not V3), `input_min`, `input_max` (V1), `round_mode` (V2, V4: HALF_TO_EVEN,
///   HALF_UP), `narrow_range`, `axis`.
struct QuantizeAndDequantize: KernelOp {
    /// Which ranges, bits and roundings are told how.
    enum Version: Hashable { case first, second, third }

    private enum RoundMode: String {
        case halfToEven = "HALF_TO_EVEN"
        case halfUp = "HALF_UP"
    }

    private let version: Version
    private let isSigned: Bool
    private let isNarrow: Bool
    private let roundsToEven: Bool
    /// nil where it is an input.
    private let bits: Int?
    private let source: RoundTrip.Source
    private let slices: QuantizationAxis

    var valueInputs: [Int] { version == .third ? [3] : [] }

    init(_ node: NodeReader, _ version: Version) throws(OpError) {
        try node.expectInputs(version == .first ? 1 : version == .second ? 3 : 4)
        self.version = version
        isSigned = try node.bool("signed_input", default: true)
        isNarrow = version == .first ? false : try node.bool("narrow_range", default: false)
        let mode: RoundMode = version == .second ? try node.choice("round_mode", default: .halfToEven) : .halfToEven
        roundsToEven = mode == .halfToEven
        slices = try QuantizationAxis(node)
        let isGiven = try node.bool("range_given", default: version == .third)
        bits = version == .third ? nil : try Self.checked(try node.int("num_bits", default: 8), isSigned)
        guard version == .first, isGiven else {
            source = isGiven ? .inputs : .data
            return
        }
        let (low, high) = (try node.float("input_min", default: 0), try node.float("input_max", default: 0))
        guard low <= high else { throw node.malformed("Invalid range: input_min \(low) > input_max \(high)") }
        source = .given(low: low, high: high)
    }

    private static func checked(_ bits: Int, _ isSigned: Bool) throws(OpError) -> Int {
        guard bits > 0, bits < (isSigned ? 62 : 63) else {
            throw .invalid("num_bits is out of range: \(bits) with signed_input_ \(isSigned)")
        }
        return bits
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard version != .first else { return [TensorFact(inputs[0].dtype, inputs[0].shape)] }
        try inputs[..<3].requireOneDType()
        guard source == .inputs else { return [TensorFact(inputs[0].dtype, inputs[0].shape)] }
        _ = try slices.sliceCount(inputs)
        if version == .second {
            for (input, what) in zip(inputs[1...], ["input_min", "input_max"]) { try input.requireRank(0, what) }
        }
        return [TensorFact(inputs[0].dtype, inputs[0].shape)]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let (shape, dtype) = (try spec.inputShape(0), spec.inputs[0].dtype)
        if let axis = slices.axis, axis >= shape.rank {
            throw .invalid("Axis should be less than the rank of the input, got \(axis)")
        }
        let told = version == .third ? spec.inputs[3].integers?.first : bits
        guard let told else { throw .invalid("num_bits must be a number") }
        let trip = RoundTrip(
            layout: try slices.layout(shape), isSigned: isSigned, isNarrow: isNarrow, roundsToEven: roundsToEven)
        guard let kernel = trip.kernel(dtype, bits: try Self.checked(told, isSigned), source) else {
            throw .unsupported(dtype)
        }
        return kernel
    }
}

/// Real numbers rounded to one of a few numbers, of which one is zero.
///
/// - Inputs: `inputs`, float32; `min` and `max`, float32: scalars, or one number for each element of the last dimension.
/// - Attributes: `num_bits` (2 to 16), `narrow_range`; `min` and `max` where they are not inputs.
struct FakeQuantize: KernelOp {
    /// Where the range comes from.
    enum Source: Hashable { case attributes, scalars, channels }

    private let source: Source
    private let quantization: FakeQuantization
    private let low: Float
    private let high: Float

    init(_ node: NodeReader, _ source: Source) throws(OpError) {
        try node.expectInputs(source == .attributes ? 1 : 3)
        self.source = source
        let bits = try node.int("num_bits", default: 8)
        guard (2...16).contains(bits) else { throw node.malformed("num_bits must be between 2 and 16, inclusive") }
        quantization = FakeQuantization(bits: bits, isNarrow: try node.bool("narrow_range", default: false))
        low = source == .attributes ? try node.float("min", default: -6) : 0
        high = source == .attributes ? try node.float("max", default: 6) : 0
        guard source != .attributes || low < high else {
            throw node.malformed("min has to be smaller than max, was: \(low) >= \(high)")
        }
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        for input in inputs { try input.require(.float32, "inputs") }
        var shape = inputs[0].shape
        if source == .scalars {
            try inputs[1].requireRank(0, "min")
            try inputs[2].requireRank(0, "max")
        } else if source == .channels {
            try inputs[0].requireRank(atLeast: 1, "inputs")
            for (input, what) in zip(inputs[1...], ["min", "max"]) {
                try input.requireRank(1, what)
                guard let sizes = shape.dimensions else { continue }
                let last = PartialShape([sizes[sizes.count - 1]])
                guard let merged = last.merged(with: input.shape) else {
                    throw .invalid("\(what) has incorrect size, expected \(last) was \(input.shape)")
                }
                shape = PartialShape(sizes.dropLast() + [merged.dimension(0)])
            }
        }
        return [TensorFact(.float32, shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0, minimumRank: source == .channels ? 2 : 1) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let shape = try spec.inputShape(0)
        guard shape.elementCount > 0 else { return .nothing }
        switch source {
        case .attributes: return quantization.given(low: low, high: high, count: shape.elementCount)
        case .scalars: return quantization.variable(channels: 1, rows: shape.elementCount, isPerChannel: false)
        case .channels:
            let channels = shape.dimensions[shape.rank - 1]
            return quantization.variable(
                channels: channels, rows: shape.elementCount / channels, isPerChannel: true)
        }
    }
}
