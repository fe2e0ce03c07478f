internal import HTTPMessages
internal import Serving
internal import Tensors

/// Answers of the Open Inference Protocol that say what is served.
struct V2Describe: Sendable {
    private let options: Service.Options

    init(_ context: Service.Context) { options = context.options }

    /// `GET /v2`.
    func server(_ response: inout HTTPResponse) {
        var writer = JSONWriter(response.body)
        writer.beginObject()
        writer.key("name")
        writer.string("metaserve")
        writer.key("version")
        writer.string(options.version)
        writer.key("extensions")
        writer.beginList()
        for name in V2.extensions { writer.string(name) }
        writer.endList()
        writer.endObject()
    }

    /// `GET /v2/models/NAME`.
    func model(_ served: ServedModel, _ version: ModelVersion, _ response: inout HTTPResponse) {
        let interface = V2Interface(version.model)
        var writer = JSONWriter(response.body)
        writer.beginObject()
        writer.key("name")
        writer.string(served.name)
        writer.key("versions")
        writer.beginList()
        for version in served.versions.versions { writer.string(String(version.number)) }
        writer.endList()
        writer.key("platform")
        writer.string(Self.platform(of: version.model))
        for (key, tensors) in [("inputs", interface.inputs), ("outputs", interface.outputs)] {
            writer.key(key)
            writer.beginList()
            for tensor in tensors {
                writer.beginObject()
                writer.key("name")
                writer.string(tensor.name)
                writer.key("datatype")
                writer.string(V2Datatype.name(of: tensor.dtype) ?? "")
                Self.write((key == "inputs" ? tensor.inputDimensions : tensor.dimensions)[...], "shape", &writer)
                writer.endObject()
            }
            writer.endList()
        }
        writer.endObject()
    }

    /// `GET /v2/models/NAME/ready`: a version that is there is ready.
    func ready(_ served: ServedModel, _ version: ModelVersion, _ response: inout HTTPResponse) {
        var writer = JSONWriter(response.body)
        writer.beginObject()
        writer.key("name")
        writer.string(served.name)
        writer.key("ready")
        writer.bool(true)
        writer.endObject()
    }

    /// `GET /v2/models/NAME/config`: what Triton's clients read of a model's configuration.
    func configuration(_ served: ServedModel, _ version: ModelVersion, _ response: inout HTTPResponse) {
        let interface = V2Interface(version.model)
        // The batch's dimension is not named there.
        let hidden = interface.isBatchMajor ? 1 : 0
        var writer = JSONWriter(response.body)
        writer.beginObject()
        writer.key("name")
        writer.string(served.name)
        writer.key("platform")
        writer.string(Self.platform(of: version.model))
        writer.key("backend")
        writer.string("metaserve")
        writer.key("max_batch_size")
        writer.integer(interface.isBatchMajor ? Self.largestBatch : 0)
        for (key, tensors) in [("input", interface.inputs), ("output", interface.outputs)] {
            writer.key(key)
            writer.beginList()
            for tensor in tensors {
                writer.beginObject()
                writer.key("name")
                writer.string(tensor.name)
                writer.key("data_type")
                writer.string(V2Datatype.configurationName(of: tensor.dtype) ?? "")
                Self.write(
                    (key == "input" ? tensor.inputDimensions : tensor.dimensions).dropFirst(hidden), "dims", &writer)
                if key == "input" {
                    writer.key("optional")
                    writer.bool(tensor.isOptional)
                }
                writer.endObject()
            }
            writer.endList()
        }
        writer.endObject()
    }

    /// Triton wants a number; there is no such limit here beside that of the body.
    private static let largestBatch = 65_536

    private static func platform(of model: Model) -> String {
        model.format.hasSuffix("SavedModel") ? "tensorflow_savedmodel" : "tensorflow_graphdef"
    }

    private static func write(_ dimensions: ArraySlice<Int>, _ key: String, _ writer: inout JSONWriter) {
        writer.key(key)
        writer.beginList()
        for size in dimensions { writer.integer(size) }
        writer.endList()
    }
}

// Statistics.
extension V2Describe {
    /// `GET /v2/models/stats` and the like. A model's versions are counted together, as the current one.
    func statistics(of models: [ServedModel], only: ModelVersion? = nil, _ response: inout HTTPResponse) {
        var writer = JSONWriter(response.body)
        writer.beginObject()
        writer.key("model_stats")
        writer.beginList()
        for model in models {
            if let version = only ?? model.versions.current { write(model, version, &writer) }
        }
        writer.endList()
        writer.endObject()
    }

    private func write(_ model: ServedModel, _ version: ModelVersion, _ writer: inout JSONWriter) {
        let statistics = model.statistics
        let count = statistics.successCount
        writer.beginObject()
        writer.key("name")
        writer.string(model.name)
        writer.key("version")
        writer.string(String(version.number))
        writer.key("inference_count")
        writer.integer(count)
        writer.key("execution_count")
        writer.integer(statistics.executionCount)
        writer.key("inference_stats")
        writer.beginObject()
        Self.write("success", count, statistics.successNanoseconds, &writer)
        Self.write("fail", statistics.failureCount, statistics.failureNanoseconds, &writer)
        for (key, phase) in [
            ("queue", ModelStatistics.Phase.queue), ("compute_input", .parse), ("compute_infer", .run),
            ("compute_output", .write),
        ] {
            let times = statistics.times(phase)
            Self.write(key, times.total, times.sum, &writer)
        }
        Self.write("cache_hit", 0, 0, &writer)
        Self.write("cache_miss", 0, 0, &writer)
        writer.endObject()
        writer.key("batch_stats")
        writer.beginList()
        writer.endList()
        writer.endObject()
    }

    private static func write(_ key: String, _ count: Int, _ nanoseconds: Int, _ writer: inout JSONWriter) {
        writer.key(key)
        writer.beginObject()
        writer.key("count")
        writer.integer(count)
        writer.key("ns")
        writer.integer(nanoseconds)
        writer.endObject()
    }
}
