import Execution
import Foundation
import GraphSupport
import Operations
import Planning
import SwiftProtobuf
import TensorFlowProtos
import Tensors
import Testing

/// Scales are folded into weights only where no number is lost by it, in each version of a model.
@Suite("Scales into weights")
struct ChannelFoldingTests {
    /// A product of `x` [?, 2] with `w` [2, 3], multiplied or divided by `s`, perhaps with a bias `b`.
    private static func product(_ op: String, hasBias: Bool = false) -> TestGraph {
        var graph = TestGraph()
        let x = graph.placeholder("x", 1, [-1, 2])
        graph.float("MatMul", "product", x, graph.variable("w", 1, [2, 3]))
        let s = graph.variable("s", 1, [3])
        graph.float(op, hasBias ? "scaled" : "y", "product", s)
        if hasBias { graph.float("AddV2", "y", "scaled", graph.variable("b", 1, [3])) }
        return graph
    }

    private static func variables(_ w: Float, _ s: Float, _ b: Float? = nil) throws -> [String: Tensor] {
        var values = [
            "w": try #require(Tensor([w, 1, 2, -w, 1, 3], shape: [2, 3])), "s": try #require(Tensor([s, 2, 4])),
        ]
        if let b { values["b"] = Tensor([b, 0, 1]) }
        return values
    }

    private static func feed(_ size: Float) throws -> Tensor {
        try #require(Tensor([size, 0, 0, size, 3 * size, size], shape: [3, 2]))
    }

    /// The elements, with NaN as one number.
    private static func bits(_ tensor: Tensor) -> [UInt32] {
        (tensor.scalars(as: Float.self) ?? []).map { $0.isNaN ? .max : ($0 + 0).bitPattern }
    }

    private static func ops(_ session: Session) throws -> [String] {
        try #require(try session.explanation(["x:0"], ["y:0"]).stages.last { $0.form == .general }).rows.map(\.op)
    }

    private static let off = PassOptions(disabled: ["fold-channel-affine"])

    @Test(
        "scales that are not normal, and products that overflow or underflow, are left to the run",
        arguments: [
            ("RealDiv", 1, 0x1p-130, 0), ("RealDiv", 1, 0, 1e-3), ("RealDiv", 1, 3e38, 1e38),
            ("Mul", 1, 0x1p-130, 1e38),
            ("Mul", 1, .infinity, 1), ("Mul", 1, .nan, 1), ("Mul", 1e30, 1e30, 1e-30), ("Mul", 1e-30, 1e-20, 1e30),
            ("Mul", 1e-25, 1e-14, 1e25), ("Mul", .infinity, 1, 1),
        ] as [(op: String, w: Float, s: Float, x: Float)])
    func refusals(_ numbers: (op: String, w: Float, s: Float, x: Float)) throws {
        let graph = Self.product(numbers.op)
        let variables = try Self.variables(numbers.w, numbers.s)
        let session = try graph.session(variables)
        let plain = try graph.session(variables, passes: Self.off)
        let x = try Self.feed(numbers.x)
        let found = try session.callable(["x:0"], ["y:0"]).run([x])[0]
        #expect(Self.bits(found) == Self.bits(try plain.callable(["x:0"], ["y:0"]).run([x])[0]))
        #expect(try Self.ops(session) == ["MatMul", numbers.op])
    }

    @Test("zeros are folded, and so are products that a bias hides when they underflow")
    func zeros() throws {
        let zeros = try Self.product("Mul").session(Self.variables(0, 2))
        #expect(try Self.ops(zeros) == ["MatMul"])
        let scaled = try Self.product("Mul").session(Self.variables(1, 0))
        #expect(try Self.ops(scaled) == ["MatMul"])
        for (bias, isFolded) in [(1, true), (1e-10, true), (1e-20, false), (0, false), (.infinity, false)]
            as [(Float, Bool)]
        {
            let session = try Self.product("Mul", hasBias: true).session(Self.variables(1e-25, 1e-20, bias))
            #expect(try Self.ops(session).contains("Mul") == !isFolded, "a bias of \(bias)")
        }
    }

    @Test("a version whose numbers do not fit, or fit again, gets a plan of its own")
    func versions() throws {
        let graph = Self.product("RealDiv")
        let numbers: [Float] = [4, 0x1p-130, 2, 0x1p-130]
        let sessions = try graph.versions(try numbers.map { try Self.variables(1, $0) })
        let x = try Self.feed(0.5)
        // All at once: the plan of a version is there while others look for one.
        let callables = try sessions.map { try $0.callable(["x:0"], ["y:0"]) }
        for (index, callable) in callables.enumerated() {
            let plain = try graph.session(Self.variables(1, numbers[index]), passes: Self.off)
            let found = try callable.run([x])[0]
            #expect(Self.bits(found) == Self.bits(try plain.callable(["x:0"], ["y:0"]).run([x])[0]))
        }
        for (session, isFolded) in zip(sessions, [true, false, true, false]) {
            #expect(try Self.ops(session).contains("RealDiv") != isFolded)
        }
    }

    @Test("a plan for known shapes asks its own version too, where ranks were not known before")
    func specialized() throws {
        var graph = TestGraph()
        let x = graph.placeholder("x", 1, nil)
        graph.add("BatchMatMulV2", "product", [x, graph.variable("w", 1, [2, 3])], types: ["T": 1])
        graph.float("Mul", "y", "product", graph.variable("s", 1, [3]))
        let numbers: [Float] = [2, 0x1p-130, 8]
        let sessions = try graph.versions(try numbers.map { try Self.variables(1, $0) })
        let x2 = try Self.feed(1e30)
        let callables = try sessions.map { try $0.callable(["x:0"], ["y:0"]) }
        for (index, callable) in callables.enumerated() {
            let plain = try graph.session(Self.variables(1, numbers[index]), passes: Self.off)
            let found = try callable.run([x2])[0]
            #expect(Self.bits(found) == Self.bits(try plain.callable(["x:0"], ["y:0"]).run([x2])[0]))
            let stages = try sessions[index].explanation(["x:0"], ["y:0"], shapes: [x2.shape]).stages
            let isScaled = stages.last { $0.form == .specialized }?.rows.contains { $0.op == "Mul" }
            #expect(isScaled == (index == 1))
        }
    }

    @Test("channels are told apart wherever they lie in the weight")
    func places() throws {
        for (transposed, isLeft) in [(false, false), (true, false), (false, true), (true, true)] {
            // Only the scale of the first channel is small.
            for (first, isFolded) in [(1, true), (1e-25, false)] as [(Float, Bool)] {
                var graph = TestGraph()
                let x = graph.placeholder("x", 1, isLeft ? [2, -1] : [-1, 2])
                let w = graph.variable("w", 1, (transposed == isLeft) ? [2, 3] : [3, 2])
                let flag = AttrValue.with { $0.b = transposed }
                graph.add(
                    "MatMul", "product", isLeft ? [w, x] : [x, w], types: ["T": 1],
                    [isLeft ? "transpose_a" : "transpose_b": flag])
                let s = graph.variable("s", 1, isLeft ? [3, 1] : [3])
                graph.float("Mul", "y", "product", s)
                let rows: [Float] = [first, 1, 1, first, 1, 1]
                let columns: [Float] = [first, first, 1, 1, 1, 1]
                let isByRow = transposed == isLeft
                let values = [
                    "w": try #require(Tensor(isByRow ? rows : columns, shape: isByRow ? [2, 3] : [3, 2])),
                    "s": try #require(Tensor([1e-20, 1, 2], shape: isLeft ? [3, 1] : [3])),
                ]
                let folds = isFolded && !isLeft
                #expect(try Self.ops(graph.session(values)) == (folds ? ["MatMul"] : ["MatMul", "Mul"]))
            }
        }
    }
}
