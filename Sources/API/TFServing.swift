internal import HTTPMessages
internal import Serving

/// The routes of TF Serving's REST protocol, with its statuses and words where a client may look at them.
///
/// What differs: the wrong method for a path gives 405 (400 there); `GET /v1/models` lists the models (400 there); NaN and
/// infinities, which are read in quotes and without, are written as `--nan` says (bare there: `--nan token`).
struct TFServing: Sendable {
    private let registry: ModelRegistry
    private let route: InferenceRoute

    init(_ context: Service.Context) {
        registry = context.registry
        route = InferenceRoute(.tfServing, context) { TFServingTask($0, $1) }
    }

    var routes: [Route] {
        Self.paths.flatMap { path in
            [
                predict(path),
                .immediate(
                    .get, path.pattern,
                    Operation("The states of a model's versions", answer: .object("model_version_status"))
                ) { parameters, response throws(RequestError) in
                    try status(path, parameters, &response)
                },
                .immediate(
                    .get, path.pattern + "/metadata",
                    Operation("A model's signatures", answer: .object("model_spec", "metadata"))
                ) { parameters, response throws(RequestError) in
                    try metadata(path, parameters, &response)
                },
                Self.unserved("classify", path), Self.unserved("regress", path),
            ]
        } + [
            .immediate(
                .get, "/v1/models", Operation("The models with the states of their versions", answer: .object("models"))
            ) { _, response in models(&response) }
        ]
    }

    /// A model, or one of its versions.
    private struct Path {
        let pattern: String
        let version: @Sendable (PathParameters) throws(RequestError) -> VersionChoice
    }

    private static let paths = [
        Path(pattern: "/v1/models/{name:}") { _ throws(RequestError) in .any },
        Path(pattern: "/v1/models/{name:}/versions/{number:}") { parameters throws(RequestError) in
            let text = try parameters[1].text()
            guard let number = Int(text), number >= 0 else {
                throw .badRequest("Failed to convert version: \(text) to numeric.")
            }
            return .number(number)
        },
        Path(pattern: "/v1/models/{name:}/labels/{label:}") { parameters throws(RequestError) in
            .label(try parameters[1].text())
        },
    ]

    private static func verb(_ verb: String, _ path: Path) -> String {
        // The last parameter's colon would forbid one behind it.
        path.pattern.dropLast(2) + "}:" + verb
    }

    private func predict(_ path: Path) -> Route {
        Route(
            .post, Self.verb("predict", path),
            Operation("Run a signature on rows or columns", .inference(.tfServing), answer: .inference)
        ) { exchange, parameters throws(RequestError) in
            let version = try path.version(parameters)
            let model = try model(parameters[0], version)
            do throws(RequestError) {
                return try route.respond(exchange, model: model, version: version)
            } catch {
                guard error.status == 404 else { throw error }
                var unknown = Self.unknown(version, of: model.name)
                unknown.inference = error.inference
                throw unknown
            }
        }
    }

    private static func unserved(_ verb: String, _ path: Path) -> Route {
        Route(.post, Self.verb(verb, path)) { _, _ throws(RequestError) in
            throw RequestError(
                501, "\(verb) is not served, as it takes tf.Examples: use predict, with a signature that has tensors")
        }
    }

    private func model(_ name: PathParameter, _ version: VersionChoice) throws(RequestError) -> ServedModel {
        if let model = try find(name) { return model }
        throw Self.unknown(version, of: try name.text())
    }

    private func find(_ name: PathParameter) throws(RequestError) -> ServedModel? {
        let catalog = registry.catalog
        if let found = catalog.model(named: name.encoded) { return found }
        return catalog.model(named: try name.text())
    }

    private static func unknown(_ version: VersionChoice, of model: String) -> RequestError {
        switch version {
        case .any: RequestError(404, "Servable not found for request: Latest(\(model))")
        case .number(let number): RequestError(404, "Servable not found for request: Specific(\(model), \(number))")
        case .label(let label): .badRequest("Unrecognized servable version label: \(label)")
        }
    }
}

// What is served.
extension TFServing {
    /// The states of all versions, or of one.
    private func status(
        _ path: Path, _ parameters: PathParameters, _ response: inout HTTPResponse
    ) throws(RequestError) {
        let choice = try path.version(parameters)
        guard let model = try find(parameters[0]) else {
            throw RequestError(404, "Could not find any versions of model \(try parameters[0].text())")
        }
        let versions = model.versions
        var states = versions.states[...]
        switch choice {
        case .any:
            guard !states.isEmpty else {
                throw RequestError(404, "Could not find any versions of model \(model.name)")
            }
        case .number(let number): states = states.filter { $0.number == number }[...]
        case .label(let label):
            guard let labelled = versions.labels[label] else { throw Self.unknown(choice, of: model.name) }
            states = states.filter { $0.number == labelled.number }[...]
        }
        if case .number(let number) = choice, states.isEmpty {
            throw RequestError(404, "Could not find version \(number) of model \(model.name)")
        }
        var writer = JSONWriter(response.body)
        writer.beginObject()
        Self.write(states, &writer)
        writer.endObject()
    }

    /// All models with the states of their versions.
    private func models(_ response: inout HTTPResponse) {
        var writer = JSONWriter(response.body)
        writer.beginObject()
        writer.key("models")
        writer.beginList()
        for model in registry.catalog.models {
            writer.beginObject()
            writer.key("name")
            writer.string(model.name)
            Self.write(model.versions.states[...], &writer)
            writer.endObject()
        }
        writer.endList()
        writer.endObject()
    }

    /// The newest first.
    private static func write(_ states: ArraySlice<VersionState>, _ writer: inout JSONWriter) {
        writer.key("model_version_status")
        writer.beginList()
        for state in states.sorted(by: { $0.number > $1.number }) {
            writer.beginObject()
            writer.key("version")
            writer.string("\(state.number)")
            writer.key("state")
            writer.string(state.phase.rawValue)
            writer.key("status")
            writer.beginObject()
            writer.key("error_code")
            writer.string(state.error.isEmpty ? "OK" : "UNKNOWN")
            writer.key("error_message")
            writer.string(state.error)
            writer.endObject()
            writer.endObject()
        }
        writer.endList()
    }

    /// The signatures.
    private func metadata(
        _ path: Path, _ parameters: PathParameters, _ response: inout HTTPResponse
    ) throws(RequestError) {
        let choice = try path.version(parameters)
        let model = try model(parameters[0], choice)
        guard let version = model.versions.version(choice) else { throw Self.unknown(choice, of: model.name) }
        TFServingMetadata.write(model.name, version, to: &response)
    }
}
