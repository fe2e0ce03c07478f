package import Execution
internal import Graphs
package import OperationSupport
package import Operations
package import Planning
internal import TensorFlowProtos
internal import Tensors
package import VectorSupport

/// Repeats the runs of a recorded graph, in one session.
package struct GraphTrial {
    private let vector: GraphVector
    private let session: Session
    private let graph: Graph
    private let tolerance: Tolerance

    /// A feed or a fetch of the record is not in its graph.
    private struct MissingTensor: Error {
        let name: String
    }

    /// The variables' values before the first run.
    private struct Variables: VariableSource {
        let values: [String: Tensor]

        func value(of variable: VariableReference) throws(OpError) -> Tensor {
            guard let value = values[variable.name] else { throw OpError(.missingVariable, variable.name) }
            return value
        }
    }

    /// - Throws: An error if the record is unusable, which is not a refusal by the graph.
    ///
    /// - Parameters:
    ///   - vector: The record.
    ///   - passes: The planner's passes.
    package init(_ vector: GraphVector, passes: PassOptions = PassOptions()) throws {
        self.vector = vector
        graph = try Graph(vector.graph)
        let values = try vector.variables.map { ($0.name, try Tensor(decoding: $0.tensor)) }
        session = Session(
            graph: graph, variables: Variables(values: Dictionary(uniqueKeysWithValues: values)), threadCount: 1,
            areVariablesTrained: true, passes: passes)
        tolerance = Tolerance(
            relative: vector.hasRtol ? vector.rtol : nil, absolute: vector.hasAtol ? vector.atol : nil)
    }

    /// The differences from TensorFlow, in words, run by run; empty if there are none.
    package static func differences(_ vector: GraphVector, passes: PassOptions = PassOptions()) -> [String] {
        do {
            let trial = try GraphTrial(vector, passes: passes)
            return vector.runs.enumerated().compactMap { index, run in
                trial.difference(run).map { "\(vector.label) run \(index): \($0)" }
            }
        } catch { return ["\(vector.label): the record cannot be used: \(error)"] }
    }

    /// The errors of runs that TensorFlow refuses too, with TensorFlow's errors.
    ///
    /// - Throws: An error if the record is unusable.
    package static func refusals(_ vector: GraphVector) throws -> [(recorded: RecordedRefusal, error: OpError)] {
        let trial = try GraphTrial(vector)
        return try vector.runs.compactMap { run in
            do { _ = try trial.outputs(run) } catch let error as OpError {
                return run.error.isEmpty ? nil : (RecordedRefusal(run, of: vector), error)
            }
            return nil
        }
    }

    private func difference(_ run: GraphRun) -> String? {
        let results: [Tensor]
        do { results = try outputs(run) } catch {
            guard !run.error.isEmpty, let error = error as? OpError else { return "\(error)" }
            return RecordedRefusal(run, of: vector).difference(from: error)
        }
        guard run.error.isEmpty else { return "no error where TensorFlow says: \(run.message)" }
        guard results.count == run.outputs.count else { return "\(results.count) outputs" }
        for (index, result) in results.enumerated() {
            guard let expected = try? Tensor(decoding: run.outputs[index]) else { return "an answer cannot be read" }
            if let difference = tolerance.difference(result, expected) { return "\(run.fetches[index]) \(difference)" }
        }
        return nil
    }

    /// The callable of a run.
    package func callable(_ run: GraphRun) throws -> Callable {
        try session.callable(
            feeds: try run.feeds.map { try endpoint($0.name) }, fetches: try run.fetches.map { try endpoint($0) })
    }

    private func outputs(_ run: GraphRun) throws -> [Tensor] {
        let callable = try callable(run)
        return try callable.run(try run.feeds.map { try Tensor(decoding: $0.tensor) })
    }

    private func endpoint(_ text: String) throws -> Endpoint {
        guard let name = TensorName(parsing: text), let node = graph.index(ofNode: name.node) else {
            throw MissingTensor(name: text)
        }
        return Endpoint(node: node, output: name.output)
    }
}
