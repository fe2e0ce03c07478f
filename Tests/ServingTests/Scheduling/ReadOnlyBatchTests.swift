import Serving
import Tensors
import Testing
import VectorSupport

@Suite("Batches of a read-only model")
struct ReadOnlyBatchTests {
    private let model: Model

    init() throws { model = try Model(contentsOf: Fixtures.path("assigning/branch")) }

    private func task(_ row: [Float], training: Bool) throws -> BatchTask {
        let callable = try model.callable(feeds: ["x:0", "is_training:0"], fetches: nil)
        return BatchTask(
            callable,
            [try #require(Tensor(row, shape: [1, 2])), try #require(Tensor([training], shape: []))])
    }

    @Test("predictions are run as one; runs that would assign fail one by one, and change nothing")
    func together() throws {
        let predictions = try (0..<4).map { try task([Float($0), 2], training: false) }
        BatchRun(ModelQueue()).run(predictions)
        #expect(predictions.allSatisfy { $0.times.batchSize == 4 && $0.errors.isEmpty })
        let trainings = try (0..<4).map { try task([Float($0), 2], training: true) }
        BatchRun(ModelQueue()).run(trainings)
        #expect(trainings.allSatisfy { $0.answers.isEmpty && $0.errors.count == 1 })
        let again = try (0..<4).map { try task([Float($0), 2], training: false) }
        BatchRun(ModelQueue()).run(again)
        for (first, second) in zip(predictions, again) {
            #expect(
                first.answers.first?.first?.scalars(as: Float.self)
                    == second.answers.first?.first?.scalars(as: Float.self))
            #expect(first.answers.first?.first != nil)
        }
    }
}
