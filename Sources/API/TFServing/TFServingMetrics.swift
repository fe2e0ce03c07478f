internal import Serving

/// The metrics for dashboards of TensorFlow Serving, under its names. Requests of all protocols count.
enum TFServingMetrics {
    private static let requestCount: StaticString = ":tensorflow:serving:request_count"
    private static let requestLatency: StaticString = ":tensorflow:serving:request_latency"
    private static let runtimeLatency: StaticString = ":tensorflow:serving:runtime_latency"
    private static let nanosecondsPerMicrosecond = 1e3

    static func write(_ models: [ServedModel], _ writer: MetricsWriter) {
        writer.family(requestCount, .counter, "Inference requests by model and TensorFlow's status code.")
        for model in models { writeCounts(model, writer) }
        writer.family(requestLatency, .histogram, "Microseconds from the last byte of the request to its response.")
        for model in models {
            writer.histogram(
                requestLatency, labels(model, ("entrypoint", "REST")), model.statistics.totals,
                perUnit: nanosecondsPerMicrosecond)
        }
        writer.family(runtimeLatency, .histogram, "Microseconds that the graph ran for a request.")
        for model in models {
            writer.histogram(
                runtimeLatency, labels(model, ("runtime", "TF1")), model.statistics.times(.run),
                perUnit: nanosecondsPerMicrosecond)
        }
    }

    private static func labels(_ model: ServedModel, _ last: MetricsWriter.Label) -> [MetricsWriter.Label] {
        [("model_name", model.name), ("API", "Predict"), last]
    }

    private static func writeCounts(_ model: ServedModel, _ writer: MetricsWriter) {
        var counts: [String: Int] = [:]
        for status in ModelStatistics.statuses {
            let count = ModelStatistics.Form.allCases.reduce(0) { $0 + model.statistics.count($1, status) }
            counts[code(ofStatus: status), default: 0] += count
        }
        for (code, count) in counts.sorted(by: { $0.key < $1.key }) where count > 0 || code == "OK" {
            writer.sample(requestCount, [("model_name", model.name), ("status", code)], count)
        }
    }

    /// The name in TensorFlow's enumeration of codes.
    private static func code(ofStatus status: Int) -> String {
        switch status {
        case 200: "OK"
        case 400, 413, 415, 422: "INVALID_ARGUMENT"
        case 401: "UNAUTHENTICATED"
        case 403: "PERMISSION_DENIED"
        case 404: "NOT_FOUND"
        case 429: "RESOURCE_EXHAUSTED"
        case 499: "CANCELLED"
        case 500: "INTERNAL"
        case 501: "UNIMPLEMENTED"
        case 503: "UNAVAILABLE"
        case 504: "DEADLINE_EXCEEDED"
        default: "UNKNOWN"
        }
    }
}
