import Execution
import Operations
import Serving
import Tensors
import Threads

/// The outputs of a signature in two precisions.
struct CheckedSignature: Encodable {
    /// The name; nil for a model without signatures.
    private let name: String?
    /// The feeds of the first run.
    let feeds: String
    let runs: Int
    private(set) var outputs: [OutputDifference]

    /// Runs both models, with the same feeds.
    ///
    /// - Parameters:
    ///   - standard: The model in fp32.
    ///   - other: The model in the other precision.
    ///   - runs: The number of runs, at least 1.
    ///   - helpers: Where helpers come from; nil for none.
    ///   - call: Makes the call of a run.
    /// - Throws: ``BenchmarkFailure`` if random values do not fit; what `call` and the runs throw.
    init(
        _ standard: Model, _ other: Model, runs: Int, _ helpers: SpareProcessors?,
        call: (_ number: Int) throws -> BenchmarkCall
    ) throws {
        let first = try call(0)
        name = first.signature?.name
        feeds = first.feedText
        self.runs = runs
        outputs = first.fetchNames.map { OutputDifference($0) }
        for number in 0..<runs {
            let call = number == 0 ? first : try call(number)
            let expected: [Tensor]
            do throws(OpError) { expected = try call.callable.run(call.tensors, helpers: helpers) } catch {
                throw call.failure(error)
            }
            let found = try call.on(other).run(call.tensors, helpers: helpers)
            for index in outputs.indices { try outputs[index].add(expected[index], found[index]) }
        }
    }

    /// The title; nil for a model without signatures.
    var title: String? { name.map { "Signature \($0)" } }
}
