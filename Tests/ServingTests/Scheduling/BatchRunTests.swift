import Execution
import Foundation
import Serving
import Tensors
import Testing
import VectorSupport

@Suite("Runs of tasks that wait together")
struct BatchRunTests {
    private static let feeds = ["x:0", "keep_prob:0"]

    private func model() throws -> Model { try Model(contentsOf: Fixtures.model("digits")) }

    private func image(_ seed: Int, rows: Int = 1) throws -> Tensor {
        try #require(Tensor((0..<rows * 64).map { Float(($0 * 7 + seed) % 17) }, shape: [rows, 64]))
    }

    /// How much of each layer dropout keeps: all.
    private func keepAll() throws -> Tensor { try #require(Tensor([Float(1)], shape: [])) }

    private func task(_ callable: Callable, _ image: Tensor) throws -> BatchTask {
        BatchTask(callable, [image, try keepAll()])
    }

    @Test("tasks of one callable are run as one, and each gets its own answer")
    func together() throws {
        let model = try model()
        let callable = try model.callable(feeds: Self.feeds, fetches: nil)
        let tasks = try (0..<5).map { try task(callable, try image($0, rows: $0 + 1)) }
        BatchRun(ModelQueue()).run(tasks)
        for (index, task) in tasks.enumerated() {
            #expect(task.times.batchSize == 5)
            #expect(task.errors.isEmpty)
            let alone = try callable.run([try image(index, rows: index + 1), try keepAll()])
            let answer = try #require(task.answers.first)
            #expect(task.answers.count == 1)
            #expect(answer.map(\.shape) == alone.map(\.shape))
            for (mine, theirs) in zip(answer, alone) {
                let own = mine.scalars(as: Float.self) ?? []
                let expected = theirs.scalars(as: Float.self) ?? []
                // Products of many rows are summed in another order than those of few: the logits reach 500, where one step of
                // float32 is 3e-5.
                let tolerance = 1e-6 * max(1, expected.map(abs).max() ?? 0)
                let worst = zip(own, expected).map { abs($0 - $1) }.max() ?? 0
                #expect(worst <= tolerance, "\(worst), more than \(tolerance)")
            }
        }
    }

    @Test("tasks of different callables are run in groups")
    func groups() throws {
        let model = try model()
        let callable = try model.callable(feeds: Self.feeds, fetches: nil)
        let other = try model.callable(
            feeds: Self.feeds, fetches: [callable.fetches[0].name, callable.fetches[0].name])
        let tasks = try (0..<6).map { try task($0 % 2 == 0 ? callable : other, try image($0)) }
        BatchRun(ModelQueue()).run(tasks)
        #expect(tasks.allSatisfy { $0.times.batchSize == 3 && $0.answers.count == 1 && $0.errors.isEmpty })
    }

    @Test("a task that does not fit fails alone, and a lonely one is run alone")
    func alone() throws {
        let callable = try model().callable(feeds: Self.feeds, fetches: nil)
        let bad = try task(callable, try #require(Tensor([Float](repeating: 0, count: 6), shape: [2, 3])))
        let good = try (0..<2).map { try task(callable, try image($0)) }
        BatchRun(ModelQueue()).run([good[0], bad, good[1]])
        #expect(bad.errors.count == 1)
        #expect(bad.answers.isEmpty)
        #expect(good.allSatisfy { $0.answers.count == 1 && $0.errors.isEmpty && $0.times.batchSize == 2 })
        let single = try task(callable, try image(3))
        BatchRun(ModelQueue()).run([single])
        #expect(single.answers.count == 1)
        #expect(single.times.batchSize == 1)
    }

    @Test("a request of many rows is work enough on its own")
    func large() throws {
        let callable = try model().callable(feeds: Self.feeds, fetches: nil)
        let tasks = try (0..<2).map { try task(callable, try image($0, rows: 500)) }
        BatchRun(ModelQueue()).run(tasks)
        #expect(tasks.allSatisfy { $0.times.batchSize == 1 && $0.answers.count == 1 })
    }
}
