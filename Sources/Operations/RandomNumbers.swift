internal import Kernels
internal import Tensors

extension OpTable {
    /// Ops that make random numbers.
    static let randomNumbers: [OpEntry] = [
        OpEntry("RandomUniform", make: RandomUniform.init)
    ]
}

/// Random numbers from [0, 1) in the shape that the input lists.
///
/// - Attributes: `dtype`; `seed` and `seed2`: if not both 0, the first run of the node gives TensorFlow's own numbers.
struct RandomUniform: Op {
    let dtype: DataType
    private let stream: RandomStream

    init(_ node: NodeReader) throws(CompileError) {
        try node.expectInputs(1)
        dtype = try node.type("dtype")
        stream = RandomStream(seed: try node.int("seed", default: 0), seed2: try node.int("seed2", default: 0))
    }

    var valueInputs: [Int] { [0] }
    var isStateful: Bool { true }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
        let sizes = try inputs[0].indices("shape")
        try inputs[0].requireRank(1, "shape")
        guard let sizes else {
            let rank = inputs[0].shape.dimension(0)
            return [TensorFact(dtype, rank < 0 || rank > Shape.maximumRank ? .unknown : .ofRank(rank))]
        }
        for size in sizes where size < 0 { throw .invalid("Dimension \(size) must be >= 0") }
        return [TensorFact(dtype, PartialShape(sizes))]
    }

    func kernel(for spec: KernelSpec) throws(CompileError) -> Kernel {
        let count = try spec.outputShape().elementCount
        guard let kernel = Kernel.uniform(dtype, count: count, from: stream) else { throw .unsupported(dtype) }
        return kernel
    }

    // Two nodes never share their numbers.
    static func == (left: RandomUniform, right: RandomUniform) -> Bool { left.stream === right.stream }

    func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(stream)) }
}
