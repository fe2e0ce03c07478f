/// The limits that may end a run before it is done. They are checked between the steps of a graph, and in
/// kernels that may take long.
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
    package var isNone: Bool { deadline == nil && abandonment == nil }

    /// Whether the run has to end.
    package var isReached: Bool {
        if let abandonment, abandonment.isRaised { return true }
        guard let deadline else { return false }
        return deadline.isPast(at: MonotonicClock.coarseNanoseconds)
    }
}
