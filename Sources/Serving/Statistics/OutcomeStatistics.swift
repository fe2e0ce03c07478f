internal import Threads

/// The numbers of requests by status, and their times. Recording takes no lock.
package final class OutcomeStatistics: Sendable {
    private let requests = Counters(ModelStatistics.statuses.count)
    /// The total times, from the first phase to the last, in nanoseconds.
    package let durations = Histogram.ofDurations()

    package init() {}

    /// Records a request, successful or not.
    package func record(status: Int, _ times: PhaseTimes) {
        requests.add(1, at: ModelStatistics.index(of: status))
        durations.record(Int(clamping: times.total))
    }

    /// The number of requests with a status, one of ``ModelStatistics/statuses``.
    package func count(_ status: Int) -> Int { requests[ModelStatistics.index(of: status)] }
}

/// The requests that a label of a model got, by its name or by its share, for any version.
package final class LabelStatistics: Sendable {
    /// The label.
    package let label: String
    package let outcomes = OutcomeStatistics()

    package init(label: String) { self.label = label }
}
