import Execution
import Foundation
import GraphSupport
import Memory
import Operations
import SwiftProtobuf
import Synchronization
import TensorFlowProtos
import Tensors
import Testing

@Suite("What is kept from run to run")
struct CacheTests {
    /// An entry that notes when it has to go.
    private final class Entry: CacheEntry, @unchecked Sendable {
        let isGone = Atomic<Bool>(false)

        init(_ byteCount: Int = 10) { super.init(.programs, byteCount: byteCount) }

        override func evict() { isGone.store(true, ordering: .relaxed) }
    }

    private func gone(_ entries: [Entry]) -> [Int] {
        entries.indices.filter { entries[$0].isGone.load(ordering: .relaxed) }
    }

    @Test("the oldest go first, those last that were used since")
    func order() {
        let account = MemoryAccount()
        let budget = CacheBudget(limitBytes: 40, account: account)
        let entries = (0..<8).map { _ in Entry() }
        for entry in entries.prefix(4) { budget.add(entry) }
        #expect(gone(entries) == [])
        entries[0].mark()
        entries[2].mark()
        budget.add(entries[4])
        #expect(gone(entries) == [1])
        budget.add(entries[5])
        #expect(gone(entries) == [1, 3])
        // The fourth is unused and older than those that got another chance; one of these was not used again.
        budget.add(entries[6])
        budget.add(entries[7])
        #expect(gone(entries) == [0, 1, 3, 4])
        #expect(budget.usedBytes(for: .programs) == 40)
        #expect(budget.evictionCount(for: .programs) == 4)
        #expect(account.usedBytes(for: .caches) == 40)
        budget.remove(entries[7])
        budget.remove(entries[7])
        budget.remove(entries[0])
        #expect(budget.usedBytes(for: .programs) == 30)
        #expect(account.usedBytes(for: .caches) == 30)
    }

    @Test("where all were used, the oldest go all the same; what is kept for good and the newest stay")
    func bound() {
        let budget = CacheBudget(limitBytes: 30)
        let first = Entry(1000)
        budget.add(first, isKept: true)
        let entries = (0..<5).map { _ in Entry() }
        for entry in entries {
            entry.mark()
            budget.add(entry)
        }
        #expect(gone(entries).count == 2)
        let large = Entry(100)
        budget.add(large)
        #expect(gone(entries).count == 5)
        #expect(gone([first, large]) == [])
        #expect(budget.usedBytes(for: .programs) == 1100)
        budget.limitBytes = 0
        budget.add(Entry(0))
        #expect(gone([first, large]) == [1])
    }

    /// A mask of as many rows and columns as `x` has columns, and many names for what comes of it.
    private func masked(_ budget: CacheBudget, outputs: Int = 1) throws -> Session {
        var graph = TestGraph()
        let x = graph.placeholder("x", 1, [-1, -1])
        graph.add("Shape", "shape", [x], types: ["T": 1, "out_type": 3])
        let (begin, end, strides) = (
            graph.numbers("begin", [1]), graph.numbers("end", [2]), graph.numbers("strides", [1])
        )
        graph.add("StridedSlice", "columns", ["shape", begin, end, strides], types: ["T": 3, "Index": 3])
        graph.add(
            "ConcatV2", "square", ["columns", "columns", graph.constant("axis", 0)], types: ["T": 3, "Tidx": 3],
            ["N": .with { $0.i = 2 }])
        graph.add(
            "Const", "unit", types: ["dtype": 1],
            [
                "value": .with {
                    $0.tensor = .with {
                        $0.dtype = 1
                        $0.floatVal = [1]
                    }
                }
            ])
        graph.add("Fill", "mask", ["square", "unit"], types: ["T": 1, "index_type": 3])
        graph.add("MatMul", "product", [x, "mask"], types: ["T": 1])
        for index in 0..<outputs { graph.add("Identity", "out\(index)", ["product"], types: ["T": 1]) }
        return try graph.session(caches: budget)
    }

    private func ones(_ rows: Int, _ columns: Int) throws -> Tensor {
        try #require(Tensor(Array(repeating: Float(1), count: rows * columns), shape: [rows, columns]))
    }

    @Test("many shapes take no more than the budget; the first stays, and all are answered rightly")
    func shapes() throws {
        let limit = 4 << 20
        let budget = CacheBudget(limitBytes: limit)
        do {
            let session = try masked(budget)
            let callable = try session.callable(["x:0"], ["out0:0"])
            for columns in 1...300 {
                let result = try callable.run([try ones(1, columns)])[0].scalars(as: Float.self)
                #expect(result == Array(repeating: Float(columns), count: columns))
                #expect(budget.usedBytes(for: .programs) <= limit + (64 << 10))
            }
            let seen = callable.shapesSeen(atMost: 1000).compactMap { $0.first?.dimensions }
            #expect(seen.first == [1, 300])
            #expect(seen.contains([1, 1]))
            #expect(!seen.contains([1, 2]))
            #expect(seen.count < 100)
            #expect(budget.evictionCount(for: .programs) == 300 - seen.count)
        }
        for kind in CacheBudget.Kind.allCases { #expect(budget.usedBytes(for: kind) == 0) }
    }

    @Test("many lists of fetches take no more than the budget; the first stays, and all are answered")
    func fetches() throws {
        let limit = 1 << 20
        let budget = CacheBudget(limitBytes: limit)
        do {
            let session = try masked(budget, outputs: 40)
            let first = try session.callable(["x:0"], ["out0:0"])
            for left in 0..<40 {
                for right in 0..<40 {
                    let callable = try session.callable(["x:0"], ["out\(left):0", "out\(right):0"])
                    #expect(try callable.run([try ones(1, 2)]).count == 2)
                }
            }
            #expect(budget.usedBytes(for: .callables) <= limit + (64 << 10))
            #expect(budget.evictionCount(for: .callables) > 0)
            #expect(try session.callable(["x:0"], ["out0:0"]) === first)
            #expect(session.compiled.count < 1600)
        }
        for kind in CacheBudget.Kind.allCases { #expect(budget.usedBytes(for: kind) == 0) }
    }

    @Test("runs are right while what they use has to go for others")
    func concurrent() throws {
        let session = try masked(CacheBudget(limitBytes: 0), outputs: 4)
        let wrong = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: 4) { thread in
            for round in 0..<200 {
                let columns = 1 + (round * (thread + 1)) % 7
                guard let callable = try? session.callable(["x:0"], ["out\(round % 4):0"]),
                    let feed = try? ones(1, columns), let result = try? callable.run([feed]),
                    result[0].scalars(as: Float.self) == Array(repeating: Float(columns), count: columns)
                else {
                    wrong.add(1, ordering: .relaxed)
                    continue
                }
            }
        }
        #expect(wrong.load(ordering: .relaxed) == 0)
    }
}

extension TestGraph {
    /// Adds a row of numbers.
    fileprivate mutating func numbers(_ name: String, _ values: [Int32]) -> String {
        let tensor = TensorProto.with { tensor in
            tensor.dtype = 3
            tensor.tensorShape.dim = [.with { $0.size = Int64(values.count) }]
            tensor.intVal = values
        }
        return add("Const", name, types: ["dtype": 3], ["value": .with { $0.tensor = tensor }])
    }
}
