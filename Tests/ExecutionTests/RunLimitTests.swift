import Execution
import GraphSupport
import Operations
import Planning
import Tensors
import Testing
import Threads

@Suite("Limits of a run")
struct RunLimitTests {
    private static let past = RunLimits(deadline: Deadline(after: 0, from: 0))

    private func int(_ value: Int32) throws -> Tensor { try #require(Tensor([value], shape: [])) }

    /// Kernels one after another.
    private func straight(_ count: Int) throws -> Callable {
        var graph = TestGraph()
        var value = graph.placeholder("x", 3)
        for index in 0..<count { value = graph.add("Neg", "neg\(index)", [value], types: ["T": 3]) }
        // They would become one.
        return try graph.session(passes: PassOptions(disabled: ["fuse-elementwise"])).callable(["x:0"], ["\(value):0"])
    }

    /// A branch that only the run decides.
    private func branched() throws -> Callable {
        var graph = TestGraph()
        let x = graph.placeholder("x", 3)
        let choice = graph.placeholder("choice", 10)
        graph.add("Switch", "switch", [x, choice])
        graph.add("Neg", "neg", ["switch:1"], types: ["T": 3])
        graph.add("Identity", "same", ["switch"])
        graph.add("Merge", "merge", ["same", "neg"])
        return try graph.session().callable(["x:0", "choice:0"], ["merge:0"])
    }

    @Test("a straight graph stops after the step in which its time was over")
    func straightDeadline() throws {
        let callable = try straight(5)
        let error = failure { _ = try callable.run([try int(1)], limits: Self.past) }
        #expect(error?.kind == .deadlineExceeded)
        #expect(error?.reason == "1 of the graph's 5 steps were done when the request's time was over")
        #expect(try callable.run([try int(1)])[0].scalars(as: Int32.self) == [-1])
    }

    @Test("a graph with branches stops too")
    func branchDeadline() throws {
        let callable = try branched()
        let choice = try #require(Tensor([true], shape: []))
        let error = failure { _ = try callable.run([try int(1), choice], limits: Self.past) }
        #expect(error?.kind == .deadlineExceeded)
        #expect(error?.reason.hasSuffix("steps were done when the request's time was over") == true)
        #expect(try callable.run([try int(1), choice])[0].scalars(as: Int32.self) == [-1])
    }

    @Test("a run that nobody waits for stops, and says that it was the client")
    func abandonment() throws {
        let flag = Flag()
        let limits = RunLimits(deadline: Deadline(after: 60), abandonment: flag)
        let callable = try straight(3)
        #expect(try callable.run([try int(1)], limits: limits)[0].scalars(as: Int32.self) == [-1])
        flag.raise()
        let error = failure { _ = try callable.run([try int(1)], limits: limits) }
        #expect(error?.kind == .cancelled)
        #expect(error?.reason == "1 of the graph's 3 steps were done when the client had gone")
    }

    @Test("a graph of one step is not stopped")
    func single() throws {
        #expect(try straight(1).run([try int(1)], limits: Self.past)[0].scalars(as: Int32.self) == [-1])
    }

    @Test("a deadline of more than a century is one of a century")
    func farDeadline() {
        #expect(Deadline(after: .infinity, from: 0) == Deadline(after: 3_155_760_000, from: 0))
        #expect(!Deadline(after: .greatestFiniteMagnitude).isPast)
        #expect(Deadline(after: -1, from: 7).isPast(at: 7))
        #expect(!Deadline(after: 1, from: 7).isPast(at: 1_000_000_006))
    }
}
