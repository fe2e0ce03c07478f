import Execution
import Foundation
import Graphs
import Operations
import SwiftProtobuf
import TensorFlowProtos
import Tensors
import Testing

@Suite("State of a session")
struct StateTests {
    @Test("additions from many threads all count, and a read sees a whole tensor")
    func concurrentAdditions() throws {
        let count = 1 << 12
        var graph = TestGraph()
        graph.add(
            "VariableV2", "v", types: ["dtype": 3],
            ["shape": .with { $0.shape.dim = [.with { $0.size = Int64(count) }] }])
        let one = graph.placeholder("one", 3, [Int64(count)])
        graph.add("AssignAdd", "add", ["v", one], types: ["T": 3])
        graph.add("Identity", "read", ["v"], types: ["T": 3])
        let zeros = try #require(Tensor(Array(repeating: Int32(0), count: count)))
        let ones = try #require(Tensor(Array(repeating: Int32(1), count: count)))
        let session = try graph.session(["v": zeros])
        let add = try session.callable(["one:0"], ["add:0"])
        let read = try session.callable([], ["read:0"])
        #expect(!read.isOutdated)
        let torn = LockedCount()
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            for _ in 0..<100 {
                if (try? add.run([ones])) == nil { torn.add() }
                let seen = (try? read.run([]))?[0].scalars(as: Int32.self) ?? []
                if seen.isEmpty || Set(seen).count != 1 { torn.add() }
            }
        }
        #expect(torn.count == 0)
        #expect(try read.run([])[0].scalars(as: Int32.self)?.first == 800)
    }

    @Test("a plan that held a variable for a constant is outdated once another plan changes it")
    func outdated() throws {
        var graph = TestGraph()
        graph.add("VariableV2", "v", types: ["dtype": 3], ["shape": .with { $0.shape.dim = [.with { $0.size = 1 }] }])
        graph.add("Identity", "read", ["v"], types: ["T": 3])
        graph.add("Assign", "set", ["v", graph.placeholder("x", 3, [1])], types: ["T": 3])
        let session = try graph.session(["v": try #require(Tensor([1] as [Int32]))])
        let before = try session.callable([], ["read:0"])
        #expect(try before.run([])[0].scalars(as: Int32.self) == [1])
        _ = try session.callable(["x:0"], ["set:0"]).run([try #require(Tensor([5] as [Int32]))])
        #expect(before.isOutdated)
        #expect(try session.callable([], ["read:0"]).run([])[0].scalars(as: Int32.self) == [5])
    }

    @Test("a stream of random numbers goes on in the iterations of a loop, and in other plans")
    func randomStream() throws {
        var graph = TestGraph()
        let limit = graph.placeholder("limit", 3)
        let shape = graph.add(
            "Const", "shape", types: ["dtype": 3],
            [
                "value": .with {
                    $0.tensor = .with {
                        $0.dtype = 3; $0.tensorShape.dim = [.with { $0.size = 1 }]; $0.intVal = [1]
                    }
                }
            ])
        let start = graph.placeholder("start", 1, [-1])
        let exits = graph.loop("l", to: limit, [start]) { graph, counter, variables in
            let random = graph.add(
                "RandomUniform", "random", [shape, "^\(counter)"], types: ["T": 3, "dtype": 1],
                ["seed": .with { $0.i = 7 }, "seed2": .with { $0.i = 9 }])
            let axis = graph.constant("axis", 0)
            return [
                graph.add(
                    "ConcatV2", "all", [variables[0], random, axis], types: ["T": 1, "Tidx": 3],
                    ["N": .with { $0.i = 2 }])
            ]
        }
        graph.add("Neg", "negated", [exits[1]], types: ["T": 1])
        let none = try #require(Tensor([] as [Float]))
        func numbers(_ session: Session, _ count: Int32, _ fetch: String) throws -> [Float] {
            let callable = try session.callable(["limit:0", "start:0"], [fetch])
            let result = try callable.run([try #require(Tensor([count], shape: [])), none])
            return try #require(result[0].scalars(as: Float.self))
        }
        let whole = try numbers(try graph.session(), 9, "\(exits[1]):0")
        #expect(Set(whole).count == 9)
        let session = try graph.session()
        var parts = try numbers(session, 2, "\(exits[1]):0")
        parts += try numbers(session, 3, "negated:0").map { -$0 }
        parts += try numbers(session, 4, "\(exits[1]):0")
        #expect(parts == whole)
    }
}

/// Counts from many threads.
private final class LockedCount: @unchecked Sendable {
    // Safety: read and written under the lock only.
    private let lock = NSLock()
    private var value = 0

    var count: Int { lock.withLock { value } }

    func add() { lock.withLock { value += 1 } }
}
