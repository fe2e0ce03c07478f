internal import Kernels
internal import Tensors

extension OpTable {
    /// Real to quantised numbers and back.
    static let quantization: [OpEntry] = [
        OpEntry("QuantizeV2", make: Quantize.init),
        OpEntry("Dequantize", make: Dequantize.init),
        OpEntry("QuantizeAndDequantize") { node throws(CompileError) in try QuantizeAndDequantize(node, .first) },
        OpEntry("QuantizeAndDequantizeV2") { node throws(CompileError) in try QuantizeAndDequantize(node, .second) },
        OpEntry("QuantizeAndDequantizeV3") { node throws(CompileError) in try QuantizeAndDequantize(node, .third) },
        OpEntry("QuantizeAndDequantizeV4") { node throws(CompileError) in try QuantizeAndDequantize(node, .second) },
        OpEntry("FakeQuantWithMinMaxArgs") { node throws(CompileError) in try FakeQuantize(node, .attributes) },
        OpEntry("FakeQuantWithMinMaxVars") { node throws(CompileError) in try FakeQuantize(node, .scalars) },
        OpEntry("FakeQuantWithMinMaxVarsPerChannel") { node throws(CompileError) in
            try FakeQuantize(node, .channels)
        },
    ]
}

/// The slices of a tensor that have a scale each.
struct QuantizationAxis: Hashable {
    /// nil: all of the tensor has one scale.
    let axis: Int?

    init(_ node: NodeReader) throws(CompileError) {
        let axis = try node.int("axis", default: -1)
        guard axis >= -1, axis < Shape.maximumRank else {
            throw node.malformed("Axis must be at least -1, got \(axis)")
        }
        self.axis = axis < 0 ? nil : axis
    }

    /// Checks ranges against the tensor that they are for.
    ///
    /// - Returns: How many slices there are; unknown if the shape is.
    func sliceCount(_ inputs: [TensorFact]) throws(CompileError) -> Int {
        var count = 1
        if let axis {
            if let rank = inputs[0].shape.rank, axis >= rank {
                throw .invalid("Axis must be less than input dimension(\(rank)), got \(axis)")
            }
            count = inputs[0].shape.dimension(axis)
        }
        for (input, what) in zip(inputs[1...2], ["min", "max"]) {
            guard count >= 0, let given = input.shape.known?.elementCount else { continue }
            guard given == count else {
                throw .invalid("the input \(what) must have \(count) elements, its shape is \(input.shape)")
            }
        }
        return count
    }

    func layout(_ shape: Shape) throws(CompileError) -> ChannelLayout {
        // All of the tensor as one slice: an axis of one element before it.
        guard let whole = Shape([1] + shape.dimensions) else { throw .invalid("too many dimensions: \(shape)") }
        return axis.map { ChannelLayout(shape, axis: $0) } ?? ChannelLayout(whole, axis: 0)
    }
}

/// Real to quantised numbers.
///
/// - Inputs: `input`, float32; `min_range` and `max_range`, float32, one element, or one for each slice along `axis`.
/// - Outputs: quantised numbers; the ranges as they were made: they hold zero, and are not too small.
/// - Attributes: `T` (qint8, quint8, qint16, quint16, qint32), `mode`, `round_mode`, `narrow_range`, `axis`,
///   `ensure_minimum_range`.
struct Quantize: Op {
    private let target: DataType
    private let mode: Quantization.Mode
    private let rounding: Quantization.Rounding
    private let isNarrow: Bool
    private let minimumRange: Float
    private let slices: QuantizationAxis

    init(_ node: NodeReader) throws(CompileError) {
        try node.expectInputs(3)
        target = try node.type("T")
        mode = try node.choice("mode", default: .minCombined)
        rounding = try node.choice("round_mode", default: .awayFromZero)
        isNarrow = try node.bool("narrow_range", default: false)
        minimumRange = try node.float("ensure_minimum_range", default: 0.01)
        slices = try QuantizationAxis(node)
        guard rounding == .awayFromZero || mode == .scaled else {
            throw node.malformed("Round mode 'HALF_TO_EVEN' only supported for mode 'SCALED'.")
        }
        guard slices.axis == nil || mode != .minFirst else {
            throw CompileError(
                .unsupported, "MIN_FIRST mode is not implemented for Quantize with axis != -1.", node: node.name,
                op: node.op)
        }
    }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
        for (input, what) in zip(inputs, ["input", "min_range", "max_range"]) { try input.require(.float32, what) }
        let count = try slices.sliceCount(inputs)
        let range = TensorFact(.float32, slices.axis == nil ? .scalar : PartialShape([count]))
        return [TensorFact(target, inputs[0].shape), range, range]
    }

    func kernel(for spec: KernelSpec) throws(CompileError) -> Kernel {
        let quantization = Quantization(
            mode: mode, rounding: rounding, isNarrow: isNarrow, minimumRange: minimumRange,
            layout: try slices.layout(try spec.inputShape(0)))
        guard let kernel = quantization.quantizing(to: target) else { throw .unsupported(target) }
        return kernel
    }
}

/// Quantised to real numbers.
///
/// - Inputs: quantised numbers; `min_range` and `max_range`, float32, one element, or one for each slice along `axis`.
/// - Attributes: `mode`, `narrow_range`, `axis`, `dtype` (float32; bfloat16 with MIN_COMBINED).
struct Dequantize: Op {
    private let mode: Quantization.Mode
    private let isNarrow: Bool
    private let slices: QuantizationAxis
    private let target: DataType

    init(_ node: NodeReader) throws(CompileError) {
        try node.expectInputs(3)
        mode = try node.choice("mode", default: .minCombined)
        isNarrow = try node.bool("narrow_range", default: false)
        target = try node.type("dtype", default: .float32)
        slices = try QuantizationAxis(node)
        guard target == .float32 || mode == .minCombined else {
            throw node.malformed("When output type is bfloat16, mode must be MIN_COMBINED, it is \(mode.rawValue)")
        }
    }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
        for (input, what) in zip(inputs[1...], ["min_range", "max_range"]) { try input.require(.float32, what) }
        let count = try slices.sliceCount(inputs)
        guard mode != .minFirst || slices.axis == nil || count == 1 || count < 0 else {
            throw .unsupported("MIN_FIRST mode is not implemented for Dequantize with axis != -1.")
        }
        return [TensorFact(target, inputs[0].shape)]
    }

    func kernel(for spec: KernelSpec) throws(CompileError) -> Kernel {
        guard spec.outputs[0].dtype == .float32 else { throw .unsupported(target) }
        let layout = try slices.layout(try spec.inputShape(0))
        let quantization = Quantization(mode: mode, isNarrow: isNarrow, layout: layout)
        guard let kernel = quantization.dequantizing(from: spec.inputs[0].dtype) else {
            throw .unsupported(spec.inputs[0].dtype)
        }
        return kernel
    }
}

/// Real numbers rounded to what quantised numbers could hold.
///
/// - Inputs: `input`, float32 or float64; V2 to V4 `input_min` and `input_max`, of its dtype, one element, or one for each slice
///   along `axis`; V3 `num_bits`, int32.
/// - Attributes: `signed_input`, `range_given`, `num_bits` (not V3), `input_min`, `input_max` (V1), `round_mode` (V2, V4: HALF_TO_EVEN,
///   HALF_UP), `narrow_range`, `axis`.
struct QuantizeAndDequantize: Op {
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

    init(_ node: NodeReader, _ version: Version) throws(CompileError) {
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

    private static func checked(_ bits: Int, _ isSigned: Bool) throws(CompileError) -> Int {
        guard bits > 0, bits < (isSigned ? 62 : 63) else {
            throw .invalid("num_bits is out of range: \(bits) with signed_input_ \(isSigned)")
        }
        return bits
    }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
        guard version != .first else { return [TensorFact(inputs[0].dtype, inputs[0].shape)] }
        try inputs[..<3].requireOneDType()
        if source == .inputs { _ = try slices.sliceCount(inputs) }
        return [TensorFact(inputs[0].dtype, inputs[0].shape)]
    }

    func kernel(for spec: KernelSpec) throws(CompileError) -> Kernel {
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
struct FakeQuantize: Op {
    /// Where the range comes from.
    enum Source: Hashable { case attributes, scalars, channels }

    private let source: Source
    private let quantization: FakeQuantization
    private let low: Float
    private let high: Float

    init(_ node: NodeReader, _ source: Source) throws(CompileError) {
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

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
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

    func kernel(for spec: KernelSpec) throws(CompileError) -> Kernel {
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
