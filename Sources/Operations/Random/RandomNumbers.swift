internal import Kernels
internal import Tensors

extension OpTable {
    /// Ops that fill a shape with random numbers.
    static let randomNumbers: [OpEntry] = [
        fill("RandomUniform", .uniform, .stream),
        fill("RandomStandardNormal", .normal, .stream),
        fill("TruncatedNormal", .truncatedNormal, .stream),
        fill("StatelessRandomUniform", .uniform, .seeds),
        fill("StatelessRandomNormal", .normal, .seeds),
        fill("StatelessTruncatedNormal", .truncatedNormal, .seeds),
        fill("StatelessRandomUniformV2", .uniform, .place),
        fill("StatelessRandomNormalV2", .normal, .place),
        fill("StatelessTruncatedNormalV2", .truncatedNormal, .place),
        integers("RandomUniformInt", .stream, isBounded: true),
        integers("StatelessRandomUniformInt", .seeds, isBounded: true),
        integers("StatelessRandomUniformIntV2", .place, isBounded: true),
        integers("StatelessRandomUniformFullInt", .seeds, isBounded: false),
        integers("StatelessRandomUniformFullIntV2", .place, isBounded: false),
    ]

    private static func fill(
        _ name: String, _ distribution: RandomDistribution, _ kind: RandomInputs.Kind
    ) -> OpEntry {
        OpEntry(name) { node throws(OpError) in
            let inputs = try RandomInputs(node, kind, after: 1, total: 1)
            return RandomFill(
                distribution: distribution, dtype: try node.type("dtype", default: .float32), inputs: inputs)
        }
    }

    private static func integers(_ name: String, _ kind: RandomInputs.Kind, isBounded: Bool) -> OpEntry {
        OpEntry(name) { node throws(OpError) in
            let inputs = try RandomInputs(node, kind, after: 1, total: isBounded ? 3 : 1)
            guard !isBounded else { return RandomIntegers(dtype: nil, inputs: inputs) }
            return RandomIntegers(dtype: try node.type("dtype", default: .uint64), inputs: inputs)
        }
    }
}

/// Random floating point numbers in the shape that input 0 lists.
///
/// - Attributes: `dtype`, a floating type; with a stream of its own `seed` and `seed2`: if not both 0, the first run of the
///   node gives TensorFlow's own numbers.
struct RandomFill: KernelOp {
    let distribution: RandomDistribution
    let dtype: DataType
    let inputs: RandomInputs

    var valueInputs: [Int] { [0] + inputs.valueInputs }
    static var traits: OpTraits { .random }
    var traits: OpTraits { inputs.traits }

    func outputs(for facts: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs.check(facts)
        return [TensorFact(dtype, try facts[0].listedShape())]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { inputs.batching(node) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let count = try spec.outputShape().elementCount
        guard let kernel = Kernel.random(distribution, dtype, count: count, from: inputs.place(spec)) else {
            throw .unsupported(dtype)
        }
        return kernel
    }
}

/// Random whole numbers in the shape that input 0 lists.
///
/// - Inputs: the shape; the seeds, or the key, counter and algorithm; where bounded, `minval` and `maxval`, two scalars whose
///   dtype is the output's. A number is from [minval, maxval).
/// - Attributes: `seed`, `seed2` as for ``RandomFill``; `dtype` where there are no bounds.
struct RandomIntegers: KernelOp {
    /// Nil where the bounds tell.
    let dtype: DataType?
    let inputs: RandomInputs

    var valueInputs: [Int] { [0] + inputs.valueInputs }
    static var traits: OpTraits { .random }
    var traits: OpTraits { inputs.traits }

    func outputs(for facts: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs.check(facts)
        let shape = try facts[0].listedShape()
        guard dtype == nil else { return [TensorFact(dtype ?? .uint64, shape)] }
        let bounds = facts[inputs.next...]
        try bounds.requireOneDType()
        for (bound, name) in zip(bounds, ["minval", "maxval"]) {
            guard bound.shape.rank ?? 0 == 0 else { throw .invalid("\(name) must be 0-D, got shape \(bound.shape)") }
        }
        let values = bounds.compactMap { $0.integers?.first }
        if values.count == 2, values[0] >= values[1], shape.known?.elementCount != 0 {
            throw .invalid("Need minval < maxval, got \(values[0]) >= \(values[1])")
        }
        return [TensorFact(facts[inputs.next].dtype, shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { inputs.batching(node) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let count = try spec.outputShape().elementCount
        let type = spec.outputs[0].dtype
        let isSigned = type == .int32 || type == .int64
        let kernel = Kernel.randomIntegers(
            type, count: count, bounds: dtype == nil ? inputs.next : nil, from: inputs.place(spec))
        guard let kernel, isSigned || dtype != nil else { throw .unsupported(type) }
        return count == 0 ? .nothing : kernel
    }
}
