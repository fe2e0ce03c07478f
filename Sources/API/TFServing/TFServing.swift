internal import HTTPMessages
internal import Serving

/// The routes of TF Serving's REST protocol, with its statuses, and its texts where clients may read them.
///
/// Differences from TF Serving: A wrong method for a path gets 405 instead of 400. `GET /v1/models` lists the models, instead of 400. NaN and
/// infinities are read with and without quotes, and written in the form of `--nan`; TF Serving writes them bare, as `--nan token` does. The
/// list and the status also have the keys of KServe's first protocol, which shares the paths.
struct TFServing: Sendable {
    private let registry: ModelRegistry
    private let predict: InferenceRoute
    private let classify: InferenceRoute
    private let regress: InferenceRoute

    init(_ context: Service.Context) {
        registry = context.registry
        let checkJSON: InferenceRoute.CheckType = { headers throws(RequestError) in
            try MediaType.requireJSON(headers[.contentType])
        }
        predict = InferenceRoute(.tfServing, context) { headers throws(RequestError) in
            if !MediaType.isNPY(headers[.contentType]) { try checkJSON(headers) }
        } make: {
            TFServingTask($0, $1)
        }
        classify = InferenceRoute(.tfServing, context, checkType: checkJSON) { ExamplesTask(.classify, $0, $1) }
        regress = InferenceRoute(.tfServing, context, checkType: checkJSON) { ExamplesTask(.regress, $0, $1) }
    }

    var routes: [Route] {
        Self.paths.flatMap { path in
            [
                infer(
                    "predict", path, predict,
                    RouteDescription("Run a signature on rows or columns", .inference(.tfServing), response: .inference)
                ),
                infer(
                    "classify", path, classify,
                    RouteDescription("Classify examples", .inference(.classify), response: .inference)),
                infer(
                    "regress", path, regress,
                    RouteDescription("Compute a value for each example", .inference(.regress), response: .inference)),
                .immediate(
                    .get, path.pattern,
                    RouteDescription("The states of a model's versions", response: .object("model_version_status"))
                ) { parameters, response throws(RequestError) in
                    try status(path, parameters, &response)
                },
                .immediate(
                    .get, path.pattern + "/metadata",
                    RouteDescription("A model's signatures", response: .object("model_spec", "metadata"))
                ) { parameters, response throws(RequestError) in
                    try metadata(path, parameters, &response)
                },
            ]
        } + [
            .immediate(
                .get, "/v1/models",
                RouteDescription("The models, and the states of their versions", response: .object("models", "states"))
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
        // The last parameter must not contain a colon if another one follows.
        path.pattern.dropLast(2) + "}:" + verb
    }

    private func infer(_ verb: String, _ path: Path, _ route: InferenceRoute, _ description: RouteDescription) -> Route
    {
        Route(
            .post, Self.verb(verb, path), description,
            admission: { headers, parameters throws(RequestError) in
                try route.admit(headers, model: try model(parameters[0], try path.version(parameters)))
            }
        ) { exchange, parameters throws(RequestError) in
            let version = try path.version(parameters)
            let model = try model(parameters[0], version)
            do throws(RequestError) {
                return try route.respond(exchange, model: model, version: version)
            } catch {
                guard error.status == 404 else { throw error }
                var unknown = self.unknown(version, of: model)
                unknown.inference = error.inference
                throw unknown
            }
        }
    }

    private func model(_ name: PathParameter, _ version: VersionChoice) throws(RequestError) -> ServedModel {
        if let model = try find(name) { return model }
        let name = try name.text()
        // The text that clients look for, with more after it.
        throw Self.unknown(version, of: name, ModelLookup.alternatives(to: name, registry.catalog), isModel: true)
    }

    private func unknown(_ version: VersionChoice, of model: ServedModel) -> RequestError {
        Self.unknown(version, of: model.name, ModelLookup.alternatives(to: version, model.versions), isModel: false)
    }

    private func find(_ name: PathParameter) throws(RequestError) -> ServedModel? {
        let catalog = registry.catalog
        if let found = catalog.model(named: name.encoded) { return found }
        return catalog.model(named: try name.text())
    }

    /// - Parameters:
    ///   - version: The unknown version.
    ///   - model: The name of its model.
    ///   - alternatives: The existing versions or models.
    ///   - isModel: Whether the model is unknown.
    /// - Returns: The error in TensorFlow Serving's words, followed by the alternatives.
    private static func unknown(
        _ version: VersionChoice, of model: String, _ alternatives: String, isModel: Bool
    ) -> RequestError {
        switch version {
        case .any: RequestError(404, "Servable not found for request: Latest(\(model)); \(alternatives)")
        case .number(let number):
            RequestError(404, "Servable not found for request: Specific(\(model), \(number)); \(alternatives)")
        case .label(let label) where isModel:
            RequestError(
                404, "Servable not found for request: Label(\(model), \(label)); \(alternatives)")
        case .label(let label): .badRequest("Unrecognized servable version label: \(label); \(alternatives)")
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
            let name = try parameters[0].text()
            throw RequestError(
                404,
                "Could not find any versions of model \(name); \(ModelLookup.alternatives(to: name, registry.catalog))")
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
            guard let labelled = versions.labels[label] else { throw unknown(choice, of: model) }
            states = states.filter { $0.number == labelled.number }[...]
        }
        if case .number(let number) = choice, states.isEmpty {
            let known = versions.states.map { "\($0.number)" }.joined(separator: ", ")
            throw RequestError(404, "Could not find version \(number) of model \(model.name); there are \(known)")
        }
        var writer = JSONWriter(response.body)
        writer.beginObject()
        Self.write(states, &writer)
        writer.key("name")
        writer.string(model.name)
        writer.key("ready")
        writer.bool(states.contains { $0.phase == .available })
        writer.endObject()
    }

    /// The names of all models, as KServe's clients expect them, and the states of their versions.
    private func models(_ response: inout HTTPResponse) {
        let models = registry.catalog.models
        var writer = JSONWriter(response.body)
        writer.beginObject()
        writer.key("models")
        writer.beginList()
        for model in models { writer.string(model.name) }
        writer.endList()
        writer.key("states")
        writer.beginList()
        for model in models {
            writer.beginObject()
            writer.key("name")
            writer.string(model.name)
            Self.write(model.versions.states[...], &writer)
            writer.endObject()
        }
        writer.endList()
        writer.endObject()
    }

    /// Writes states, the newest first.
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
        guard let version = model.versions.version(choice) else { throw unknown(choice, of: model) }
        TFServingMetadata.write(model.name, version, to: &response)
    }
}
