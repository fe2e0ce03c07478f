internal import HTTPMessages
internal import Serving

/// The routes of the Open Inference Protocol, version 2, with Triton's extensions: binary tensors, classification, model
/// configuration, statistics, repository.
struct V2: Sendable {
    private let registry: ModelRegistry
    private let infer: InferenceRoute
    private let describe: V2Describe
    private let repository: V2Repository

    init(_ context: Service.Context) {
        registry = context.registry
        infer = InferenceRoute(.openInference, context) { headers throws(RequestError) in
            // With binary tensors, clients send any media type.
            if headers[.inferenceHeaderContentLength] == nil { try MediaType.requireJSON(headers[.contentType]) }
        } make: {
            V2Task($0, $1)
        }
        describe = V2Describe(context)
        repository = V2Repository(context)
    }

    /// The extensions of the protocol that the server supports.
    static let extensions = [
        "binary_tensor_data", "classification", "model_configuration", "model_repository", "statistics",
    ]

    private static let inference = RouteDescription(
        "Run inference, with tensors as JSON or as bytes after the JSON", .inference(.openInference),
        response: .inference
    )
    private static let statistics = RouteDescription("Request counts and durations", response: .object("model_stats"))

    var routes: [Route] {
        [
            Route(
                .post, "/v2/models/{name}/infer", Self.inference,
                admission: { headers, parameters throws(RequestError) in
                    try infer.admit(headers, model: try ModelLookup.model(parameters[0], in: registry.catalog))
                }
            ) { exchange, parameters throws(RequestError) in
                let model = try ModelLookup.model(parameters[0], in: registry.catalog)
                return try infer.respond(exchange, model: model, version: .any)
            },
            Route(
                .post, "/v2/models/{name}/versions/{number}/infer", Self.inference,
                admission: { headers, parameters throws(RequestError) in
                    let model = try ModelLookup.model(parameters[0], in: registry.catalog)
                    _ = try ModelLookup.version(parameters[1])
                    try infer.admit(headers, model: model)
                }
            ) { exchange, parameters throws(RequestError) in
                let model = try ModelLookup.model(parameters[0], in: registry.catalog)
                return try infer.respond(exchange, model: model, version: try ModelLookup.version(parameters[1]))
            },
            .immediate(
                .get, "/v2",
                RouteDescription("The server and its extensions", response: .object("name", "version", "extensions"))
            ) { _, response in describe.server(&response) },
            // This route precedes those with models' names. Requests to a model with the name "stats" must contain its version.
            .immediate(.get, "/v2/models/stats", Self.statistics) { _, response in
                V2Statistics.write(registry.catalog.models, &response)
            },
            .immediate(.get, "/v2/models/{name}/stats", Self.statistics) { parameters, response throws(RequestError) in
                V2Statistics.write([try ModelLookup.model(parameters[0], in: registry.catalog)], &response)
            },
            .immediate(.get, "/v2/models/{name}/versions/{number}/stats", Self.statistics) {
                parameters, response throws(RequestError) in
                let (model, version) = try version(parameters)
                V2Statistics.write([model], only: version, &response)
            },
        ]
            + ofVersion(
                "",
                RouteDescription(
                    "A model's inputs and outputs", response: .object("name", "platform", "inputs", "outputs"))
            ) {
                describe.model($0, $1, &$2)
            }
            + ofVersion(
                "/ready", RouteDescription("Whether a model can serve requests", response: .object("name", "ready"))
            ) {
                describe.ready($0, $1, &$2)
            }
            + ofVersion(
                "/config",
                RouteDescription(
                    "A model's configuration, for Triton's clients", response: .object("name", "max_batch_size"))
            ) { describe.configuration($0, $1, &$2) }
            + repository.routes
    }

    /// The routes of a resource of a model's current version, and of a given version.
    private func ofVersion(
        _ suffix: String, _ description: RouteDescription,
        _ write: @escaping @Sendable (ServedModel, ModelVersion, inout HTTPResponse) -> Void
    ) -> [Route] {
        [
            .immediate(.get, "/v2/models/{name}\(suffix)", description) { parameters, response throws(RequestError) in
                let model = try ModelLookup.model(parameters[0], in: registry.catalog)
                write(model, try ModelLookup.version(.any, of: model), &response)
            },
            .immediate(.get, "/v2/models/{name}/versions/{number}\(suffix)", description) {
                parameters, response throws(RequestError) in
                let (model, version) = try version(parameters)
                write(model, version, &response)
            },
        ]
    }

    private func version(_ parameters: PathParameters) throws(RequestError) -> (ServedModel, ModelVersion) {
        let model = try ModelLookup.model(parameters[0], in: registry.catalog)
        return (model, try ModelLookup.version(try ModelLookup.version(parameters[1]), of: model))
    }
}
