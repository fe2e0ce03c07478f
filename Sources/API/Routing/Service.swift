public import HTTPMessages
package import Memory
package import Serving

/// The HTTP interface of the served models: requests in, responses out. Knows no socket.
public final class Service: Sendable {
    /// Options that are the same for all requests.
    public struct Options: Sendable {
        /// How NaN and infinities are written.
        public var nanPolicy = NaNPolicy.string
        /// How many requests are answered at once.
        public var threadCount = 4
        /// The seconds after which a request is ended, between two steps of its graph; nil for none. A request may ask for less.
        public var timeoutSeconds: Double? = 60
        /// The server's address in `GET /`; evaluated for each request, because it may be known late.
        public var address: @Sendable () -> ServerAddress = { ServerAddress(url: "localhost:8501") }
        /// How many connections are open, for `GET /metrics`; nil where there is no server to ask.
        public var openConnections: @Sendable () -> Int? = { nil }
        /// The version in `GET /`.
        public var version = "dev"
        /// Where a line is written for each request; nil for nowhere.
        public var accessLog: AccessLog?
        /// How many lines of the program's own log nobody took.
        public var lostLogLines: @Sendable () -> Int = { 0 }
        /// The largest body of a request, also when it was compressed.
        public var maxBodyBytes = 64 << 20
        /// The account of the server's memory; nil for none.
        package var memory: MemoryAccount?
        /// The rules of access to the routes.
        public var access = AccessRules()
        /// Which web pages may ask.
        public var cors = CORSRules(origins: [])
        /// Told when the server is stopping.
        public var readiness = Readiness()

        /// The defaults.
        public init() {}
    }

    /// The state that the routes share.
    struct Context: Sendable {
        let registry: ModelRegistry
        let options: Options
        let scheduler: Scheduler
        let recorder: RequestRecorder
        let finishing: ResponseFinishing
    }

    private let router: Router
    private let recorder: RequestRecorder
    private let cors: CORSRules
    private let finishing: ResponseFinishing
    private let memory: MemoryAccount?

    /// - Parameters:
    ///   - registry: What is served; its versions have ``attachment(for:)``.
    ///   - options: What is the same for all requests.
    package init(_ registry: ModelRegistry, options: Options = Options()) {
        recorder = RequestRecorder(options.accessLog)
        finishing = ResponseFinishing(options)
        cors = options.cors
        memory = options.memory
        var scheduling = Scheduler.Configuration(executors: options.threadCount)
        scheduling.memory = options.memory
        let context = Context(
            registry: registry, options: options,
            scheduler: Scheduler(scheduling), recorder: recorder,
            finishing: finishing)
        let routes =
            Predict(context).routes + TFServing(context).routes + V2(context).routes
            + Describe(registry, options).routes + PlanDescription(registry).routes
            + Metrics(registry, options, recorder.responses).routes
        router = Router(routes: routes + OpenAPI(context, routes).routes, rules: options.access)
    }

    /// The data that the service keeps with a version of a model.
    package static func attachment(for model: Model) -> any AnyObject & Sendable { VersionCalls(model) }

    /// Looks at a request whose headers have come and whose body has not: route, method, token, media type, model. Safe to call
    /// from many threads at once.
    ///
    /// - Returns: Whether the body is wanted; if not, the exchange has the response.
    public func admit(_ exchange: HTTPExchange) -> Bool {
        if cors.isOn, exchange.request.method == .options { return true }
        do throws(RequestError) {
            try router.admit(exchange)
            return true
        } catch {
            error.write(to: &exchange.response)
            finishing.finish(exchange)
            recorder.record(exchange, error.inference)
            return false
        }
    }

    /// Completes a response that the server gives by itself, and notes it. Safe to call from many threads at once.
    public func noteRefusal(_ exchange: HTTPExchange) {
        finishing.finish(exchange)
        recorder.record(exchange, nil)
    }

    /// Answers a request, now or later. Safe to call from many threads at once.
    public func handle(_ exchange: HTTPExchange) -> HTTPOutcome {
        exchange.response.body.count(in: memory)
        var inference: RequestRecorder.Inference?
        do throws(RequestError) {
            if cors.isOn, exchange.request.method == .options, exchange.request.headers[.origin] != nil {
                cors.respondToPreflight(try router.methods(of: exchange.request.path, .options), exchange)
            } else if try router.respond(to: exchange) == .later {
                // Who answers later records it, and by now the exchange may be another request's.
                return .later
            }
        } catch {
            error.write(to: &exchange.response)
            inference = error.inference
        }
        if !exchange.isRecorded {
            finishing.finish(exchange)
            recorder.record(exchange, inference)
        }
        return .responded
    }
}
