/// The result of `metaserve benchmark --http`, as text and as JSON.
struct LoadReport: Encodable {
    private struct Fault: Encodable {
        let error: String
        let count: Int
    }

    private let url: String
    private let requestBytes: Int
    private let connections: Int
    private let threads: Int
    private let rate: Double?
    private let seconds: Double
    private let processor: String
    private let responses: Int
    private let responsesPerSecond: Double
    private let late: Int
    private let receivedBytes: Int
    private let minimumUs: Double
    private let medianUs: Double
    private let meanUs: Double
    private let p90Us: Double
    private let p99Us: Double
    private let p999Us: Double
    private let maximumUs: Double
    private let errors: [Fault]
    private let errorCount: Int

    private let times: LogHistogram
    private let otherTimes: LogHistogram

    private enum CodingKeys: String, CodingKey {
        case url, requestBytes, connections, threads, rate, seconds, processor, responses, responsesPerSecond, late
        case receivedBytes, minimumUs, medianUs, meanUs, p90Us, p99Us, p999Us, maximumUs, errors, errorCount
    }

    /// The line for programs.
    private struct LastLine: Encodable {
        let medianUs: Double
        let p99Us: Double
        let responsesPerSecond: Double
        let errors: Int
    }

    init(_ url: String, _ plan: LoadPlan, _ result: LoadResult) {
        self.url = url
        requestBytes = plan.request.count
        connections = plan.connections
        threads = plan.threads
        rate = plan.rate
        seconds = plan.seconds
        processor = Machine.current.processor
        times = result.latencies
        otherTimes = result.otherLatencies
        responses = times.count
        responsesPerSecond = (Double(result.responsesInTime) / plan.seconds * 10).rounded() / 10
        late = result.late
        receivedBytes = result.receivedBytes
        minimumUs = DurationText.microseconds(Double(times.minimum))
        medianUs = DurationText.microseconds(times.quantile(0.5))
        meanUs = DurationText.microseconds(times.mean)
        p90Us = DurationText.microseconds(times.quantile(0.9))
        p99Us = DurationText.microseconds(times.quantile(0.99))
        p999Us = DurationText.microseconds(times.quantile(0.999))
        maximumUs = DurationText.microseconds(Double(times.maximum))
        errors = result.errors.map { Fault(error: $0.name, count: $0.count) }
        errorCount = result.errorCount
    }

    /// Prints the result for a person, then the line for programs.
    ///
    /// - Throws: The encoder's errors.
    func show() throws {
        let load = rate.map { "\(DurationText.rate($0)) requests a second" } ?? "each sends when it has its response"
        print("\(url)")
        print("  request    \(requestBytes) bytes")
        print("  load       \(connections) connections, \(threads) threads; \(load)")
        print("  processor  \(processor)")
        print(
            "\n  responses  \(responses) in \(DurationText.rate(seconds)) s, \(DurationText.rate(responsesPerSecond)) a second"
        )
        if rate != nil { print("  late       \(late) requests were sent a millisecond or more after they were due") }
        for fault in errors { print("  errors     \(fault.count) x \(fault.error)") }
        if otherTimes.count > 0 {
            let (median, slow) = (otherTimes.quantile(0.5), otherTimes.quantile(0.99))
            print(
                "             latency of other statuses: median \(DurationText.text(median)), 99 % \(DurationText.text(slow))"
            )
        }
        print("\n  latency of responses 200 to 299, from \(rate == nil ? "sending" : "when it was due")")
        TimesText(times).show()
        print(
            try JSONLine.text(
                LastLine(medianUs: medianUs, p99Us: p99Us, responsesPerSecond: responsesPerSecond, errors: errorCount)))
    }
}
