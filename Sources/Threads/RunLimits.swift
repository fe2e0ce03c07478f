/// The limits that may end a run before it is done. They are checked between the steps of a graph, and in
/// kernels that may take long.
package struct RunLimits: Sendable {
    /// The time after which the response is useless; nil for none. It is noticed a few milliseconds late.
    package var deadline: Deadline?
    /// Raised when no client waits for the response any more; nil if that never happens.
    package var abandonment: Flag?

    package init(deadline: Deadline? = nil, abandonment: Flag? = nil) {
        self.deadline = deadline
        self.abandonment = abandonment
    }

    /// No limits.
    package static let none = RunLimits()

    /// Whether there are no limits to check.
    package var isNone: Bool { deadline == nil && abandonment == nil }

    /// Whether the run has to end.
    package var isReached: Bool {
        if let abandonment, abandonment.isRaised { return true }
        guard let deadline else { return false }
        return deadline.isPast(at: MonotonicClock.coarseNanoseconds)
    }
}
