public import HTTPMessages
package import Memory
package import Serving

/// The HTTP interface of the served models, from requests to responses. It does not use sockets.
public final class Service: Sendable {
    /// Options that are the same for all requests.
    public struct Options: Sendable {
        /// How NaN and infinities are written.
        public var nanPolicy = NaNPolicy.string
        /// The number of requests that are processed at once.
        public var threadCount = 4
        /// The time limit of a request in seconds, checked between the steps of its graph; nil for none. A request may set a lower limit.
        public var timeoutSeconds: Double? = 60
        /// The server's address in `GET /`; evaluated for each request, because it may be known late.
        public var address: @Sendable () -> ServerAddress = { ServerAddress(url: "localhost:8501") }
        /// The number of open connections, for `GET /metrics`; nil if there is no server.
        public var openConnections: @Sendable () -> Int? = { nil }
        /// The version in `GET /`.
        public var version = "dev"
        /// The log with a line for each request; nil for none.
        public var accessLog: AccessLog?
        /// The number of lost lines of the program's log.
        public var lostLogLines: @Sendable () -> Int = { 0 }
        /// The maximum size of a request's body, before and after decompression.
        public var maxBodyBytes = 64 << 20
        /// The account of the server's memory; nil for none.
        package var memory: MemoryAccount?
        /// The scheduler of requests; nil to make one.
        package var scheduler: Scheduler?
        /// The rules of access to the routes.
        public var access = AccessRules()
        /// The rules for web pages of other origins.
        public var cors = CORSRules(origins: [])
        /// The readiness, which changes when the server is stopping.
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
    ///   - registry: The served models. Their versions have ``attachment(for:)``.
    ///   - options: The options for all requests.
    package init(_ registry: ModelRegistry, options: Options = Options()) {
        recorder = RequestRecorder(options.accessLog)
        finishing = ResponseFinishing(options)
        cors = options.cors
        memory = options.memory
        let context = Context(
            registry: registry, options: options, scheduler: options.scheduler ?? Self.scheduler(options),
            recorder: recorder, finishing: finishing)
        let routes =
            Predict(context).routes + TFServing(context).routes + V2(context).routes
            + Describe(registry, options).routes + PlanDescription(registry).routes
            + Metrics(registry, options, recorder.responses).routes
        router = Router(routes: routes + OpenAPI(context, routes).routes, rules: options.access)
    }

    /// A scheduler for options.
    package static func scheduler(_ options: Options) -> Scheduler {
        var configuration = Scheduler.Configuration(executors: options.threadCount)
        configuration.memory = options.memory
        return Scheduler(configuration)
    }

    /// The data that the service keeps with a version of a model.
    package static func attachment(for model: Model) -> any AnyObject & Sendable { VersionCalls(model) }

    /// Checks a request before its body is received: route, method, token, media type, model. Safe to call from many threads at once.
    ///
    /// - Returns: Whether the body is wanted. If not, the exchange has the response.
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

    /// Completes a response that the server makes itself, and records it. Safe to call from many threads at once.
    public func noteRefusal(_ exchange: HTTPExchange) {
        finishing.finish(exchange)
        recorder.record(exchange, nil)
    }

    /// Handles a request, now or later. Safe to call from many threads at once.
    public func handle(_ exchange: HTTPExchange) -> HTTPOutcome {
        exchange.response.body.count(in: memory)
        var inference: RequestRecorder.Inference?
        do throws(RequestError) {
            if cors.isOn, exchange.request.method == .options, exchange.request.headers[.origin] != nil {
                cors.respondToPreflight(try router.methods(of: exchange.request.path, .options), exchange)
            } else if try router.respond(to: exchange) == .later {
                // The thread that responds later also records the request. The exchange may already be used for another request.
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
