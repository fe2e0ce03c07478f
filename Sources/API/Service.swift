public import HTTPMessages
package import Serving

/// The HTTP interface of the served models: requests in, answers out. Knows no socket.
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
    ///   - registry: What is served; its versions have ``attachment(for:)``.
    ///   - options: What is the same for all requests.
    package init(_ registry: ModelRegistry, options: Options = Options()) {
        let scheduler = Scheduler()
        let describe = Describe(registry, options)
        router = Router(routes: Predict(registry, scheduler, options).routes + describe.routes)
    }

    /// What this service keeps with a version of a model.
    package static func attachment(for model: Model) -> any AnyObject & Sendable { VersionCalls(model) }

    /// Answers a request, now or later. Safe to call from many threads at once.
    public func handle(_ exchange: HTTPExchange) -> HTTPOutcome {
        do throws(RequestError) { return try router.respond(to: exchange) } catch {
            error.write(to: &exchange.response)
            return .answered
        }
    }
}
