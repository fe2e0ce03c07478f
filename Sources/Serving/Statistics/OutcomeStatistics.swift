internal import Threads

/// How requests ended, by status, and how long they took. Recording takes no lock.
package final class OutcomeStatistics: Sendable {
    private let requests = Counters(ModelStatistics.statuses.count)
    /// From the first phase to the last, in nanoseconds.
    package let durations = Histogram.ofDurations()

    package init() {}

    /// Records a request, successful or not.
    package func record(status: Int, _ times: PhaseTimes) {
        requests.add(1, at: ModelStatistics.index(of: status))
        durations.record(Int(clamping: times.total))
    }

    /// How many requests ended with a status, one of ``ModelStatistics/statuses``.
    package func count(_ status: Int) -> Int { requests[ModelStatistics.index(of: status)] }
}

/// The requests that a label of a model got, by its name or by its share, whichever version it stood for.
package final class LabelStatistics: Sendable {
    /// The label.
    package let label: String
    package let outcomes = OutcomeStatistics()

    package init(label: String) { self.label = label }
}
