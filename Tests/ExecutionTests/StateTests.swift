import Execution
import Foundation
import GraphSupport
import Graphs
import Operations
import SwiftProtobuf
import TensorFlowProtos
import Tensors
import Testing
import Threads

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

    /// Two variables of two numbers, which `set` sets to `x` and `y`; then it takes element `index` of the first.
    private static func pair() throws -> Session {
        var graph = TestGraph()
        let x = graph.placeholder("x", 3, [2])
        let y = graph.placeholder("y", 3, [2])
        let index = graph.placeholder("index", 3, [])
        for (name, value) in [("v", x), ("w", y)] {
            graph.add(
                "VariableV2", name, types: ["dtype": 3], ["shape": .with { $0.shape.dim = [.with { $0.size = 2 }] }])
            graph.add("Assign", "set_\(name)", [name, value], types: ["T": 3])
            graph.add("Identity", "read_\(name)", [name], types: ["T": 3])
            graph.add("AssignAdd", "add_\(name)", [name, value], types: ["T": 3])
        }
        // After both assignments: reads what they left, and fails where the index is out of range.
        graph.add("Identity", "after", ["v", "^set_v", "^set_w"], types: ["T": 3])
        let axis = graph.constant("axis", 0)
        graph.add(
            "GatherV2", "taken", ["after", index, axis], types: ["Tparams": 3, "Tindices": 3, "Taxis": 3])
        return try graph.session([
            "v": try #require(Tensor([1, 1] as [Int32])), "w": try #require(Tensor([2, 2] as [Int32])),
        ])
    }

    private static func numbers(_ tensors: [Tensor]) -> [[Int32]] { tensors.map { $0.scalars(as: Int32.self) ?? [] } }

    @Test("a run that fails changes nothing; one that succeeds sees what it assigned, and then all do")
    func failingRun() throws {
        let session = try Self.pair()
        let feeds = [try #require(Tensor([5, 6] as [Int32])), try #require(Tensor([7, 8] as [Int32]))]
        let set = try session.callable(["x:0", "y:0", "index:0"], ["taken:0"])
        let read = try session.callable([], ["read_v:0", "read_w:0"])
        let error = failure { _ = try set.run(feeds + [try #require(Tensor([9 as Int32], shape: []))]) }
        #expect(error?.kind == .invalidArgument)
        #expect(Self.numbers(try read.run([])) == [[1, 1], [2, 2]])
        #expect(Self.numbers(try set.run(feeds + [try #require(Tensor([1 as Int32], shape: []))])) == [[6]])
        #expect(Self.numbers(try read.run([])) == [[5, 6], [7, 8]])
    }

    @Test("a run whose time is over, or whose client has gone, changes nothing")
    func limits() throws {
        let session = try Self.pair()
        let feeds = [try #require(Tensor([5, 6] as [Int32])), try #require(Tensor([7, 8] as [Int32]))]
        let add = try session.callable(["x:0", "y:0"], ["add_v:0", "add_w:0"])
        let gone = Flag()
        gone.raise()
        #expect(failure { _ = try add.run(feeds, limits: RunLimits(abandonment: gone)) }?.kind == .cancelled)
        let read = try session.callable([], ["read_v:0", "read_w:0"])
        #expect(Self.numbers(try read.run([])) == [[1, 1], [2, 2]])
        #expect(Self.numbers(try add.run(feeds)) == [[6, 7], [9, 10]])
    }

    @Test("what a run assigns is seen all at once, and additions that run at the same time all count")
    func together() throws {
        let session = try Self.pair()
        let ones = [Tensor](repeating: try #require(Tensor([1, 1] as [Int32])), count: 2)
        let add = try session.callable(["x:0", "y:0"], ["add_v:0", "add_w:0"])
        let read = try session.callable([], ["read_v:0", "read_w:0"])
        let torn = LockedCount()
        DispatchQueue.concurrentPerform(iterations: 6) { thread in
            for _ in 0..<300 {
                if thread % 2 == 0 {
                    let sums = (try? add.run(ones)).map(Self.numbers) ?? []
                    if sums.count != 2 || sums[0][0] + 1 != sums[1][0] { torn.add() }
                } else {
                    let seen = (try? read.run([])).map(Self.numbers) ?? []
                    if seen.count != 2 || seen[0][0] + 1 != seen[1][0] { torn.add() }
                }
            }
        }
        #expect(torn.count == 0)
        #expect(Self.numbers(try read.run([])) == [[901, 901], [902, 902]])
    }

    /// What TensorFlow 2.21 answers in the same order.
    @Test("a variable that is assigned without a look at its shape has the new shape for all who read it")
    func reshaping() throws {
        var graph = TestGraph()
        let y = graph.placeholder("y", 1, nil)
        let x = graph.placeholder("x", 1, [-1, -1])
        graph.add("VariableV2", "w", types: ["dtype": 1], ["shape": .with { $0.shape.dim = [.with { $0.size = 2 }] }])
        graph.add("Assign", "free", ["w", y], types: ["T": 1], ["validate_shape": .with { $0.b = false }])
        graph.add("Assign", "strict", ["w", y], types: ["T": 1], ["validate_shape": .with { $0.b = true }])
        graph.add("AssignAdd", "more", ["w", y], types: ["T": 1])
        graph.add("Identity", "read", ["w"], types: ["T": 1])
        let last = graph.constant("last", -1)
        graph.add("ExpandDims", "column", ["w", last], types: ["T": 1, "Tdim": 3])
        graph.add("MatMul", "product", [x, "column"], types: ["T": 1])
        let session = try graph.session(["w": try #require(Tensor([0, 0] as [Float]))])
        func run(_ fetch: String, _ feed: (String, Tensor?)?) throws -> [Float]? {
            let callable = try session.callable(feed.map { ["\($0.0):0"] } ?? [], ["\(fetch):0"])
            let feeds = try feed.map { [try #require($0.1)] } ?? []
            do { return try callable.run(feeds)[0].scalars(as: Float.self) } catch {
                #expect(error.kind == .invalidArgument, "\(error)")
                return nil
            }
        }
        #expect(try run("read", nil) == [0, 0])
        #expect(try run("strict", ("y", Tensor([1, 2, 3] as [Float]))) == nil)
        #expect(try run("free", ("y", Tensor([1, 2, 3] as [Float]))) == [1, 2, 3])
        #expect(try run("read", nil) == [1, 2, 3])
        #expect(try run("product", ("x", Tensor([1, 1, 1] as [Float], shape: [1, 3]))) == [6])
        #expect(try run("product", ("x", Tensor([1, 1] as [Float], shape: [1, 2]))) == nil)
        #expect(try run("strict", ("y", Tensor([1, 2] as [Float]))) == nil)
        #expect(try run("strict", ("y", Tensor([4, 5, 6] as [Float]))) == [4, 5, 6])
        #expect(try run("more", ("y", Tensor([1, 1] as [Float]))) == nil)
        #expect(try run("more", ("y", Tensor([1, 1, 1] as [Float]))) == [5, 6, 7])
        #expect(try run("free", ("y", Tensor([7] as [Float], shape: []))) == [7])
        #expect(try run("read", nil) == [7])
        #expect(try run("free", ("y", Tensor([1, 2] as [Float]))) == [1, 2])
        #expect(try run("product", ("x", Tensor([1, 1] as [Float], shape: [1, 2]))) == [3])
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
