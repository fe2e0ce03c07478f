internal import HTTPMessages
internal import Serving
internal import Tensors

/// The responses of the Open Inference Protocol that describe the served models.
struct V2Describe: Sendable {
    private let options: Service.Options

    init(_ context: Service.Context) { options = context.options }

    /// `GET /v2`.
    func server(_ response: inout HTTPResponse) {
        var writer = JSONWriter(response.body)
        writer.beginObject()
        Describe.writeServer(options, &writer)
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
        Self.write(interface.inputs, "inputs", &writer) { Self.write($0, $0.inputDimensions, &$1) }
        Self.write(interface.outputs, "outputs", &writer) { Self.write($0, $0.dimensions, &$1) }
        writer.endObject()
    }

    /// `GET /v2/models/NAME/ready`: a loaded version is ready.
    func ready(_ served: ServedModel, _ version: ModelVersion, _ response: inout HTTPResponse) {
        var writer = JSONWriter(response.body)
        writer.beginObject()
        writer.key("name")
        writer.string(served.name)
        writer.key("ready")
        writer.bool(true)
        writer.endObject()
    }

    /// `GET /v2/models/NAME/config`: the parts of a model's configuration that Triton's clients read.
    func configuration(_ served: ServedModel, _ version: ModelVersion, _ response: inout HTTPResponse) {
        let interface = V2Interface(version.model)
        // The batch dimension is not listed there.
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
        // Only the body limits a request's rows. This is the number of requests with one row that are run together.
        writer.integer(interface.isBatchMajor ? served.queue.limits.batch : 0)
        Self.write(interface.inputs, "input", &writer) { tensor, writer in
            Self.writeConfiguration(tensor, tensor.inputDimensions.dropFirst(hidden), &writer)
            writer.key("optional")
            writer.bool(tensor.isOptional)
        }
        Self.write(interface.outputs, "output", &writer) { tensor, writer in
            Self.writeConfiguration(tensor, tensor.dimensions.dropFirst(hidden), &writer)
        }
        writer.endObject()
    }

    private static func platform(of model: Model) -> String {
        model.format.hasSuffix("SavedModel") ? "tensorflow_savedmodel" : "tensorflow_graphdef"
    }

    /// Writes a list of tensors. `describe` writes all but the names.
    private static func write(
        _ tensors: [V2Interface.Tensor], _ key: String, _ writer: inout JSONWriter,
        _ describe: (V2Interface.Tensor, inout JSONWriter) -> Void
    ) {
        writer.key(key)
        writer.beginList()
        for tensor in tensors {
            writer.beginObject()
            writer.key("name")
            writer.string(tensor.name)
            describe(tensor, &writer)
            writer.endObject()
        }
        writer.endList()
    }

    private static func write(_ tensor: V2Interface.Tensor, _ dimensions: [Int], _ writer: inout JSONWriter) {
        writer.key("datatype")
        writer.string(V2Datatype.name(of: tensor.dtype) ?? "")
        write(dimensions[...], "shape", &writer)
    }

    private static func writeConfiguration(
        _ tensor: V2Interface.Tensor, _ dimensions: ArraySlice<Int>, _ writer: inout JSONWriter
    ) {
        writer.key("data_type")
        writer.string(V2Datatype.configurationName(of: tensor.dtype) ?? "")
        write(dimensions, "dims", &writer)
    }

    private static func write(_ dimensions: ArraySlice<Int>, _ key: String, _ writer: inout JSONWriter) {
        writer.key(key)
        writer.beginList()
        for size in dimensions { writer.integer(size) }
        writer.endList()
    }
}
