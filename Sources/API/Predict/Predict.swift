internal import HTTPMessages
internal import Serving

/// The routes of metaserve's own protocol.
final class Predict: Sendable {
    private let registry: ModelRegistry
    private let route: InferenceRoute

    init(_ context: Service.Context) {
        registry = context.registry
        route = InferenceRoute(.predict, context) { headers throws(RequestError) in
            let type = headers[.contentType]
            guard !MediaType.isNPY(type), !MediaType.isFile(type), !MediaType.isForm(type) else { return }
            try MediaType.requireJSON(type)
        } make: { [registry] in
            PredictTask($0, $1, registry)
        }
    }

    private static let summary = "Run the graph: feeds and fetches by a signature's keys or by the names of tensors"

    var routes: [Route] {
        [
            Route(
                .post, "/predict", RouteDescription(Self.summary, .inferenceOfAny, response: .inference),
                admission: { [self] headers, _ throws(RequestError) in try route.admit(headers, model: nil) }
            ) { [self] exchange, _ throws(RequestError) in try respond(exchange) },
            Route(
                .post, "/models/{name}/predict",
                RouteDescription(Self.summary, .inference(.predict), response: .inference),
                admission: { [self] headers, parameters throws(RequestError) in
                    try route.admit(headers, model: try ModelLookup.model(parameters[0], in: registry.catalog))
                }
            ) { [self] exchange, parameters throws(RequestError) in
                let model = try ModelLookup.model(parameters[0], in: registry.catalog)
                return try route.respond(exchange, model: model, version: .any)
            },
            Route(
                .post, "/models/{name}/versions/{number}/predict",
                RouteDescription(Self.summary, .inference(.predict), response: .inference),
                admission: { [self] headers, parameters throws(RequestError) in
                    let model = try ModelLookup.model(parameters[0], in: registry.catalog)
                    _ = try ModelLookup.version(parameters[1])
                    try route.admit(headers, model: model)
                }
            ) { [self] exchange, parameters throws(RequestError) in
                let model = try ModelLookup.model(parameters[0], in: registry.catalog)
                return try route.respond(exchange, model: model, version: try ModelLookup.version(parameters[1]))
            },
        ]
    }

    /// The model is the one that the body names, the only one, or the default.
    private func respond(_ exchange: HTTPExchange) throws(RequestError) -> HTTPOutcome {
        let task = try route.task()
        if let model = registry.onlyModel, let task = task as? PredictTask {
            // The thread that runs the request parses it, and checks the name.
            task.isModelInBody = true
            return try route.submit(task, exchange, model: model, version: .any)
        }
        let model = try model(of: task, exchange, registry.catalog)
        return try route.submit(task, exchange, model: model, version: .any)
    }

    private func model(
        of task: RequestTask, _ exchange: HTTPExchange, _ catalog: Catalog
    ) throws(RequestError) -> ServedModel {
        guard let task = task as? PredictTask else { throw RequestError(500, "not a predict request") }
        do throws(RequestError) {
            try task.inflate(exchange)
            if let name = try task.modelName(in: exchange.request) {
                if let named = catalog.models.first(where: { name.equals($0.nameBytes) }) { return named }
                throw ModelLookup.unknownModel(name.excerpt, catalog)
            }
            if let model = catalog.defaultModel { return model }
            throw .badRequest(
                "several models are served: name one of \(ModelLookup.names(catalog)) in \"model\", or post to "
                    + "/models/NAME/predict")
        } catch {
            route.keep(task)
            throw error
        }
    }
}
