import Execution
import GraphSupport
import Operations
import SwiftProtobuf
import TensorFlowProtos
import Tensors
import Testing

/// Graphs that do, and that do not, keep the rows of a batch apart.
@Suite("Batches")
struct BatchTests {
    private static let float: Int32 = 1
    private static let int: Int32 = 3

    private func constant(_ graph: inout TestGraph, _ name: String, _ values: [Int32], scalar: Bool = false) -> String {
        let tensor = TensorProto.with { tensor in
            tensor.dtype = Self.int
            if !scalar { tensor.tensorShape.dim = [.with { $0.size = Int64(values.count) }] }
            tensor.intVal = values
        }
        return graph.add("Const", name, types: ["dtype": Self.int], ["value": .with { $0.tensor = tensor }])
    }

    private func weights(_ graph: inout TestGraph, _ name: String, _ shape: [Int64]) -> String {
        let count = shape.reduce(1, *)
        let tensor = TensorProto.with { tensor in
            tensor.dtype = Self.float
            tensor.tensorShape.dim = shape.map { size in .with { $0.size = size } }
            tensor.floatVal = (0..<count).map { Float($0 % 7) - 3 }
        }
        return graph.add("Const", name, types: ["dtype": Self.float], ["value": .with { $0.tensor = tensor }])
    }

    private func tensor(_ shape: [Int], from start: Int = 0) throws -> Tensor {
        try #require(Tensor((0..<shape.reduce(1, *)).map { Float(($0 + start) % 11) - 4 }, shape: shape))
    }

    /// Whether two requests to a graph of one feed, `x`, are run as one; checks the answers.
    private func isBatched(
        _ shape: [Int], feed dimensions: [Int64]? = nil, _ build: (inout TestGraph, String) -> String
    ) throws -> Bool {
        var graph = TestGraph()
        let open = dimensions ?? [-1] + shape.dropFirst().map(Int64.init)
        let x = graph.placeholder("x", Self.float, open)
        let y = build(&graph, x)
        let callable = try graph.session().callable([x], [y])
        let one = [1] + shape.dropFirst()
        let requests = [[try tensor(shape)], [try tensor(one, from: 3)], [try tensor(shape, from: 5)]]
        switch BatchTrial.outcome(callable, requests) {
        case .alone, .failed: return false
        case .together(let difference, let distance):
            #expect(difference == nil)
            #expect(distance <= 4)
            return true
        }
    }

    @Test("a dense layer keeps rows apart; a product of two that are cut into rows does not")
    func products() throws {
        #expect(
            try isBatched([2, 4]) { graph, x in
                graph.add("MatMul", "y", [x, weights(&graph, "w", [4, 3])], types: ["T": Self.float])
            })
        #expect(
            try !isBatched([2, 2]) { graph, x in graph.add("MatMul", "y", [x, x], types: ["T": Self.float]) })
        #expect(
            try !isBatched([2, 4]) { graph, x in
                graph.add(
                    "MatMul", "y", [x, weights(&graph, "w", [2, 3])], types: ["T": Self.float],
                    ["transpose_a": .with { $0.b = true }])
            })
        #expect(
            try !isBatched([2, 4]) { graph, x in
                graph.add(
                    "MatMul", "y", [x, x], types: ["T": Self.float], ["transpose_b": .with { $0.b = true }])
            })
    }

    @Test("a reduction keeps rows apart, unless it is over the rows")
    func reductions() throws {
        for (axes, expected) in [([1], true), ([-1], true), ([0], false), ([0, 1], false), ([-2], false)] {
            #expect(
                try isBatched([2, 4]) { graph, x in
                    graph.add(
                        "Mean", "y", [x, constant(&graph, "axes", axes.map(Int32.init))], types: ["T": Self.float])
                } == expected)
        }
    }

    @Test("softmax keeps rows apart, but not of a vector of rows")
    func softmax() throws {
        #expect(try isBatched([2, 4]) { graph, x in graph.add("Softmax", "y", [x], types: ["T": Self.float]) })
        #expect(try !isBatched([2]) { graph, x in graph.add("Softmax", "y", [x], types: ["T": Self.float]) })
        #expect(
            try !isBatched([2, 4]) { graph, x in
                let turned = graph.add(
                    "Transpose", "t", [x, constant(&graph, "perm", [1, 0])], types: ["T": Self.float])
                return graph.add("Softmax", "y", [turned], types: ["T": Self.float])
            })
    }

    @Test("an op along an axis keeps rows apart, unless the axis is that of the rows", arguments: [0, 1, -1, -2])
    func axes(_ axis: Int32) throws {
        let isRows = axis == 0 || axis == -2
        for op in ["Cumsum", "ArgMax"] {
            #expect(
                try isBatched([2, 4]) { graph, x in
                    graph.add(op, "y", [x, constant(&graph, "axis", [axis], scalar: true)], types: ["T": Self.float])
                } != isRows)
        }
        #expect(
            try isBatched([2, 4]) { graph, x in
                graph.add("ReverseV2", "y", [x, constant(&graph, "axis", [axis])], types: ["T": Self.float])
            } != isRows)
        #expect(
            try isBatched([2, 4]) { graph, x in
                graph.add(
                    "ConcatV2", "y", [x, x, constant(&graph, "axis", [axis], scalar: true)], types: ["T": Self.float],
                    ["N": .with { $0.i = 2 }])
            } != isRows)
        #expect(
            try isBatched([2, 4]) { graph, x in
                graph.add(
                    "Roll", "y",
                    [x, constant(&graph, "shift", [1], scalar: true), constant(&graph, "axis", [axis], scalar: true)],
                    types: ["T": Self.float])
            } != isRows)
    }

    @Test(
        "a reshape keeps rows apart where each row is a whole number of slices",
        arguments: [
            ([-1, 6], true), ([-1, 3, 2], true), ([-1, 2], true), ([-1], true), ([-1, 12], false), ([-1, 4], false),
            ([2, -1], false), ([1, -1, 6], false), ([6, -1], false),
        ] as [([Int32], Bool)])
    func reshapes(_ target: [Int32], _ expected: Bool) throws {
        #expect(
            try isBatched([2, 6]) { graph, x in
                graph.add("Reshape", "y", [x, constant(&graph, "target", target)], types: ["T": Self.float])
            } == expected)
    }

    /// The first dimension of a tensor, as `tf.shape(x)[0]` has it.
    private func rowCount(_ graph: inout TestGraph, of x: String) -> String {
        let shape = graph.add("Shape", "shape", [x], types: ["T": Self.float, "out_type": Self.int])
        return graph.add(
            "StridedSlice", "count",
            [shape, constant(&graph, "b", [0]), constant(&graph, "e", [1]), constant(&graph, "s", [1])],
            types: ["T": Self.int, "Index": Self.int], ["shrink_axis_mask": .with { $0.i = 1 }])
    }

    @Test("a reshape to what the shape tells keeps rows apart; the number of rows itself is no answer")
    func shapes() throws {
        for (sizes, expected) in [([-1], true), ([6], true), ([2, 3], true), ([1, 6], true), ([12], false)] {
            #expect(
                try isBatched([2, 6]) { graph, x in
                    let count = rowCount(&graph, of: x)
                    let others = sizes.enumerated().map {
                        constant(&graph, "size\($0)", [Int32($1)], scalar: true)
                    }
                    let target = graph.add(
                        "Pack", "target", [count] + others, types: ["T": Self.int],
                        ["N": .with { $0.i = Int64(sizes.count + 1) }])
                    return graph.add("Reshape", "y", [x, target], types: ["T": Self.float])
                } == expected)
        }
        #expect(try !isBatched([2, 6]) { graph, x in rowCount(&graph, of: x) })
        // A row's number among the rows is its place in the batch, not in its request.
        #expect(
            try !isBatched([2, 6]) { graph, x in
                graph.add(
                    "Range", "y",
                    [
                        constant(&graph, "zero", [0], scalar: true), rowCount(&graph, of: x),
                        constant(&graph, "one", [1], scalar: true),
                    ], types: ["Tidx": Self.int])
            })
        // Divided by the number of rows, an answer depends on all.
        #expect(
            try !isBatched([2, 6]) { graph, x in
                let count = graph.add(
                    "Cast", "cast", [rowCount(&graph, of: x)], types: ["SrcT": Self.int, "DstT": Self.float])
                return graph.add("RealDiv", "y", [x, count], types: ["T": Self.float])
            })
    }

    @Test("zeros for each row, and what is repeated for each, are cut into rows")
    func filling() throws {
        #expect(
            try isBatched([2, 6]) { graph, x in
                let target = graph.add(
                    "Pack", "target", [rowCount(&graph, of: x), constant(&graph, "six", [6], scalar: true)],
                    types: ["T": Self.int], ["N": .with { $0.i = 2 }])
                let zeros = graph.add(
                    "Fill", "fill", [target, weights(&graph, "zero", [])],
                    types: ["T": Self.float, "index_type": Self.int])
                return graph.add("Sub", "y", [zeros, x], types: ["T": Self.float])
            })
        #expect(
            try isBatched([2, 6]) { graph, x in
                let multiples = graph.add(
                    "Pack", "target", [rowCount(&graph, of: x), constant(&graph, "one", [1], scalar: true)],
                    types: ["T": Self.int], ["N": .with { $0.i = 2 }])
                let tiled = graph.add(
                    "Tile", "tiled", [weights(&graph, "w", [1, 6]), multiples], types: ["T": Self.float])
                return graph.add("Sub", "y", [tiled, x], types: ["T": Self.float])
            })
    }

    @Test("an operand that broadcasts along the rows keeps them apart, one of as many rows does not")
    func broadcasting() throws {
        let shapes: [([Int64], Bool)] = [
            ([], true), ([4], true), ([1, 4], true), ([1, 1], true), ([2, 4], false), ([2, 1], false),
            ([1, 1, 4], false),
        ]
        for (shape, expected) in shapes {
            #expect(
                try isBatched([2, 4]) { graph, x in
                    graph.add("AddV2", "y", [x, weights(&graph, "w", shape)], types: ["T": Self.float])
                } == expected)
        }
    }

    @Test("a batch norm keeps rows apart unless it is trained")
    func batchNorm() throws {
        for training in [false, true] {
            #expect(
                try isBatched([2, 3, 3, 2]) { graph, x in
                    let moments = (0..<4).map { weights(&graph, "w\($0)", [2]) }
                    // The variance must not be negative.
                    let variance = graph.add("Square", "variance", [moments[3]], types: ["T": Self.float])
                    return graph.add(
                        "FusedBatchNormV3", "y", [x, moments[0], moments[1], moments[2], variance],
                        types: ["T": Self.float, "U": Self.float], ["is_training": .with { $0.b = training }])
                } == !training)
        }
    }

    @Test("what picks rows by their number, or counts them, is run alone")
    func selection() throws {
        #expect(try !isBatched([2]) { graph, x in graph.add("Unique", "y", [x], types: ["T": Self.float]) })
        #expect(try !isBatched([2, 4]) { graph, x in graph.add("L2Loss", "y", [x], types: ["T": Self.float]) })
        #expect(try !isBatched([2, 1]) { graph, x in graph.add("Squeeze", "y", [x], types: ["T": Self.float]) })
        #expect(
            try !isBatched([2, 4]) { graph, x in
                graph.add(
                    "GatherV2", "y",
                    [x, constant(&graph, "which", [0]), constant(&graph, "axis", [0], scalar: true)],
                    types: ["Tparams": Self.float, "Tindices": Self.int, "Taxis": Self.int])
            })
        #expect(
            try !isBatched([2, 4]) { graph, x in
                graph.add(
                    "StridedSlice", "y",
                    [x, constant(&graph, "b", [0]), constant(&graph, "e", [1]), constant(&graph, "s", [1])],
                    types: ["T": Self.float, "Index": Self.int])
            })
        #expect(
            try !isBatched([2, 4]) { graph, x in
                graph.add("Transpose", "y", [x, constant(&graph, "perm", [1, 0])], types: ["T": Self.float])
            })
        #expect(
            try !isBatched([2, 4]) { graph, x in
                graph.add("Pack", "y", [x, x], types: ["T": Self.float], ["N": .with { $0.i = 2 }])
            })
    }

    @Test("a feed of a known first dimension must be the same in all requests")
    func sharedFeeds() throws {
        var graph = TestGraph()
        let x = graph.placeholder("x", Self.float, [-1, 2])
        let scale = graph.placeholder("scale", Self.float)
        let y = graph.add("Mul", "y", [x, scale], types: ["T": Self.float])
        let callable = try graph.session().callable([x, scale], [y])
        let (two, three) = (try #require(Tensor([Float(2)], shape: [])), try #require(Tensor([Float(3)], shape: [])))
        let same = try callable.runBatch([[try tensor([1, 2]), two], [try tensor([2, 2], from: 5), two]])
        #expect(same?.map { $0[0].scalars(as: Float.self) } == [[-8, -6], [2, 4, 6, 8]])
        #expect(try callable.runBatch([[try tensor([1, 2]), two], [try tensor([1, 2]), three]]) == nil)
    }

    @Test("requests whose other dimensions differ, and feeds that disagree about the rows, are not joined")
    func shapesThatDiffer() throws {
        var graph = TestGraph()
        let x = graph.placeholder("x", Self.float, [-1, -1])
        let z = graph.placeholder("z", Self.float, [-1, -1])
        let y = graph.add("AddV2", "y", [x, z], types: ["T": Self.float])
        let callable = try graph.session().callable([x, z], [y])
        let narrow = try tensor([2, 2])
        let wide = try tensor([2, 3])
        #expect(try callable.runBatch([[narrow, narrow], [narrow, narrow]]) != nil)
        #expect(try callable.runBatch([[wide, wide], [wide, wide]]) != nil)
        #expect(try callable.runBatch([[narrow, narrow], [wide, wide]]) == nil)
        #expect(try callable.runBatch([[narrow, try tensor([1, 2])], [narrow, try tensor([1, 2])]]) == nil)
    }

    @Test("a shared answer is everybody's")
    func sharedFetches() throws {
        var graph = TestGraph()
        let x = graph.placeholder("x", Self.float, [-1, 2])
        let w = weights(&graph, "w", [2])
        let y = graph.add("AddV2", "y", [x, w], types: ["T": Self.float])
        let callable = try graph.session().callable([x], [y, w])
        let answers = try #require(try callable.runBatch([[try tensor([1, 2])], [try tensor([2, 2])]]))
        #expect(answers.map { $0[1].scalars(as: Float.self) } == [[-3, -2], [-3, -2]])
        #expect(answers.map { $0[0].shape.dimensions } == [[1, 2], [2, 2]])
    }

    @Test("a fault in one request is an error of the batch, and no answer")
    func faults() throws {
        var graph = TestGraph()
        let ids = graph.placeholder("ids", Self.int, [-1])
        let table = weights(&graph, "table", [3, 2])
        let axis = constant(&graph, "axis", [0], scalar: true)
        let y = graph.add(
            "GatherV2", "y", [table, ids, axis],
            types: ["Tparams": Self.float, "Tindices": Self.int, "Taxis": Self.int])
        let callable = try graph.session().callable([ids], [y])
        let (good, bad) = (try #require(Tensor([Int32(1)], shape: [1])), try #require(Tensor([Int32(7)], shape: [1])))
        #expect(failure { _ = try callable.runBatch([[good], [bad]]) }?.kind == .invalidArgument)
        #expect(try callable.runBatch([[good], [good]]) != nil)
    }
}
