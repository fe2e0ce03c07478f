import Execution
import Graphs
import Operations
import Planning
import SwiftProtobuf
import TensorFlowProtos
import Tensors
import Threads

@testable import Serving

/// A task that a test controls, and that records what was done with it.
// Safety: the scheduler hands it from thread to thread; a test reads it only after `finished`, or reads locked parts.
final class TrialTask: InferenceTask, @unchecked Sendable {
    let name: String
    let startNanoseconds = MonotonicClock.nanoseconds
    var deadline: Deadline?
    let abandonment: Flag? = Flag()
    var byteCount = 10
    var times = PhaseTimes()
    private(set) var callable: Unmanaged<Callable>?
    private let body: @Sendable (TrialTask) -> Bool
    private let state = Locked(State())
    /// Gets a permit when the task is finished.
    let finished = Permits()

    struct State {
        var isPrepared = false
        var isDelivered = false
        var error: ModelError?
    }

    /// - Parameters:
    ///   - name: Its name in the test.
    ///   - body: The work of preparing it; returns whether it succeeds.
    init(_ name: String = "", _ body: @escaping @Sendable (TrialTask) -> Bool = { _ in true }) {
        self.name = name
        self.body = body
    }

    var now: State { state.withLock { $0 } }

    func willWait() {}

    func prepare() -> Bool {
        state.withLock { $0.isPrepared = true }
        callable = Self.shared.map { .passUnretained($0) }
        return body(self)
    }

    func withFeeds(_ body: (UnsafeBufferPointer<TensorView>) -> Void) {
        body(UnsafeBufferPointer(start: nil, count: 0))
    }

    func deliver(_ outputs: UnsafeBufferPointer<TensorView>) { state.withLock { $0.isDelivered = true } }

    func fail(_ error: ModelError) { state.withLock { $0.error = error } }

    func finish() { finished.signal() }

    /// A callable that returns a constant.
    private static let shared: Callable? = {
        var node = NodeDef()
        node.name = "c"
        node.op = "Const"
        node.attr["dtype"] = .with { $0.type = 1 }
        node.attr["value"] = .with { value in
            value.tensor = .with { tensor in
                tensor.dtype = 1
                tensor.floatVal = [1]
            }
        }
        guard let graph = try? Graph(.with { $0.node = [node] }) else { return nil }
        let session = Session(graph: graph, variables: NoVariables(), threadCount: 4)
        return try? session.callable(feeds: [], fetches: [Endpoint(node: 0, output: 0)])
    }()

    private struct NoVariables: VariableSource {
        func value(of variable: VariableReference) throws(OpError) -> Tensor {
            throw OpError(.missingVariable, variable.name)
        }
    }
}
