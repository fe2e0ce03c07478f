public import HTTPMessages
internal import Operations
public import Serving
internal import Tensors

/// The HTTP interface of a set of models: requests in, answers out. Knows no socket.
public final class Service: Sendable {
    /// What is the same for all requests.
    public struct Options: Sendable {
        /// How NaN and infinities are written.
        public var nanPolicy = NaNPolicy.string
        /// How many requests are answered at once.
        public var threadCount = 4
        /// The seconds after which a loop in a request's graph is ended; nil for none.
        public var timeoutSeconds: Double? = 60
        /// What `GET /` shows as the server's address.
        public var address = "localhost:8501"
        /// What `GET /` shows as the version.
        public var version = "dev"

        /// The defaults.
        public init() {}
    }

    private let router: Router

    /// - Parameters:
    ///   - models: What is served.
    ///   - options: What is the same for all requests.
    public init(_ models: ModelSet, options: Options = Options()) {
        let predict = Predict(models, options)
        let describe = Describe(models, options)
        router = Router(routes: [
            Route(.post, "/predict") { request, _, response throws(RequestError) in
                try predict.respond(to: request, model: nil, &response)
            },
            Route(.post, "/models/{name}/predict") { request, parameters, response throws(RequestError) in
                try predict.respond(to: request, model: parameters[0], &response)
            },
            Route(.get, "/") { _, _, response in describe.server(&response) },
            Route(.get, "/models") { _, _, response in describe.models(&response) },
            Route(.get, "/models/{name}") { _, parameters, response throws(RequestError) in
                try describe.model(try parameters[0].text(), &response)
            },
            Route(.get, "/v2/health/live") { _, _, response in describe.health(&response) },
            Route(.get, "/v2/health/ready") { _, _, response in describe.health(&response) },
        ])
    }

    /// Answers a request. Safe to call from many threads at once.
    public func respond(to request: HTTPRequest, _ response: inout HTTPResponse) {
        do throws(RequestError) { try router.respond(to: request, &response) } catch { error.write(to: &response) }
    }
}
