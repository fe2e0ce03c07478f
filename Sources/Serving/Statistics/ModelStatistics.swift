internal import Threads

/// Statistics of a model's requests since the server started. Recording takes no lock.
package final class ModelStatistics: Sendable {
    /// The protocol of a request.
    package enum Form: Int, CaseIterable, Sendable {
        case predict
        case tfServing
        case openInference

        /// The value of the label `protocol`.
        package var label: String {
            switch self {
            case .predict: "predict"
            case .tfServing: "tfserving"
            case .openInference: "v2"
            }
        }
    }

    /// A phase of a request.
    package enum Phase: Int, CaseIterable, Sendable {
        case queue, parse, run, write

        /// The value of the label `phase`.
        package var label: String {
            switch self {
            case .queue: "queue"
            case .parse: "parse"
            case .run: "run"
            case .write: "write"
            }
        }
    }

    /// The outcome of a request.
    package struct Outcome: Sendable {
        package var form: Form
        package var status: Int
        package var times = PhaseTimes()
        package var receivedBytes = 0
        package var sentBytes = 0

        package init(form: Form, status: Int) {
            self.form = form
            self.status = status
        }
    }

    /// The statuses that are counted separately. Others count as the last.
    package static let statuses = [
        200, 400, 401, 403, 404, 409, 413, 415, 422, 429, 499, 500, 501, 503, 504, 0,
    ]

    private static let formCount = Form.allCases.count
    private let requests = Counters(formCount * statuses.count)
    private let bytes = Counters(2)
    private let queueTimes = Histogram.ofDurations()
    private let parseTimes = Histogram.ofDurations()
    private let runTimes = Histogram.ofDurations()
    private let writeTimes = Histogram.ofDurations()
    /// The total times, from the first phase to the last.
    package let totals = Histogram.ofDurations()
    /// The numbers of requests in batches.
    package let batchSizes = Histogram.ofCounts()

    package init() {}

    /// Records a request, successful or not.
    package func record(_ outcome: Outcome) {
        let status = Self.index(of: outcome.status)
        requests.add(1, at: outcome.form.rawValue * Self.statuses.count + status)
        bytes.add(outcome.receivedBytes, at: 0, outcome.sentBytes, at: 1)
        let times = outcome.times
        queueTimes.record(Int(clamping: times.queue))
        parseTimes.record(Int(clamping: times.parse))
        runTimes.record(Int(clamping: times.run))
        writeTimes.record(Int(clamping: times.write))
        totals.record(Int(clamping: times.total))
    }

    /// Records a run of the graph for a number of requests.
    package func recordExecution(ofRequests count: Int) { batchSizes.record(count) }

    /// The index of a status in ``statuses``, or that of the last.
    package static func index(of status: Int) -> Int {
        status == 200 ? 0 : statuses.firstIndex(of: status) ?? statuses.count - 1
    }

    /// The times of a phase, in nanoseconds.
    package func times(_ phase: Phase) -> Histogram {
        switch phase {
        case .queue: queueTimes
        case .parse: parseTimes
        case .run: runTimes
        case .write: writeTimes
        }
    }

    /// The number of requests of a protocol with a status, one of ``statuses``.
    package func count(_ form: Form, _ status: Int) -> Int {
        requests[form.rawValue * Self.statuses.count + Self.index(of: status)]
    }

    /// The number of received bytes of bodies.
    package var receivedBytes: Int { bytes[0] }
    /// The number of sent bytes of bodies.
    package var sentBytes: Int { bytes[1] }
    /// The number of runs of the graph, which is lower than the number of requests if there were batches.
    package var executionCount: Int { batchSizes.total }
}
