import Execution
import Foundation
import GraphSupport
import Operations
import Planning
import SwiftProtobuf
import TensorFlowProtos
import Tensors
import Testing

/// Zeros around images become padding of the convolutions that read them.
@Suite("Pads into convolutions")
struct PadPassTests {
    private static func ints(_ numbers: [Int64]) -> AttrValue { .with { $0.list.i = numbers } }

    private static func ramp(_ shape: [Int], _ step: Float) throws -> Tensor {
        try #require(Tensor((0..<shape.reduce(1, *)).map { Float($0 % 17 - 8) * step }, shape: shape))
    }

    /// Images `x`, padded as `pad`.
    private static func padded(
        _ paddings: [Int32], by op: String = "Pad", value: Float? = nil, shape: [Int64]? = [-1, 5, 4, 2]
    ) -> TestGraph {
        var graph = TestGraph()
        let x = graph.placeholder("x", 1, shape)
        let amounts = TensorProto.with { tensor in
            tensor.dtype = 3
            tensor.tensorShape.dim = [4, 2].map { size in .with { $0.size = size } }
            tensor.intVal = paddings
        }
        graph.add("Const", "paddings", types: ["dtype": 3], ["value": .with { $0.tensor = amounts }])
        var inputs = [x, "paddings"]
        if let value {
            let tensor = TensorProto.with { tensor in
                tensor.dtype = 1
                tensor.floatVal = [value]
            }
            inputs.append(graph.add("Const", "value", types: ["dtype": 1], ["value": .with { $0.tensor = tensor }]))
        }
        graph.add(
            op, "pad", inputs, types: ["T": 1, "Tpaddings": 3],
            op == "MirrorPad" ? ["mode": .with { $0.s = Data("SYMMETRIC".utf8) }] : [:])
        return graph
    }

    private static func convolve(
        _ graph: inout TestGraph, _ op: String = "Conv2D", padding: String = "VALID", _ explicit: [Int64] = [],
        stride: Int64 = 1, named name: String = "y", of input: String = "pad"
    ) {
        let w = graph.variable("w", 1, [3, 2, 2, 3])
        graph.add(
            op, name, [input, w], types: ["T": 1],
            [
                "strides": ints([1, stride, stride, 1]), "padding": .with { $0.s = Data(padding.utf8) },
                "explicit_paddings": ints(explicit),
            ])
    }

    /// The ops of the plan, and of the plan for the shapes; outputs must be those of a plan without any passes.
    private func ops(_ graph: TestGraph, _ fetches: [String] = ["y:0"]) throws -> (general: [String], special: [String])
    {
        let variables = ["w": try Self.ramp([3, 2, 2, 3], 0.1)]
        let session = try graph.session(variables)
        let plain = try graph.session(variables, passes: PassOptions(disabled: Set(PassList.names)))
        let x = try Self.ramp([2, 5, 4, 2], 0.3)
        let found = try session.callable(["x:0"], fetches).run([x])
        for (found, wanted) in zip(found, try plain.callable(["x:0"], fetches).run([x])) {
            #expect(found.shape == wanted.shape)
            let pairs = zip(found.scalars(as: Float.self) ?? [], wanted.scalars(as: Float.self) ?? [])
            #expect(pairs.allSatisfy { abs($0 - $1) <= 1e-5 + 1e-5 * abs($1) })
        }
        let stages = try session.explanation(["x:0"], fetches, shapes: [x.shape]).stages
        return (
            stages.last { $0.form == .general }?.rows.map(\.op) ?? [],
            stages.last { $0.form == .specialized }?.rows.map(\.op) ?? []
        )
    }

    private static let around: [Int32] = [0, 0, 1, 2, 0, 3, 0, 0]

    @Test("convolutions take zeros around rows and columns", arguments: ["Conv2D", "DepthwiseConv2dNative"])
    func fires(op: String) throws {
        for stride: Int64 in [1, 2] {
            for shape in [[-1, 5, 4, 2], [-1, -1, -1, 2], [2, 5, 4, 2]] as [[Int64]] {
                var graph = Self.padded(Self.around, shape: shape)
                Self.convolve(&graph, op, stride: stride)
                #expect(try ops(graph).general == [op])
            }
            var explicit = Self.padded(Self.around, by: "PadV2", value: 0)
            Self.convolve(&explicit, op, padding: "EXPLICIT", [0, 0, 2, 0, 1, 1, 0, 0], stride: stride)
            #expect(try ops(explicit).general == [op])
        }
        var unknown = Self.padded(Self.around, shape: nil)
        Self.convolve(&unknown, op)
        #expect(try ops(unknown).special == [op])
    }

    @Test("zeros around zeros are taken at once; zeros around something else are taken alone")
    func twoPads() throws {
        for op in ["Conv2D", "DepthwiseConv2dNative"] {
            var graph = Self.padded(Self.around)
            graph.add("Identity", "inner", ["pad"], types: ["T": 1])
            graph.add(
                "PadV2", "outer", ["inner", "paddings", graph.floats("zero", [0])], types: ["T": 1, "Tpaddings": 3])
            Self.convolve(&graph, op, of: "outer")
            #expect(try ops(graph).general == [op])
        }
        var mirrored = Self.padded([0, 0, 1, 2, 0, 3, 0, 0], by: "MirrorPad")
        mirrored.add("Pad", "outer", ["pad", "paddings"], types: ["T": 1, "Tpaddings": 3])
        Self.convolve(&mirrored, of: "outer")
        #expect(try ops(mirrored).general == ["MirrorPad", "Conv2D"])
        var read = Self.padded(Self.around)
        read.add("Pad", "outer", ["pad", "paddings"], types: ["T": 1, "Tpaddings": 3])
        Self.convolve(&read, of: "outer")
        #expect(try ops(read, ["y:0", "pad:0"]).general == ["Pad", "Conv2D"])
    }

    @Test("other numbers than zero, other axes, padding that follows the size, and other readers keep the pad")
    func refusals() throws {
        for (paddings, op, value) in [
            (Self.around, "PadV2", 1), ([0, 0, 1, 2, 0, 3, 0, 0], "MirrorPad", nil),
            ([0, 1, 1, 1, 0, 0, 0, 0], "Pad", nil),
        ] as [([Int32], String, Float?)] {
            var graph = Self.padded(paddings, by: op, value: value)
            Self.convolve(&graph)
            #expect(try ops(graph).special == [op, "Conv2D"])
        }
        var channels = Self.padded([0, 0, 0, 0, 0, 0, 1, 0], shape: [-1, 5, 4, 1])
        Self.convolve(&channels)
        let session = try channels.session(["w": Self.ramp([3, 2, 2, 3], 0.1)])
        #expect(try session.explanation(["x:0"], ["y:0"]).stages.last { $0.form == .general }?.rows.count == 2)
        var same = Self.padded(Self.around)
        Self.convolve(&same, padding: "SAME")
        #expect(try ops(same).special == ["Pad", "Conv2D"])
        var read = Self.padded(Self.around)
        Self.convolve(&read)
        #expect(try ops(read, ["y:0", "pad:0"]).special == ["Pad", "Conv2D"])
        var pool = Self.padded(Self.around)
        pool.add(
            "MaxPool", "y", ["pad"], types: ["T": 1],
            [
                "strides": Self.ints([1, 1, 1, 1]), "ksize": Self.ints([1, 2, 2, 1]),
                "padding": .with { $0.s = Data("VALID".utf8) },
            ])
        #expect(try ops(pool).special == ["Pad", "MaxPool"])
    }
}
