import Execution
import GraphSupport
import Memory
import Tensors
import Testing
import Threads

@Suite("Kernels of steps whose shapes only the run tells")
struct StepKernelTests {
    /// A matrix of fed sizes, filled with a fed number; its double, and that turned round.
    private func session(_ caches: CacheBudget = CacheBudget()) throws -> Session {
        var graph = TestGraph()
        let sizes = graph.placeholder("sizes", 3, [2])
        let x = graph.placeholder("x", 1, [])
        graph.add("Fill", "fill", [sizes, x], types: ["T": 1, "index_type": 3])
        graph.add("AddV2", "double", ["fill", "fill"], types: ["T": 1])
        let order = graph.placeholder("order", 3, [2])
        graph.add("Transpose", "turned", ["double", order], types: ["T": 1, "Tperm": 3])
        return try graph.session(caches: caches)
    }

    private func callable(_ session: Session) throws -> Callable {
        try session.callable(["sizes:0", "x:0", "order:0"], ["turned:0"])
    }

    private func run(_ callable: Callable, _ rows: Int, _ columns: Int, _ x: Float, turned: Bool) throws {
        let sizes = try #require(Tensor([Int32(rows), Int32(columns)], shape: [2]))
        let order = try #require(Tensor(turned ? [1, 0] : [0, 1] as [Int32], shape: [2]))
        let number = try #require(Tensor([x], shape: []))
        let result = try callable.run([sizes, number, order])[0]
        #expect(result.shape.dimensions == (turned ? [columns, rows] : [rows, columns]))
        #expect(result.scalars(as: Float.self)?.allSatisfy { $0 == 2 * x } == true)
    }

    @Test("A kernel that is kept computes what one that is new does, for any shapes and values")
    func results() throws {
        let callable = try callable(session())
        for round in 0..<3 {
            for rows in 1...12 {
                try run(callable, rows, 13 - rows, Float(rows + round), turned: rows % 2 == 0)
                try run(callable, rows, 3, Float(round), turned: round == 1)
            }
        }
    }

    @Test("What is kept is counted, and does not grow without end")
    func memory() throws {
        let caches = CacheBudget()
        let session = try session(caches)
        let callable = try callable(session)
        try run(callable, 2, 3, 1, turned: false)
        let first = caches.usedBytes(for: .callables)
        for rows in 3...10 { try run(callable, rows, 3, 1, turned: true) }
        let full = caches.usedBytes(for: .callables)
        #expect(full > first)
        for rows in 11...100 { try run(callable, rows, 3, 1, turned: true) }
        #expect(caches.usedBytes(for: .callables) == full)
        withExtendedLifetime(session) {}
    }

    @Test("Many threads may run the same program")
    func threads() throws {
        let callable = try callable(session())
        let threads = try (0..<4).map { number in
            try SystemThread {
                for rows in 1...60 { try? run(callable, 1 + rows % 11, number + 1, Float(rows), turned: rows % 3 == 0) }
            }
        }
        for thread in threads { thread.join() }
    }
}
