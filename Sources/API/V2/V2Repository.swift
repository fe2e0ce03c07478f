internal import HTTPMessages
internal import Serving

/// Triton's repository: listing, loading and unloading models.
struct V2Repository: Sendable {
    private let registry: ModelRegistry
    private let recorder: RequestRecorder
    private let finishing: ResponseFinishing

    init(_ context: Service.Context) {
        registry = context.registry
        recorder = context.recorder
        finishing = context.finishing
    }

    var routes: [Route] {
        [
            Route(
                .post, "/v2/repository/index",
                RouteDescription(
                    "All models with their states",
                    .optional(["type": "object", "properties": ["ready": ["type": "boolean"]]]),
                    response: .json(["type": "array", "items": ["type": "object", "required": ["name", "state"]]]))
            ) { exchange, _ throws(RequestError) in
                let wantsReady = try isReadyOnly(exchange.request)
                index(isReadyOnly: wantsReady, &exchange.response)
                return .responded
            },
            Route(
                .post, "/v2/repository/models/{name}/load", access: .admin,
                RouteDescription(
                    "Load the versions that a model's folder specifies", .optional(["type": "object"]),
                    response: .object())
            ) { exchange, parameters throws(RequestError) in
                try requireNoParameters(exchange.request)
                let name = try parameters[0].text()
                registry.load(name, asker: Self.asker(exchange)) { respond(exchange, $0) }
                return .later
            },
            Route(
                .post, "/v2/repository/models/{name}/unload", access: .admin,
                RouteDescription(
                    "Unload a model, until it is loaded again", .optional(["type": "object"]), response: .object())
            ) { exchange, parameters throws(RequestError) in
                try forEach(in: exchange.request) { _, _ in }
                let name = try parameters[0].text()
                registry.unload(name, asker: Self.asker(exchange)) { respond(exchange, $0) }
                return .later
            },
        ]
    }

    /// The client that sent the request, for the log: the routes are for administrators.
    private static func asker(_ exchange: HTTPExchange) -> String {
        exchange.clientAddress.map { "an administrator at \($0)" } ?? "an administrator"
    }

    /// Responds to a load or an unload, on the registry's thread.
    private func respond(_ exchange: HTTPExchange, _ result: Result<Int, RepositoryError>) {
        switch result {
        case .success:
            var writer = JSONWriter(exchange.response.body)
            writer.beginObject()
            writer.endObject()
        case .failure(let error):
            let status =
                switch error.kind {
                case .unknownModel: 404
                case .failed: 400
                case .refused, .timedOut: 503
                }
            RequestError(status, error.message).write(to: &exchange.response)
        }
        finishing.finish(exchange)
        recorder.record(exchange, nil)
        exchange.finish()
    }

    private func index(isReadyOnly: Bool, _ response: inout HTTPResponse) {
        var writer = JSONWriter(response.body)
        writer.beginList()
        for entry in registry.catalog.entries where !isReadyOnly || entry.state == .ready {
            writer.beginObject()
            writer.key("name")
            writer.string(entry.name)
            if let version = entry.version {
                writer.key("version")
                writer.string(String(version))
            }
            writer.key("state")
            writer.string(entry.state.rawValue)
            writer.key("reason")
            writer.string(entry.reason)
            writer.endObject()
        }
        writer.endList()
    }
}

// Bodies.
extension V2Repository {
    /// Whether an index request wants only models that are ready.
    private func isReadyOnly(_ request: HTTPRequest) throws(RequestError) -> Bool {
        var isReadyOnly = false
        try forEach(in: request) { key, value throws(RequestError) in
            if key.equals("ready") { isReadyOnly = try V2Request.truth(value, "\"ready\"") }
        }
        return isReadyOnly
    }

    /// Refuses files and a configuration in a request, because models are loaded from their folders.
    private func requireNoParameters(_ request: HTTPRequest) throws(RequestError) {
        try forEach(in: request) { key, value throws(RequestError) in
            guard key.equals("parameters"), value.kind != .null else { return }
            try V2Request.forEach(in: value, "\"parameters\"") { key, _ throws(RequestError) in
                throw .badRequest(
                    "parameter \"\(key.excerpt)\" is not supported: a model's folder specifies what is loaded")
            }
        }
    }

    /// Calls `body` with each key and value of the request's object, which is optional.
    private func forEach(
        in request: HTTPRequest, _ body: (JSONValue, JSONValue) throws(RequestError) -> Void
    ) throws(RequestError) {
        guard request.body.count > 0 else { return }
        let buffer = ResponseBuffer()
        let request = try finishing.compression.inflated(request, into: buffer)
        guard request.body.count > 0 else { return }
        try MediaType.requireJSON(request.headers[.contentType])
        guard let parser = JSONParser() else {
            throw RequestError(503, "not enough memory for the request: try again later")
        }
        try V2Request.forEach(in: try parser.parse(request.body), "the body", body)
        withExtendedLifetime((parser, buffer)) {}
    }
}
