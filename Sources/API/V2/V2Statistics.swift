internal import HTTPMessages
internal import Serving

/// Triton's statistics of versions: the numbers and the times of requests, rows and runs.
struct V2Statistics {
    private var writer: JSONWriter

    private init(_ writer: JSONWriter) { self.writer = writer }

    /// Writes the statistics, for `GET /v2/models/stats` and similar routes.
    ///
    /// - Parameters:
    ///   - models: The models.
    ///   - only: The version; nil for all loaded versions.
    ///   - response: Receives the statistics.
    static func write(_ models: [ServedModel], only: ModelVersion? = nil, _ response: inout HTTPResponse) {
        var statistics = V2Statistics(JSONWriter(response.body))
        statistics.write(models, only: only)
    }

    private mutating func write(_ models: [ServedModel], only: ModelVersion?) {
        writer.beginObject()
        writer.key("model_stats")
        writer.beginList()
        for model in models {
            for version in only.map({ [$0] }) ?? model.versions.versions { write(model, version) }
        }
        writer.endList()
        writer.endObject()
    }

    private mutating func write(_ model: ServedModel, _ version: ModelVersion) {
        let report = version.statistics.report
        writer.beginObject()
        writer.key("name")
        writer.string(model.name)
        writer.key("version")
        writer.string(String(version.number))
        writer.key("last_inference")
        writer.integer(report.lastMilliseconds)
        writer.key("inference_count")
        writer.integer(report.rowCount)
        writer.key("execution_count")
        writer.integer(report.runCount)
        writer.key("inference_stats")
        writer.beginObject()
        write("success", report.successes)
        write("fail", report.failures)
        write("queue", report.total(of: .queue))
        write("compute_input", report.total(of: .parse))
        write("compute_infer", report.total(of: .run))
        write("compute_output", report.total(of: .write))
        write("cache_hit", .none)
        write("cache_miss", .none)
        writer.endObject()
        writer.key("batch_stats")
        writer.beginList()
        for runs in report.runs { write(runs) }
        writer.endList()
        writer.endObject()
    }

    private mutating func write(_ runs: VersionStatistics.Runs) {
        writer.beginObject()
        writer.key("batch_size")
        writer.integer(runs.rows)
        write("compute_input", runs.parse)
        write("compute_infer", runs.run)
        write("compute_output", runs.write)
        writer.endObject()
    }

    private mutating func write(_ key: String, _ total: VersionStatistics.Total) {
        writer.key(key)
        writer.beginObject()
        writer.key("count")
        writer.integer(total.count)
        writer.key("ns")
        writer.integer(total.nanoseconds)
        writer.endObject()
    }
}
