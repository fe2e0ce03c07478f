internal import Kernels
internal import Tensors

extension OpTable {
    /// Ops that make places in streams of random numbers.
    static let randomPlaces: [OpEntry] = [
        OpEntry("StatelessRandomGetKeyCounter", make: SeedPlace.init(_:tellsAlgorithm:), false),
        OpEntry("StatelessRandomGetKeyCounterAlg", make: SeedPlace.init(_:tellsAlgorithm:), true),
        OpEntry("StatelessRandomGetAlg") { _ in RandomAlgorithm() },
    ]
}

/// The inputs that tell where a node's random numbers come from.
struct RandomInputs: Hashable, Sendable {
    /// What ops have.
    enum Kind {
        /// No input: a stream of the node's own; attributes `seed` and `seed2`.
        case stream
        /// One input, `seed`, of two int32 or int64.
        case seeds
        /// Three inputs: `key`, `counter` and `alg`.
        case place
    }

    private let source: RandomSource
    private let first: Int
    /// The input behind them.
    let next: Int

    /// - `node`: The op's.
    /// - `kind`: What inputs there are.
    /// - `count`: How many inputs stand before them.
    /// - `total`: How many other inputs there are.
    ///
    /// Throws `malformed` for another number of inputs.
    init(_ node: NodeReader, _ kind: Kind, after count: Int, total: Int) throws(OpError) {
        first = count
        switch kind {
        case .stream:
            next = count
            source = .stream(
                RandomStream(seed: try node.int("seed", default: 0), seed2: try node.int("seed2", default: 0)))
        case .seeds:
            next = count + 1
            source = .seeds(input: count)
        case .place:
            next = count + 3
            source = .place(input: count)
        }
        try node.expectInputs(total + next - first)
    }

    /// Those of an op that draws from here.
    var traits: OpTraits { isStream ? .random : [] }

    /// Whether the numbers come from a stream of the node's own.
    var isStream: Bool { if case .stream = source { true } else { false } }

    var valueInputs: [Int] { if case .place = source { [first + 2] } else { [] } }

    /// Checks shapes, dtypes and the algorithm, where they are known.
    func check(_ facts: [TensorFact]) throws(OpError) {
        switch source {
        case .stream: return
        case .seeds: try facts[first].requireSeeds()
        case .place:
            let (key, counter, algorithm) = (facts[first], facts[first + 1], facts[first + 2])
            try key.require(.uint64, "key")
            try counter.require(.uint64, "counter")
            guard key.shape.admits([1]) else { throw .invalid("key must have shape [1], not \(key.shape)") }
            guard counter.shape.rank ?? 1 == 1 else {
                throw .invalid("counter must be a vector, got shape: \(counter.shape)")
            }
            let length = counter.shape.dimension(0)
            guard length < 0 || length >= 2 else {
                throw .invalid("The counter needs at least 2 elements, its shape is \(counter.shape)")
            }
            try RandomAlgorithm.check(algorithm)
        }
    }

    /// The rule of ops that fill the shape which input 0 lists: numbers of a stream are as good for one row as for another; those that
    /// depend on seeds depend on the row's place too.
    func batching(_ node: BatchedNode) -> [BatchRole] {
        guard isStream, (1..<node.inputs.count).allSatisfy(node.isShared), let rows = node.rowsOfShape(0) else {
            return node.mixed
        }
        return [.rows(rows)]
    }

    func place(_ spec: KernelSpec) -> RandomPlace {
        if case .seeds = source { RandomPlace(source, seedType: spec.inputs[first].dtype) } else { RandomPlace(source) }
    }
}

extension PartialShape {
    /// Whether a tensor of the shape may have these dimensions.
    fileprivate func admits(_ dimensions: [Int]) -> Bool { merged(with: PartialShape(dimensions)) != nil }
}

extension TensorFact {
    /// Checks an input of two seeds.
    func requireSeeds() throws(OpError) {
        guard dtype == .int32 || dtype == .int64 else { throw .invalid("seed must be int32 or int64, it is \(dtype)") }
        guard shape.merged(with: PartialShape([2])) != nil else {
            throw .invalid("seed must have shape [2], not \(shape)")
        }
    }

    /// The shape that a vector of int32 or int64 lists.
    func listedShape() throws(OpError) -> PartialShape {
        let sizes = try indices("shape")
        try requireRank(1, "shape")
        guard let sizes else {
            let rank = shape.dimension(0)
            return rank < 0 || rank > Shape.maximumRank ? .unknown : .ofRank(rank)
        }
        for size in sizes where size < 0 { throw .invalid("Dimension \(size) must be >= 0") }
        return PartialShape(sizes)
    }
}

/// The key and the counter that two seeds stand for, and, where asked for, the algorithm.
struct SeedPlace: KernelOp {
    private let tellsAlgorithm: Bool

    init(_ node: NodeReader, tellsAlgorithm: Bool) throws(OpError) {
        try node.expectInputs(1)
        self.tellsAlgorithm = tellsAlgorithm
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].requireSeeds()
        let place = [TensorFact(.uint64, PartialShape([1])), TensorFact(.uint64, PartialShape([2]))]
        return tellsAlgorithm ? place + [RandomAlgorithm.fact] : place
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        .place(of: RandomPlace(.seeds(input: 0), seedType: spec.inputs[0].dtype), algorithm: tellsAlgorithm)
    }
}

/// The number of the one algorithm that there is, Philox.
struct RandomAlgorithm: Op {
    static let fact = TensorFact(.int32, .scalar, value: Tensor([Int32(1)], shape: []))

    /// Checks an input that tells an algorithm: Philox, or whatever suits.
    static func check(_ fact: TensorFact) throws(OpError) {
        try fact.require(.int32, "alg")
        guard fact.shape.rank ?? 0 == 0 else { throw .invalid("algorithm must be of shape [], not \(fact.shape)") }
        guard let number = fact.integers?.first, number != 1, number != 3 else { return }
        guard number == 2 else { throw .invalid("Unsupported algorithm id: \(number)") }
        throw .unsupported("the ThreeFry algorithm is not supported")
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] { [Self.fact] }
}
