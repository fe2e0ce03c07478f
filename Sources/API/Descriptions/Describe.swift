internal import Execution
internal import HTTPMessages
internal import Serving
internal import Tensors

/// The responses that describe the served models.
struct Describe: Sendable {
    private let registry: ModelRegistry
    private let options: Service.Options

    init(_ registry: ModelRegistry, _ options: Service.Options) {
        self.registry = registry
        self.options = options
    }

    var routes: [Route] {
        [
            Route(
                .get, "/",
                RouteDescription(
                    "The served models, and an example request", response: .object("name", "version", "models"))
            ) { exchange, _ in
                if MediaType.prefersText(exchange.request.headers) {
                    Overview(catalog: registry.catalog, options: options, line: line()).write(to: &exchange.response)
                } else {
                    server(&exchange.response)
                }
                return .responded
            },
            .immediate(.get, "/models", RouteDescription("The models", response: .object("models", "default"))) {
                _, response in
                models(&response)
            },
            .immediate(
                .get, "/models/{name}",
                RouteDescription("A model's inputs, outputs and variables", response: .object("name"))
            ) { parameters, response throws(RequestError) in
                model(try ModelLookup.model(parameters[0], in: registry.catalog), &response)
            },
            .immediate(
                .get, "/v2/health/live", access: .open,
                RouteDescription("Whether the server is alive", response: .empty)
            ) { _, _ in },
            .immediate(
                .get, "/v2/health/ready", access: .open,
                RouteDescription("Whether all models can serve requests", response: .empty)
            ) { _, _ throws(RequestError) in try ready() },
        ] + health
    }

    /// The health paths that load balancers and process managers use.
    private var health: [Route] {
        ["/health", "/healthz", "/livez"].map { path in
            .immediate(
                .get, path, access: .open, RouteDescription("Whether the server is alive", response: .object("status"))
            ) { _, response in writeHealth(&response) }
        } + [
            .immediate(
                .get, "/readyz", access: .open,
                RouteDescription("Whether all models can serve requests", response: .object("status"))
            ) { _, response throws(RequestError) in
                try ready()
                writeHealth(&response)
            }
        ]
    }

    private func writeHealth(_ response: inout HTTPResponse) {
        var writer = JSONWriter(response.body)
        writer.object { writer in
            writer.key("status")
            writer.string("ok")
        }
    }

    /// `GET /`: name, version, models, and a line to copy.
    func server(_ response: inout HTTPResponse) {
        var writer = JSONWriter(response.body)
        writer.beginObject()
        Self.writeServer(options, &writer)
        writer.key("models")
        writer.beginList()
        let catalog = registry.catalog
        for model in catalog.models { writer.string(model.name) }
        writer.endList()
        if let line = line() {
            writer.key("try")
            writer.string(line)
        }
        writer.endObject()
    }

    /// A shell command that sends a request to a model; nil if no model has an example.
    private func line() -> String? {
        let catalog = registry.catalog
        let candidates = [catalog.defaultModel].compactMap(\.self) + catalog.models
        let models = candidates.lazy.compactMap(\.versions.current?.model)
        let needsToken = options.access.needsToken(.inference)
        return models.compactMap { Example($0).commandLine(options.address(), needsToken: needsToken) }.first
    }

    /// The server's name and version.
    static func writeServer(_ options: Service.Options, _ writer: inout JSONWriter) {
        writer.key("name")
        writer.string("metaserve")
        writer.key("version")
        writer.string(options.version)
    }

    /// `GET /models`.
    func models(_ response: inout HTTPResponse) {
        var writer = JSONWriter(response.body)
        writer.beginObject()
        writer.key("models")
        writer.beginList()
        let catalog = registry.catalog
        for model in catalog.models {
            writer.beginObject()
            writer.key("name")
            writer.string(model.name)
            let versions = model.versions
            writeCondition(of: versions, &writer)
            if let version = versions.current { writeHead(version.model, &writer) }
            writer.endObject()
        }
        writer.endList()
        writer.key("default")
        if let model = catalog.defaultModel { writer.string(model.name) } else { writer.null() }
        writer.endObject()
    }

    /// `GET /models/NAME`.
    func model(_ served: ServedModel, _ response: inout HTTPResponse) {
        var writer = JSONWriter(response.body)
        writer.beginObject()
        writer.key("name")
        writer.string(served.name)
        let versions = served.versions
        writeCondition(of: versions, &writer)
        if let version = versions.current { write(version, &writer) }
        write(versions, &writer)
        writer.endObject()
    }

    private func write(_ version: ModelVersion, _ writer: inout JSONWriter) {
        let model = version.model
        writeHead(model, &writer)
        writer.key("load_ms")
        writer.number(version.loadMilliseconds)
        write(model.inputs, "inputs", &writer)
        write(model.outputs, "outputs", &writer)
        writeSignatures(of: model, &writer)
        write(model.weightMemory, &writer)
        writer.key("variables_mode")
        writer.string(model.variablesMode.rawValue)
        writer.key("variables_reason")
        writer.string(model.variablesReason)
        writer.key("precision")
        writer.string(model.precision.rawValue)
        writer.key("variables")
        writer.beginList()
        for variable in model.variables {
            writer.beginObject()
            writeTensor(variable.name, variable.dtype, PartialShape(variable.shape), &writer)
            writer.key("bytes")
            writer.integer(variable.byteCount)
            writer.endObject()
        }
        writer.endList()
    }

    private func write(_ weights: WeightMemory, _ writer: inout JSONWriter) {
        writer.key("weight_memory")
        writer.object { writer in
            for part in WeightMemory.Part.allCases {
                writer.key("\(part.rawValue)_bytes")
                writer.integer(weights[part])
            }
        }
    }

    /// `GET /v2/health/ready`: true from the time when every path has a model until the server is stopping.
    private func ready() throws(RequestError) {
        guard !options.readiness.isDraining else { throw RequestError(503, "the server is stopping") }
        guard registry.isReady else { throw RequestError(503, "not all models are loaded yet: see /models") }
    }

    private func writeHead(_ model: Model, _ writer: inout JSONWriter) {
        writer.key("step")
        if let step = model.step { writer.integer(step) } else { writer.null() }
        writer.key("prefix")
        writer.string(model.prefix)
        writer.key("format")
        writer.string(model.format)
        writer.key("version")
        if let version = model.version { writer.integer(version) } else { writer.null() }
    }

    /// The signatures, and the one that `inputs` and `outputs` belong to; nothing for a model without signatures.
    private func writeSignatures(of model: Model, _ writer: inout JSONWriter) {
        guard let usual = model.defaultSignature else { return }
        writer.key("signature")
        writer.string(usual.name)
        writer.key("signatures")
        writer.beginList()
        for signature in model.signatures.values.sorted(by: { $0.name < $1.name }) {
            writer.beginObject()
            writer.key("name")
            writer.string(signature.name)
            writer.key("method_name")
            writer.string(signature.methodName)
            write(signature.inputs, "inputs", &writer)
            write(signature.outputs, "outputs", &writer)
            writer.endObject()
        }
        writer.endList()
    }

    private func write(_ tensors: [TensorDescription], _ key: String, _ writer: inout JSONWriter) {
        writer.key(key)
        writer.beginList()
        for tensor in tensors {
            writer.beginObject()
            writeTensor(tensor.name, in: tensor.tensor, tensor.dtype, tensor.shape, &writer)
            writer.key("source")
            writer.string(tensor.isGuessed ? "guessed" : "signature")
            if let value = tensor.defaultValue { write(default: value, &writer) }
            if let note = tensor.note {
                writer.key("note")
                writer.string(note)
            }
            writer.endObject()
        }
        writer.endList()
    }

    private static let maxDefaultElements = 64

    /// The default value of an input. A large one is left out.
    private func write(default tensor: Tensor, _ writer: inout JSONWriter) {
        guard tensor.shape.elementCount <= Self.maxDefaultElements else { return }
        tensor.shape.dimensions.withUnsafeBufferPointer { dimensions in
            tensor.withUnsafeBytes { bytes in
                guard let elements = bytes.baseAddress else { return }
                // Safety: the view lives in the scope of both buffers.
                let view = TensorView(dtype: tensor.dtype, dimensions: dimensions, elements: elements)
                var outputWriter = OutputWriter(writer, policy: .string)
                guard (try? outputWriter.write(view, key: Array("\"default\"".utf8))) != nil else { return }
                writer = outputWriter.rest
            }
        }
    }

    /// Writes a tensor. Unknown dimensions, and an unknown shape, are null.
    ///
    /// - Parameters:
    ///   - name: The tensor's name in requests.
    ///   - tensor: The tensor's name in the graph, if it differs.
    ///   - dtype: The element type.
    ///   - shape: The shape.
    ///   - writer: The writer.
    private func writeTensor(
        _ name: String, in tensor: String? = nil, _ dtype: DataType?, _ shape: PartialShape, _ writer: inout JSONWriter
    ) {
        writer.key("name")
        writer.string(name)
        if let tensor, tensor != name {
            writer.key("tensor")
            writer.string(tensor)
        }
        writer.key("dtype")
        if let dtype { writer.string(dtype.name) } else { writer.null() }
        writer.key("shape")
        guard let dimensions = shape.dimensions else { return writer.null() }
        writer.beginList()
        for size in dimensions { if size < 0 { writer.null() } else { writer.integer(size) } }
        writer.endList()
    }
}
