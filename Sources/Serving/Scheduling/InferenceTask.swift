package import Execution
package import Threads

/// A request to a model, for the scheduler. One thread at a time prepares, runs and answers it. The conforming type knows the form of the
/// request.
///
/// The scheduler calls ``willWait()`` if the submitting thread does not run the task, and ``prepare()``. If that returns true, it runs ``callable`` on the feeds, possibly in a batch, and calls ``deliver(_:)`` or
/// ``fail(_:)``. If the task was deferred, it then calls ``finish()``. A task that is too late fails without being prepared.
package protocol InferenceTask: AnyObject {
    /// The callable to run; set by ``prepare()``. The task keeps it until it is finished: without a reference of its own here, because threads
    /// that run the same callable would wait for each other to count references.
    var callable: Unmanaged<Callable>? { get }
    /// The time when the request was complete, by ``MonotonicClock``.
    var startNanoseconds: UInt64 { get }
    /// The time after which the response is useless.
    var deadline: Deadline? { get }
    /// Raised when no client waits for the response any more.
    var abandonment: Flag? { get }
    /// The length of the request, for estimates of its time.
    var byteCount: Int { get }
    /// The times of the phases, for the statistics. The scheduler sets them before ``finish()``.
    var times: PhaseTimes { get set }

    /// Called before another thread may run the task, after the submission has returned. The task keeps what it needs until it is finished.
    func willWait()

    /// Reads the request. Called by the thread that will run it. Called again after the task has waited for memory, when there is nothing
    /// to do.
    ///
    /// - Returns: false if the request was already answered with an error.
    func prepare() -> Bool

    /// Calls `body` with the feeds, in the order of ``callable``'s feeds. Valid until the task changes.
    func withFeeds(_ body: (UnsafeBufferPointer<TensorView>) -> Void)

    /// Answers with the fetched tensors, which are valid during the call.
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

    /// Whether the task is no longer worth running.
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

/// The times of the phases of a request, in nanoseconds.
package struct PhaseTimes: Sendable {
    package var queue: UInt64 = 0
    package var parse: UInt64 = 0
    package var run: UInt64 = 0
    package var write: UInt64 = 0
    /// The number of requests in the batch.
    package var batchSize = 1
    /// The number of rows of the request.
    package var rows = 0
    /// The number of rows of its run, including the other requests of the batch; 0 if there was no run.
    package var runRows = 0
    /// Whether it was the first request of that run.
    package var leadsRun = false

    package init() {}

    /// All phases.
    package var total: UInt64 { queue &+ parse &+ run &+ write }
}
