import GraphSupport
import Operations
import Planning
import Tensors
import Testing

@Suite("Fusing layer normalisations and activations")
struct NormalizationFusionTests {
    private static let pass = "fuse-layer-norm"

    /// How a graph has a layer normalisation.
    enum Form: CaseIterable {
        /// As `tf.nn.moments` and `tf.nn.batch_normalization` have it.
        case multiples
        case multiplesWithoutScale, multiplesWithoutOffset, multiplesAlone
        case product, productWithFactor, quotient, power, bare
    }

    /// Adds a normalisation of `x`: its last node is `y`.
    private func add(
        _ form: Form, to graph: inout TestGraph, axes: [Int32] = [2], gamma: String = "gamma", beta: String = "beta",
        varies: Bool = false
    ) {
        graph.mean("mean", of: "x", axes)
        graph.floats("epsilon", [1e-3])
        graph.float("Sub", "centred", "x", "mean")
        if [.multiples, .multiplesWithoutScale, .multiplesWithoutOffset, .multiplesAlone].contains(form) {
            graph.float("StopGradient", "stopped", "mean")
            graph.float("SquaredDifference", "squares", "x", "stopped")
        } else {
            graph.float("Square", "squares", "centred")
        }
        graph.mean("variance", of: "squares", axes)
        graph.float("AddV2", "sum", "variance", varies ? "mean" : "epsilon")
        graph.float("Rsqrt", "rsqrt", "sum")
        switch form {
        case .multiples, .multiplesWithoutScale, .multiplesWithoutOffset, .multiplesAlone:
            var factor = "rsqrt"
            if form == .multiples || form == .multiplesWithoutOffset {
                factor = graph.float("Mul", "factor", factor, gamma)
            }
            graph.float("Mul", "scaled", "x", factor)
            graph.float("Mul", "centre", "mean", factor)
            if form == .multiples || form == .multiplesWithoutScale {
                graph.float("Sub", "rest", beta, "centre")
            } else {
                graph.float("Neg", "rest", "centre")
            }
            graph.float("AddV2", "y", "scaled", "rest")
        case .product:
            graph.float("Mul", "normal", "centred", "rsqrt")
            graph.float("Mul", "scaled", gamma, "normal")
            graph.float("AddV2", "y", "scaled", beta)
        case .productWithFactor:
            graph.float("Mul", "factor", "rsqrt", gamma)
            graph.float("Mul", "scaled", "centred", "factor")
            graph.float("AddV2", "y", beta, "scaled")
        case .quotient, .power:
            if form == .power {
                graph.floats("half", [0.5])
                graph.float("Pow", "spread", "sum", "half")
            } else {
                graph.float("Sqrt", "spread", "sum")
            }
            graph.float("RealDiv", "normal", "centred", "spread")
            graph.float("Mul", "scaled", "normal", gamma)
            graph.float("AddV2", "y", "scaled", beta)
        case .bare: graph.float("Mul", "y", "centred", "rsqrt")
        }
    }

    private func trial(_ shape: [Int] = [3, 5, 40], scale: [Int] = [40]) throws -> FusionTrial {
        var trial = FusionTrial()
        _ = try trial.feed("x", shape)
        let count = scale.reduce(1, *)
        trial.graph.floats("gamma", (0..<count).map { 1 + Float($0 % 7) / 8 }, scale)
        trial.graph.floats("beta", (0..<count).map { Float($0 % 5) / 4 - 1 }, scale)
        return trial
    }

    @Test("each form of a normalisation is one op, unless the pass is off", arguments: Form.allCases)
    func forms(_ form: Form) throws {
        var trial = try trial()
        add(form, to: &trial.graph)
        #expect(try trial.ops("y") == ["LayerNormalization"])
        #expect(try !trial.ops("y", without: [Self.pass]).contains("LayerNormalization"))
        #expect(try trial.difference("y", without: Self.pass) < 1e-5)
    }

    @Test("rows may be of several axes, of which scale and offset have the last ones", arguments: [1, 2])
    func axes(_ count: Int) throws {
        var trial = try trial([4, 6, 10], scale: count == 1 ? [10] : [6, 10])
        add(.multiples, to: &trial.graph, axes: [1, 2])
        #expect(try trial.ops("y") == ["LayerNormalization"])
        #expect(try trial.difference("y", without: Self.pass) < 1e-5)
    }

    @Test("rows of any length", arguments: [2, 15, 16, 17, 33, 64, 100, 1000, 5000, 9001])
    func lengths(_ length: Int) throws {
        var trial = try trial([2, 3, length], scale: [length])
        add(.multiples, to: &trial.graph)
        #expect(try trial.ops("y") == ["LayerNormalization"])
        #expect(try trial.difference("y", without: Self.pass) < 2e-5)
    }

    @Test("a normalisation is exact where the mean is much larger than the spread", arguments: [7, 256, 5000])
    func accuracy(_ length: Int) throws {
        var trial = FusionTrial()
        let numbers = (0..<3 * length).map { 100 + Float($0 * 7919 % 1009) / 500 }
        trial.feeds = [("x", try #require(Tensor(numbers, shape: [1, 3, length])))]
        _ = trial.graph.placeholder("x", 1, [-1, 3, Int64(length)])
        add(.bare, to: &trial.graph)
        #expect(try trial.ops("y") == ["LayerNormalization"])
        let results = try #require(try trial.run(["y"])[0].scalars(as: Float.self))
        for row in 0..<3 {
            let own = numbers[row * length..<(row + 1) * length].map(Double.init)
            let mean = own.reduce(0, +) / Double(length)
            let variance = own.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(length)
            for (place, x) in own.enumerated() {
                let exact = (x - mean) / (variance + 1e-3).squareRoot()
                #expect(abs(Double(results[row * length + place]) - exact) < 5e-5)
            }
        }
    }

    @Test("what comes before a normalisation is computed row by row with it, bit for bit")
    func tail() throws {
        let trial = try trial([20, 30, 40])
        var other = FusionTrial()
        other.feeds = trial.feeds.map { ("z", $0.tensor) }
        _ = other.graph.placeholder("z", 1, [-1, 30, 40])
        other.graph.floats("gamma", (0..<40).map { Float($0) / 30 }, [40])
        other.graph.floats("beta", (0..<40).map { Float($0) / 20 }, [40])
        other.graph.float("Tanh", "t", "z")
        other.graph.float("AddV2", "x", "t", "z")
        add(.multiples, to: &other.graph)
        #expect(try other.ops("y") == ["FusedElementwise"])
        #expect(try other.isExact("y", without: "fuse-elementwise"))
    }

    @Test("a scale that nobody reads afterwards does not give its memory to the rows that it scales")
    func memoryOfScale() throws {
        var trial = FusionTrial()
        _ = try trial.feed("z", [1, 40], open: false)
        trial.graph.float("Exp", "gamma", "z")
        trial.graph.float("Softmax", "other", "z")
        trial.graph.float("Tanh", "x", "other")
        add(.multiplesWithoutOffset, to: &trial.graph, axes: [1])
        #expect(try trial.ops("y").filter { $0 == "FusedElementwise" }.count == 1)
        #expect(try trial.isExact("y", without: "fuse-elementwise"))
    }

    @Test("a normalisation of other axes, of which a part is fetched, or that is scaled otherwise, stays as it is")
    func others() throws {
        var outer = try trial([3, 5, 40])
        add(.multiples, to: &outer.graph, axes: [1])
        #expect(try !outer.ops("y").contains("LayerNormalization"))
        var fetched = try trial()
        add(.multiples, to: &fetched.graph)
        for part in ["mean", "variance", "factor", "centre"] {
            #expect(try !fetched.ops("y", part).contains("LayerNormalization"), "\(part)")
        }
        var columns = try trial([3, 5, 40], scale: [5, 1])
        add(.multiples, to: &columns.graph)
        #expect(try !columns.ops("y").contains("LayerNormalization"))
        var variable = try trial()
        add(.multiples, to: &variable.graph, varies: true)
        #expect(try !variable.ops("y").contains("LayerNormalization"))
        var mixed = try trial([4, 6, 10], scale: [10])
        mixed.graph.floats("wide", (0..<60).map { Float($0) }, [6, 10])
        add(.multiples, to: &mixed.graph, axes: [1, 2], beta: "wide")
        #expect(try !mixed.ops("y").contains("LayerNormalization"))
    }

    @Test("a normalisation treats the rows of a batch one by one, if they are not a part of its own")
    func batching() {
        func roles(_ axisCount: Int) -> [BatchRole]? {
            var op = RowNormalization(axisCount: axisCount, epsilon: 1)
            op.hasScale = true
            let x = TensorFact(.float32, PartialShape([6, 8]))
            return op.batching(
                BatchedNode(
                    inputs: [x, TensorFact(.float32, PartialShape([8]))], outputs: [x], roles: [.rows(2), .shared]))
        }
        #expect(roles(1) == [.rows(2)])
        #expect(roles(2) == [.mixed])
    }

    // MARK: - GELU

    /// Adds GELU of `x`: its last node is `y`.
    private func addGELU(
        to graph: inout TestGraph, tanh: Bool, half: Float = 0.5, halvesInput: Bool = false, cubes: Int = 0,
        root: Float = 1.4142135
    ) {
        graph.floats("half", [half])
        graph.floats("one", [1])
        graph.floats("root", [root])
        if tanh {
            graph.floats("three", [3])
            graph.floats("factor", [0.044715])
            graph.floats("outer", [0.7978846])
            switch cubes {
            case 0: graph.float("Pow", "cube", "x", "three")
            case 1:
                graph.float("Square", "square", "x")
                graph.float("Mul", "cube", "x", "square")
            default:
                graph.float("Mul", "square", "x", "x")
                graph.float("Mul", "cube", "square", "x")
            }
            graph.float("Mul", "part", "factor", "cube")
            graph.float("AddV2", "inner", "x", "part")
            graph.float("Mul", "argument", "outer", "inner")
            graph.float("Tanh", "function", "argument")
        } else {
            graph.float("RealDiv", "argument", "x", "root")
            graph.float("Erf", "function", "argument")
        }
        graph.float("AddV2", "sum", "one", "function")
        if halvesInput {
            graph.float("Mul", "halved", "x", "half")
            graph.float("Mul", "y", "halved", "sum")
        } else {
            graph.float("Mul", "halved", "half", "sum")
            graph.float("Mul", "y", "x", "halved")
        }
    }

    @Test("both forms of GELU are one formula and the same, bit for bit", arguments: [true, false], [true, false])
    func gelu(tanh: Bool, halvesInput: Bool) throws {
        for cubes in 0..<(tanh ? 3 : 1) {
            var trial = FusionTrial()
            _ = try trial.feed("x", [37, 29])
            addGELU(to: &trial.graph, tanh: tanh, halvesInput: halvesInput, cubes: cubes)
            #expect(try trial.ops("y") == ["Gelu"])
            #expect(try trial.ops("y", without: ["fuse-activations"]) == ["FusedElementwise"])
            #expect(try trial.isExact("y", without: "fuse-activations"))
        }
    }

    @Test("what is nearly GELU, or has a part that is fetched, stays as it is")
    func nearlyGELU() throws {
        for (half, root) in [(Float(0.4), Float(1.4142135)), (0.5, 1.5)] {
            var trial = FusionTrial()
            _ = try trial.feed("x", [7])
            addGELU(to: &trial.graph, tanh: false, half: half, root: root)
            #expect(try trial.ops("y") == ["FusedElementwise"])
        }
        var trial = FusionTrial()
        _ = try trial.feed("x", [7])
        addGELU(to: &trial.graph, tanh: false)
        #expect(try !trial.ops("y", "sum").contains("Gelu"))
    }
}
