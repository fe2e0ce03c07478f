internal import Operations
package import Threads

/// What may end a run before it is done. Looked at between the steps of a graph: one kernel is never interrupted.
package struct RunLimits: Sendable {
    /// When the answer is of no use any more; nil: never. Noticed some milliseconds late.
    package var deadline: Deadline?
    /// Raised when nobody waits for the answer any more; nil: somebody always does.
    package var abandonment: Flag?

    package init(deadline: Deadline? = nil, abandonment: Flag? = nil) {
        self.deadline = deadline
        self.abandonment = abandonment
    }

    /// Nothing ends the run but its end.
    package static let none = RunLimits()

    /// Whether there is anything to look at.
    var isNone: Bool { deadline == nil && abandonment == nil }

    /// Whether the run has to end.
    @inline(__always)
    var isReached: Bool {
        if let abandonment, abandonment.isRaised { return true }
        guard let deadline else { return false }
        return deadline.isPast(at: MonotonicClock.coarseNanoseconds)
    }

    /// Why the run has ended, once ``isReached``.
    ///
    /// - Parameter place: Where it was: "a loop was still running".
    /// - Returns: `cancelled` or `deadlineExceeded`.
    func error(_ place: String) -> CompileError {
        if let abandonment, abandonment.isRaised {
            return CompileError(.cancelled, "\(place) when the client had gone")
        }
        return CompileError(.deadlineExceeded, "\(place) when the request's time was over")
    }
}
