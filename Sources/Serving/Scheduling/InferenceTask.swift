package import Execution
package import Threads

/// A request to a model, as the scheduler sees it: prepared, run and answered, by one thread at a time. What a request looks like,
/// who conforms knows.
///
/// The scheduler calls ``prepare()``; if that gives true, it runs ``callable`` on the feeds, perhaps together with other tasks, and
/// calls ``deliver(_:)`` or ``fail(_:)``; then, where the task was deferred, ``finish()``. A task that comes too late is failed
/// without having been prepared.
package protocol InferenceTask: AnyObject {
    /// The callable to run; set by ``prepare()``.
    var callable: Callable? { get }
    /// When the request was complete, by ``MonotonicClock``.
    var startNanoseconds: UInt64 { get }
    /// When the response is of no use any more.
    var deadline: Deadline? { get }
    /// Raised when nobody waits for the response any more.
    var abandonment: Flag? { get }
    /// The length of the request, which tells something of how long it will take.
    var byteCount: Int { get }
    /// How long each phase took, for the statistics; set by the scheduler before ``finish()``.
    var times: PhaseTimes { get set }

    /// Reads the request. Called by the thread that is going to run it; again, when the task has waited for memory: then there is
    /// nothing to do.
    ///
    /// - Returns: false if the request is answered already, by an error.
    func prepare() -> Bool

    /// Calls `body` with the feeds, one for each of ``callable``'s. Valid until the task changes.
    func withFeeds(_ body: (UnsafeBufferPointer<TensorView>) -> Void)

    /// Answers with what was fetched, which is valid during the call.
    func deliver(_ outputs: UnsafeBufferPointer<TensorView>)

    /// Answers with an error.
    func fail(_ error: ModelError)

    /// Hands the response back. The scheduler does not touch the task afterwards.
    func finish()
}

extension InferenceTask {
    /// The limits that may end the task's run.
    package var limits: RunLimits { RunLimits(deadline: deadline, abandonment: abandonment) }

    private var isAbandoned: Bool { abandonment.map(\.isRaised) ?? false }

    /// Whether the task is not worth being run any more.
    func isStale(at now: UInt64) -> Bool { isAbandoned || deadline.map { $0.isPast(at: now) } ?? false }

    /// Answers a stale task.
    func failStale() {
        if isAbandoned {
            fail(ModelError(.cancelled, "the client disconnected before its request ran"))
        } else {
            fail(ModelError(.deadlineExceeded, "the request exceeded its time limit in the queue"))
        }
    }
}

/// How long the phases of a request took, in nanoseconds.
package struct PhaseTimes: Sendable {
    package var queue: UInt64 = 0
    package var parse: UInt64 = 0
    package var run: UInt64 = 0
    package var write: UInt64 = 0
    /// How many requests were run as one.
    package var batchSize = 1
    /// How many rows the request has.
    package var rows = 0
    /// How many the run had that answered it, with those of the requests that were run with it; 0 if there was no run.
    package var runRows = 0
    /// Whether it was the first of the requests of that run.
    package var leadsRun = false

    package init() {}

    /// All phases.
    package var total: UInt64 { queue &+ parse &+ run &+ write }
}
