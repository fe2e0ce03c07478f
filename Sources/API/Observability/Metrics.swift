internal import Glibc
internal import HTTPMessages
internal import Memory
internal import Serving
internal import Threads

/// `GET /metrics`: all metrics in Prometheus' text format. Labels are models, their loaded versions and configured labels, and protocols,
/// phases and statuses of fixed lists, so clients cannot create time series.
struct Metrics: Sendable {
    private let registry: ModelRegistry
    private let options: Service.Options
    private let responses: ResponseCounts

    init(_ registry: ModelRegistry, _ options: Service.Options, _ responses: ResponseCounts) {
        self.registry = registry
        self.options = options
        self.responses = responses
    }

    var routes: [Route] {
        [
            .immediate(.get, "/metrics", RouteDescription("Metrics in Prometheus' text format", response: .text)) {
                _, response in write(to: &response)
            },
            .immediate(
                .get, "/monitoring/prometheus/metrics",
                RouteDescription(
                    "The metrics on TensorFlow Serving's path, and TensorFlow Serving's own metrics", response: .text)
            ) { _, response in
                write(to: &response)
                TFServingMetrics.write(registry.catalog.models, MetricsWriter(response.body))
            },
        ]
    }

    private func write(to response: inout HTTPResponse) {
        response.contentType = "text/plain; version=0.0.4; charset=utf-8"
        let writer = MetricsWriter(response.body)
        let models = registry.catalog.models
        writeServer(writer)
        writeRequests(models, writer)
        writeTimes(models, writer)
        writeVersions(models, writer)
        writeModels(models, writer)
        writeReloads(models, writer)
        writeMemory(writer)
        writeCaches(writer)
        writeProcess(writer)
    }

    private func writeServer(_ writer: MetricsWriter) {
        writer.family("metaserve_build_info", .gauge, "Always 1; the version is a label.")
        writer.sample("metaserve_build_info", [("version", options.version)], 1)
        writer.family("metaserve_http_responses_total", .counter, "Responses on all routes, by status.")
        for (status, count) in responses.counts {
            writer.sample("metaserve_http_responses_total", [("status", Self.text(ofStatus: status))], count)
        }
        writer.family("metaserve_executors", .gauge, "Requests that may run at once.")
        writer.sample("metaserve_executors", [], options.threadCount)
        writer.family("metaserve_http_connections", .gauge, "Open connections.")
        if let count = options.openConnections() { writer.sample("metaserve_http_connections", [], count) }
        writer.family(
            "metaserve_log_lines_lost_total", .counter, "Lines of a log that could not be written or were not read."
        )
        writer.sample("metaserve_log_lines_lost_total", [("log", "access")], options.accessLog?.droppedCount ?? 0)
        writer.sample("metaserve_log_lines_lost_total", [("log", "program")], options.lostLogLines())
    }

    private func writeCaches(_ writer: MetricsWriter) {
        writer.family(
            "metaserve_cache_bytes", .gauge,
            "Approximate bytes of cached data: callables, programs for shapes, prepared calls.")
        for kind in CacheBudget.Kind.allCases {
            writer.sample("metaserve_cache_bytes", [("cache", kind.label)], registry.caches.usedBytes(for: kind))
        }
        writer.family(
            "metaserve_cache_evictions_total", .counter, "Entries evicted because cache-memory was too small.")
        for kind in CacheBudget.Kind.allCases {
            writer.sample(
                "metaserve_cache_evictions_total", [("cache", kind.label)], registry.caches.evictionCount(for: kind))
        }
    }

    static func text(ofStatus status: Int) -> String { status == 0 ? "other" : String(status) }

    private func writeRequests(_ models: [ServedModel], _ writer: MetricsWriter) {
        writer.family(
            "metaserve_requests_total", .counter,
            "Completed and refused inference requests, by model, protocol and status.")
        for model in models {
            for form in ModelStatistics.Form.allCases {
                for status in ModelStatistics.statuses {
                    let count = model.statistics.count(form, status)
                    guard count > 0 || status == 200 else { continue }
                    writer.sample(
                        "metaserve_requests_total",
                        [("model", model.name), ("protocol", form.label), ("status", Self.text(ofStatus: status))],
                        count)
                }
            }
        }
        write(
            models, writer, "metaserve_executions_total", .counter,
            "Runs of a graph; fewer than the requests if requests were batched."
        ) {
            $0.statistics.executionCount
        }
        write(
            models, writer, "metaserve_request_body_bytes_total", .counter,
            "Bytes of request bodies, after decompression."
        ) {
            $0.statistics.receivedBytes
        }
        write(models, writer, "metaserve_response_body_bytes_total", .counter, "Bytes of response bodies, as sent.") {
            $0.statistics.sentBytes
        }
        write(models, writer, "metaserve_requests_in_flight", .gauge, "Requests that are being read, run or written.") {
            $0.queue.running
        }
        write(models, writer, "metaserve_queue_depth", .gauge, "Requests in the queue.") { $0.queue.waiting }
        write(
            models, writer, "metaserve_queue_limit", .gauge,
            "Maximum number of requests in the queue; further requests are refused."
        ) {
            $0.queue.limits.waiting
        }
    }

    private func writeTimes(_ models: [ServedModel], _ writer: MetricsWriter) {
        writer.family(
            "metaserve_request_duration_seconds", .histogram,
            "Time from the last byte of the request to its response, including failed requests.")
        for model in models {
            writer.histogram(
                "metaserve_request_duration_seconds", [("model", model.name)], model.statistics.totals, perUnit: 1e9)
        }
        writer.family(
            "metaserve_request_phase_seconds", .histogram, "The same time by phase: queue, parse, run, write.")
        for model in models {
            for phase in ModelStatistics.Phase.allCases {
                writer.histogram(
                    "metaserve_request_phase_seconds", [("model", model.name), ("phase", phase.label)],
                    model.statistics.times(phase), perUnit: 1e9)
            }
        }
        writer.family("metaserve_batch_size", .histogram, "Requests per run.")
        for model in models {
            writer.histogram("metaserve_batch_size", [("model", model.name)], model.statistics.batchSizes, perUnit: 1)
        }
    }

    private func writeModels(_ models: [ServedModel], _ writer: MetricsWriter) {
        write(models, writer, "metaserve_model_loaded", .gauge, "Whether a version of the model serves requests.") {
            $0.versions.current == nil ? 0 : 1
        }
        write(
            models, writer, "metaserve_model_version", .gauge,
            "The newest version in service; see metaserve_version_share_ratio for the shares of the versions."
        ) {
            $0.versions.current?.number
        }
        write(
            models, writer, "metaserve_model_step", .gauge,
            "Training step of that version; missing if its name does not contain one."
        ) {
            $0.versions.current?.model.step
        }
        write(
            models, writer, "metaserve_model_weights_bytes", .gauge,
            "Bytes of the variables of all loaded versions."
        ) {
            $0.versions.versions.reduce(0) { $0 + $1.model.variables.reduce(0) { $0 + $1.byteCount } }
        }
        writer.family(
            "metaserve_model_weight_memory_bytes", .gauge,
            "Memory of the weights of all loaded versions: raw as in the checkpoint, derived by plans, packed for kernels."
        )
        for model in models {
            let weights = model.versions.versions.map(\.model.weightMemory)
            for part in WeightMemory.Part.allCases {
                writer.sample(
                    "metaserve_model_weight_memory_bytes", [("model", model.name), ("part", part.rawValue)],
                    weights.reduce(0) { $0 + $1[part] })
            }
        }
        let now = ContinuousClock.now
        writer.family("metaserve_model_age_seconds", .gauge, "Time since that version was loaded.")
        for model in models {
            guard let version = model.versions.current else { continue }
            writer.sample(
                "metaserve_model_age_seconds", [("model", model.name)],
                version.loadedAt.duration(to: now) / .seconds(1))
        }
    }

    private func writeReloads(_ models: [ServedModel], _ writer: MetricsWriter) {
        writer.family(
            "metaserve_load_duration_seconds", .histogram,
            "Duration of successful loads, including warm-up.")
        for model in models {
            writer.histogram(
                "metaserve_load_duration_seconds", [("model", model.name)], model.loadTimes, perUnit: 1e9)
        }
        writer.family(
            "metaserve_reloads_total", .counter,
            "Completed loads, including the first, by outcome.")
        for model in models {
            let record = model.versions.record
            writer.sample(
                "metaserve_reloads_total", [("model", model.name), ("outcome", "loaded")], record.successCount)
            for failure in ModelError.LoadFailure.allCases {
                writer.sample(
                    "metaserve_reloads_total", [("model", model.name), ("outcome", failure.rawValue)],
                    record.failureCounts[failure] ?? 0)
            }
        }
        write(models, writer, "metaserve_reload_failing", .gauge, "Whether the newest files could not be loaded.") {
            $0.versions.record.lastError == nil ? 0 : 1
        }
    }

    /// A family with a sample for each model that has a value.
    private func write(
        _ models: [ServedModel], _ writer: MetricsWriter, _ name: StaticString, _ kind: MetricsWriter.Kind,
        _ help: StaticString, _ value: (ServedModel) -> Int?
    ) {
        writer.family(name, kind, help)
        for model in models {
            if let value = value(model) { writer.sample(name, [("model", model.name)], value) }
        }
    }

    private func writeMemory(_ writer: MetricsWriter) {
        guard let memory = options.memory else { return }
        writer.family("metaserve_memory_limit_bytes", .gauge, "Memory limit for all uses together.")
        writer.sample("metaserve_memory_limit_bytes", [], memory.limitBytes)
        writer.family("metaserve_memory_used_bytes", .gauge, "Memory in the account, by use.")
        for use in MemoryAccount.Use.allCases {
            writer.sample("metaserve_memory_used_bytes", [("use", "\(use)")], memory.usedBytes(for: use))
        }
        writer.family("metaserve_memory_refusals_total", .counter, "Number of times that too little memory was left.")
        writer.sample("metaserve_memory_refusals_total", [], memory.refusalCount)
        writer.family("metaserve_memory_waits_total", .counter, "Runs that had to wait for memory.")
        writer.sample("metaserve_memory_waits_total", [], memory.waitCount)
    }

    private func writeProcess(_ writer: MetricsWriter) {
        let facts = ProcessFacts()
        writer.family("process_resident_memory_bytes", .gauge, "Resident memory of the process.")
        writer.sample("process_resident_memory_bytes", [], facts.residentBytes)
        writer.family("process_virtual_memory_bytes", .gauge, "Mapped address space of the process.")
        writer.sample("process_virtual_memory_bytes", [], facts.virtualBytes)
        writer.family("process_threads", .gauge, "Threads of the process.")
        writer.sample("process_threads", [], facts.threads)
        writer.family("process_open_fds", .gauge, "Open file descriptors.")
        writer.sample("process_open_fds", [], facts.openFiles)
        writer.family("process_max_fds", .gauge, "Maximum number of open file descriptors.")
        writer.sample("process_max_fds", [], facts.maxOpenFiles)
        writer.family("process_cpu_seconds_total", .counter, "Processor time of the process.")
        writer.sample("process_cpu_seconds_total", [], facts.cpuSeconds)
        writer.family("process_start_time_seconds", .gauge, "Creation time of the service, in seconds since 1970.")
        writer.sample("process_start_time_seconds", [], responses.startSeconds)
    }
}

/// The number of responses by status, and the start of counting.
final class ResponseCounts: Sendable {
    private let values = Counters(ModelStatistics.statuses.count)
    /// Seconds since 1970.
    let startSeconds = Double(time(nil))

    func record(_ status: Int) {
        values.add(1, at: ModelStatistics.index(of: status))
    }

    var counts: [(status: Int, count: Int)] {
        ModelStatistics.statuses.indices.map { (ModelStatistics.statuses[$0], values[$0]) }
    }
}
