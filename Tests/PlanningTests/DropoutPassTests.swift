import Execution
import Foundation
import GraphSupport
import Operations
import Planning
import SwiftProtobuf
import TensorFlowProtos
import Tensors
import Testing

/// A dropout looks at the probability that it is fed with when it runs.
@Suite("Dropout")
struct DropoutPassTests {
    private static let off = PassOptions(disabled: ["fuse-dropout"])
    private static let seed: AttrValue = .with { $0.i = 11 }

    /// `floor(keep + numbers) * (x / keep)` of `x` [?, 70].
    private static func graph(
        _ random: String = "RandomUniform", isFed: Bool = true, noise: [Int32] = [40, 70]
    ) -> TestGraph {
        var graph = TestGraph()
        let x = graph.placeholder("x", 1, [-1, 70])
        let keep = isFed ? graph.placeholder("keep", 1) : graph.floats("keep", [0.5])
        graph.integers("shape", noise)
        graph.add(random, "numbers", ["shape"], types: ["dtype": 1, "T": 3], ["seed": seed, "seed2": seed])
        graph.float("AddV2", "sum", keep, "numbers")
        graph.float("Floor", "mask", "sum")
        graph.float("RealDiv", "scaled", x, keep)
        graph.float("Mul", "y", "mask", "scaled")
        return graph
    }

    private static func data() throws -> Tensor {
        var numbers = (0..<2800).map { Float($0 % 31 - 15) }
        numbers.replaceSubrange(0..<4, with: [.nan, .infinity, -0.0, .leastNonzeroMagnitude])
        return try #require(Tensor(numbers, shape: [40, 70]))
    }

    private static func bits(_ tensor: Tensor) -> [UInt32] {
        (tensor.scalars(as: Float.self) ?? []).map { $0.isNaN ? .max : $0.bitPattern }
    }

    private static func ops(_ session: Session, _ fetches: [String] = ["y:0"], isFed: Bool = true) throws -> [String] {
        let shapes = [isFed ? Shape.scalar : nil, Shape([40, 70])].compactMap { $0 }
        let stages = try session.explanation(isFed ? ["keep:0", "x:0"] : ["x:0"], fetches, shapes: shapes).stages
        return try #require(stages.last { $0.form == .specialized }).rows.map(\.op)
    }

    @Test("all is kept bit for bit where the probability is 1, and the stream moves on from run to run")
    func runs() throws {
        let graph = Self.graph()
        let x = try Self.data()
        let session = try graph.session()
        #expect(try Self.ops(session) == ["Dropout"])
        let call = try session.callable(["keep:0", "x:0"], ["y:0"])
        let plain = try graph.session(passes: Self.off).callable(["keep:0", "x:0"], ["y:0"])
        for keep: Float in [1, 0.5, 1, 1, 0.25, 0.5, 2, .nan] {
            let feeds = [try #require(Tensor([keep], shape: [])), x]
            let found = try call.run(feeds)[0]
            #expect(Self.bits(found) == Self.bits(try plain.run(feeds)[0]), "\(keep)")
            #expect((Self.bits(found) == Self.bits(x)) == (keep == 1))
        }
    }

    @Test("sessions that share a program draw from streams of their own")
    func sessions() throws {
        let versions = try Self.graph().versions([[:], [:]])
        let calls = try versions.map { try $0.callable(["keep:0", "x:0"], ["y:0"]) }
        #expect(calls[1].sharesPlan(with: calls[0]))
        let feeds = [try #require(Tensor([0.5] as [Float], shape: [])), try Self.data()]
        let first = try calls[0].run(feeds)[0]
        let next = try calls[0].run(feeds)[0]
        #expect(Self.bits(first) != Self.bits(next))
        #expect(Self.bits(try calls[1].run(feeds)[0]) == Self.bits(first))
        #expect(Self.bits(try calls[1].run(feeds)[0]) == Self.bits(next))
    }

    @Test("a known probability, other numbers, numbers for whole rows, and numbers that others read stay as they are")
    func refusals() throws {
        #expect(!(try Self.ops(Self.graph(isFed: false).session(), isFed: false)).contains("Dropout"))
        for graph in [Self.graph("RandomStandardNormal"), Self.graph(noise: [40, 1])] {
            #expect(!(try Self.ops(graph.session())).contains("Dropout"))
        }
        #expect(!(try Self.ops(Self.graph().session(), ["y:0", "mask:0"])).contains("Dropout"))
        #expect(!(try Self.ops(Self.graph().session(passes: Self.off))).contains("Dropout"))
    }
}
