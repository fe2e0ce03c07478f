import Execution
import GraphSupport
import Operations
import Planning
import Tensors
import Testing
import Threads
import VectorSupport

/// Random graphs of elementwise ops, which become one op or a few.
@Suite("Fused chains")
struct FusedChainTests {
    /// A graph with its feeds, and what is fetched.
    private struct Chain {
        var graph = TestGraph()
        var feeds: [(name: String, tensor: Tensor)] = []
        var fetches: [String] = []
        private var random: SplitMix
        private let type: Int32

        private static let unary = [
            "Neg", "Abs", "Square", "Tanh", "Sigmoid", "Relu", "Exp", "Sign", "Softplus", "Sin",
        ]
        private static let binary = [
            "AddV2", "Sub", "Mul", "Maximum", "Minimum", "SquaredDifference", "RealDiv", "Pow",
        ]
        private static let integer = ["AddV2", "Sub", "Mul", "Maximum", "Minimum", "SquaredDifference"]

        init(seed: UInt64, dtype: DataType) throws {
            random = SplitMix(state: seed)
            type = dtype.rawValue
            let shape = shape()
            // Operands of all kinds: whole ones, those that repeat along some axes, single numbers.
            for index in 0..<Int.random(in: 2...5, using: &random) {
                var own = shape
                if index > 0 {
                    for axis in own.indices where Int.random(in: 0..<3, using: &random) == 0 { own[axis] = 1 }
                    if Int.random(in: 0..<4, using: &random) == 0 {
                        own.removeFirst(Int.random(in: 0...own.count, using: &random))
                    }
                }
                feeds.append(("x\(index)", try #require(tensor(dtype, own))))
                _ = graph.placeholder("x\(index)", type, own.map { Int64($0) })
            }
            addNodes(count: Int.random(in: 2...14, using: &random), isWhole: dtype == .int32)
        }

        private mutating func shape() -> [Int] {
            let limit = [40, 300, 3000][Int.random(in: 0..<3, using: &random)]
            return switch Int.random(in: 0..<4, using: &random) {
            case 0: [Int.random(in: 1...limit * 100, using: &random)]
            case 1: [Int.random(in: 1...limit, using: &random), Int.random(in: 1...90, using: &random)]
            case 2: [Int.random(in: 1...9, using: &random), Int.random(in: 1...limit * 3, using: &random)]
            default: [3, Int.random(in: 1...9, using: &random), 1, Int.random(in: 1...limit, using: &random)]
            }
        }

        private mutating func tensor(_ dtype: DataType, _ shape: [Int]) -> Tensor? {
            let numbers = (0..<shape.reduce(1, *)).map { _ in Float(random.next() >> 40) / Float(1 << 22) - 2 }
            return switch dtype {
            case .int32: Tensor(numbers.map { Int32($0 * 50) }, shape: shape)
            case .float64: Tensor(numbers.map { Double($0) }, shape: shape)
            default: Tensor(numbers, shape: shape)
            }
        }

        private mutating func addNodes(count: Int, isWhole: Bool) {
            var values = feeds.map(\.name)
            for index in 0..<count {
                let name = "n\(index)"
                // Mostly of the last values, so that chains come about.
                func pick(_ random: inout SplitMix) -> String {
                    let recent = Bool.random(using: &random) ? values.suffix(2) : values[...]
                    return recent.randomElement(using: &random) ?? "x0"
                }
                let isUnary = Int.random(in: 0..<3, using: &random) == 0
                let names =
                    isUnary ? (isWhole ? ["Neg", "Square", "Abs"] : Self.unary) : isWhole ? Self.integer : Self.binary
                let op = names.randomElement(using: &random) ?? "Neg"
                let inputs = isUnary ? [pick(&random)] : [pick(&random), pick(&random)]
                graph.add(op, name, inputs, types: ["T": type])
                values.append(name)
            }
            fetches = ["n\(count - 1)"]
            if count > 2, Int.random(in: 0..<3, using: &random) == 0 { fetches.append("n\(count / 2)") }
        }

        func run(without disabled: Set<String> = [], helpers: (any HelperSource)? = nil) throws -> [[UInt8]] {
            try graph.session(limitBytes: 1 << 30, passes: PassOptions(disabled: disabled))
                .callable(feeds.map { $0.name + ":0" }, fetches.map { $0 + ":0" })
                .run(feeds.map(\.tensor), helpers: helpers)
                .map { tensor in tensor.withUnsafeBytes { Array($0) } }
        }
    }

    @Test(
        "Fused ops give what single ones give, bit for bit, whoever helps",
        arguments: [DataType.float32, .float64, .int32])
    func isExact(_ dtype: DataType) throws {
        for seed in 0..<100 as Range<UInt64> {
            let chain = try Chain(seed: seed, dtype: dtype)
            let single = try chain.run(without: ["fuse-elementwise"])
            #expect(try chain.run() == single, "seed \(seed)")
            let source = KernelCutTests.CountingSource(processors: 3)
            #expect(try chain.run(helpers: source) == single, "seed \(seed), with help")
        }
    }

    @Test("A fused op ends when the run's time is over")
    func deadline() throws {
        var graph = TestGraph()
        let x = graph.placeholder("x", 1, [-1])
        graph.float("Exp", "a", x)
        graph.float("Neg", "y", "a")
        let callable = try graph.session().callable(["x:0"], ["y:0"])
        let input = try #require(Tensor([Float](repeating: 1, count: 1 << 20), shape: [1 << 20]))
        let past = RunLimits(deadline: Deadline(after: 0, from: 0))
        #expect(failure { _ = try callable.run([input], limits: past) }?.kind == .deadlineExceeded)
    }

    @Test("Requests to a graph with a normalisation and fused ops are run as one, with the same answers")
    func batches() throws {
        var graph = TestGraph()
        let x = graph.placeholder("x", 1, [-1, 40])
        graph.floats("gamma", (0..<40).map { Float($0) / 20 }, [40])
        graph.floats("beta", (0..<40).map { Float($0) / 30 }, [40])
        graph.floats("epsilon", [1e-5])
        graph.float("Tanh", "t", x)
        graph.mean("mean", of: "t", [1])
        graph.float("SquaredDifference", "squares", "t", "mean")
        graph.mean("variance", of: "squares", [1])
        graph.float("AddV2", "sum", "variance", "epsilon")
        graph.float("Rsqrt", "rsqrt", "sum")
        graph.float("Sub", "centred", "t", "mean")
        graph.float("Mul", "normal", "centred", "rsqrt")
        graph.float("Mul", "scaled", "normal", "gamma")
        graph.float("AddV2", "y", "scaled", "beta")
        let callable = try graph.session().callable(["x:0"], ["y:0"])
        let requests = try [1, 3, 2].map { rows in
            [try #require(Tensor((0..<rows * 40).map { Float($0 % (7 + rows)) / 9 }, shape: [rows, 40]))]
        }
        guard case .together(let difference, let distance) = BatchTrial.outcome(callable, requests) else {
            Issue.record("each request was run alone")
            return
        }
        #expect(difference == nil)
        #expect(distance == 0)
    }
}
