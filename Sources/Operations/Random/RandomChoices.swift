internal import Kernels
internal import Tensors

extension OpTable {
    /// Ops whose random numbers, or choices, depend on their inputs' elements.
    static let randomChoices: [OpEntry] = [
        OpEntry("RandomShuffle", make: RandomShuffle.init),
        OpEntry("Multinomial", make: Multinomial.init, .stream),
        OpEntry("StatelessMultinomial", make: Multinomial.init, .seeds),
        OpEntry("ParameterizedTruncatedNormal", make: BoundedNormals.init),
        parameterized("RandomGamma", .gamma, .stream),
        parameterized("RandomPoisson", .poisson, .stream),
        parameterized("RandomPoissonV2", .poisson, .stream),
        parameterized("StatelessRandomGammaV2", .gamma, .seeds),
        parameterized("StatelessRandomGammaV3", .gamma, .place),
        parameterized("StatelessRandomPoisson", .poisson, .seeds),
    ]

    private static func parameterized(
        _ name: String, _ numbers: Kernel.ParameterizedNumbers, _ kind: RandomInputs.Kind
    ) -> OpEntry {
        OpEntry(name) { node throws(OpError) in
            let inputs = try RandomInputs(node, kind, after: 1, total: 2)
            var dtype: DataType?
            if numbers == .poisson {
                dtype = try node.type("dtype", default: kind == .stream ? .int64 : nil)
            }
            return ParameterizedRandom(numbers: numbers, dtype: dtype, inputs: inputs)
        }
    }
}

/// The slices along the first axis in an order by chance. Attributes: `seed`, `seed2`.
struct RandomShuffle: KernelOp {
    private let inputs: RandomInputs

    init(_ node: NodeReader) throws(OpError) { inputs = try RandomInputs(node, .stream, after: 1, total: 1) }

    static var traits: OpTraits { .random }

    func outputs(for facts: [TensorFact]) throws(OpError) -> [TensorFact] {
        [TensorFact(facts[0].dtype, facts[0].shape)]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let shape = try spec.outputShape()
        let width = try spec.outputs[0].elementWidth
        guard let count = shape.dimensions.first, count > 1, shape.elementCount > 1 else { return .alias() }
        let rowBytes = shape.elementCount / count * width
        guard let kernel = Kernel.shuffle(count: count, rowBytes: rowBytes, from: inputs.place(spec)) else {
            throw OpError(.resourceExhausted, "\(count) slices are too many")
        }
        return kernel
    }
}

/// Classes by chance, as likely as e^logit.
///
/// - Inputs: `logits`, a floating matrix, a row for each of a batch; `num_samples`, an int32 scalar.
/// - Outputs: a matrix of `num_samples` classes for each row. Logits that are not finite are never chosen.
/// - Attributes: `output_dtype`, int32 or int64; `seed`, `seed2`.
struct Multinomial: KernelOp {
    private let output: DataType
    private let inputs: RandomInputs

    init(_ node: NodeReader, _ kind: RandomInputs.Kind) throws(OpError) {
        inputs = try RandomInputs(node, kind, after: 2, total: 2)
        output = try node.type("output_dtype", default: .int64)
    }

    var valueInputs: [Int] { [1] }
    static var traits: OpTraits { .random }
    var traits: OpTraits { inputs.traits }

    func outputs(for facts: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs.check(facts)
        let logits = facts[0].shape
        guard logits.rank ?? 2 == 2 else { throw .invalid("logits should be a matrix, got shape \(logits)") }
        try facts[1].require(.int32, "num_samples")
        guard facts[1].shape.rank ?? 0 == 0 else {
            throw .invalid("num_samples should be a scalar, got shape \(facts[1].shape)")
        }
        let samples = facts[1].integers?.first ?? PartialShape.unknownDimension
        if facts[1].value != nil, samples < 0 {
            throw .invalid("num_samples should be nonnegative, got \(samples)")
        }
        return [TensorFact(output, PartialShape([logits.dimension(0), samples]))]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let (logits, chosen) = (try spec.inputShape(0).dimensions, try spec.outputShape())
        guard logits[1] > 0 else { throw .invalid("num_classes should be positive, got \(logits[1])") }
        guard chosen.elementCount > 0 else { return .nothing }
        let kernel = Kernel.multinomial(
            spec.inputs[0].dtype, output: output, rows: logits[0], classes: logits[1], samples: chosen.dimensions[1],
            from: inputs.place(spec))
        guard let kernel else { throw .unsupported(spec.inputs[0].dtype) }
        return kernel
    }
}

/// Gamma or Poisson distributed numbers.
///
/// - Inputs: `shape`, int32 or int64; the parameters, floating (rates also int32 or int64). Where seeds, or a place in a stream,
///   are inputs they stand between the two.
/// - Outputs: with a stream of its own `shape` numbers for each parameter, a tensor of shape `shape` + that of the parameters; else
///   a tensor of shape `shape`, which must end with that of the parameters.
/// - Attributes: `dtype` of Poisson numbers; `seed`, `seed2`.
struct ParameterizedRandom: KernelOp {
    let numbers: Kernel.ParameterizedNumbers
    let dtype: DataType?
    let inputs: RandomInputs

    var valueInputs: [Int] { [0] + inputs.valueInputs }
    static var traits: OpTraits { .random }
    var traits: OpTraits { inputs.traits }

    func outputs(for facts: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs.check(facts)
        let parameters = facts[inputs.next]
        let listed = try facts[0].listedShape()
        let type = dtype ?? parameters.dtype
        if inputs.isStream {
            guard let left = listed.dimensions, let right = parameters.shape.dimensions else {
                return [TensorFact(type, .unknown)]
            }
            let rank = left.count + right.count
            _ = try PartialShape.ofRank(checking: rank)
            return [TensorFact(type, PartialShape(left + right))]
        }
        if let shape = listed.dimensions, let ending = parameters.shape.dimensions {
            let end = PartialShape(Array(shape.suffix(ending.count)))
            guard ending.count <= shape.count, end.merged(with: parameters.shape) != nil else {
                throw .invalid("Shape passed in must end with broadcasted shape.")
            }
        }
        return [TensorFact(type, listed)]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let total = try spec.outputShape().elementCount
        let count = try spec.inputShape(inputs.next).elementCount
        let type = spec.inputs[inputs.next].dtype
        let kernel = Kernel.parameterized(
            numbers, type, output: spec.outputs[0].dtype, count: count, samples: count == 0 ? 0 : total / count,
            input: inputs.next, from: inputs.place(spec))
        guard let kernel else { throw .unsupported(type) }
        return total == 0 ? .nothing : kernel
    }
}

/// Normally distributed numbers between bounds.
///
/// - Inputs: `shape`, int32 or int64, at least one size; `means`, `stdevs`, `minvals`, `maxvals`, float32 or float64, each for all
///   numbers or one for each index of the first axis.
/// - Attributes: `dtype`; `seed`, `seed2`.
struct BoundedNormals: KernelOp {
    private let dtype: DataType
    private let inputs: RandomInputs

    /// How many numbers are made together where all have the same parameters.
    private static let batch = 100
    private static let names = ["means", "stdevs", "minvals", "maxvals"]

    init(_ node: NodeReader) throws(OpError) {
        inputs = try RandomInputs(node, .stream, after: 5, total: 5)
        dtype = try node.type("dtype")
    }

    var valueInputs: [Int] { [0] }
    static var traits: OpTraits { .random }

    func outputs(for facts: [TensorFact]) throws(OpError) -> [TensorFact] {
        let shape = try facts[0].listedShape()
        if shape.rank == 0 { throw .invalid("Shape tensor must not be empty, got []") }
        for (fact, name) in zip(facts.dropFirst(), Self.names) {
            try fact.require(dtype, name)
            guard fact.shape.rank ?? 0 <= 1 else {
                throw .invalid("Input \(name) should be a scalar or vector, got shape: \(fact.shape)")
            }
            let (own, count) = (fact.shape.dimension(0), shape.dimension(0))
            guard own < 0 || own == 1 || count < 0 || own == count else {
                throw .invalid("Input \(name) should have length 1 or shape[0], got shape: \(fact.shape)")
            }
        }
        return [TensorFact(dtype, shape)]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let shape = try spec.outputShape()
        guard shape.elementCount > 0 else { return .nothing }
        var isShared: [Bool] = []
        for input in 1...4 { isShared.append(try spec.inputShape(input).elementCount == 1) }
        let bounds = (try spec.inputShape(3), try spec.inputShape(4))
        let boundsAreScalars = bounds.0.rank == 0 && bounds.1.rank == 0
        let isUniform = isShared[0] && isShared[1] && boundsAreScalars
        let kernel = Kernel.boundedNormals(
            dtype, count: shape.elementCount, batch: isUniform ? Self.batch : shape.elementCount / shape.dimensions[0],
            isShared: isShared, from: inputs.place(spec))
        guard let kernel else { throw .unsupported(dtype) }
        return kernel
    }
}
