import Glibc
import HTTPMessages
import HTTPServer
import Synchronization
import Threads

/// Starts a server on a free port. Its handler has a route for each test.
func startServer(
    threads: Int = 2, _ configure: (inout HTTPServer.Configuration) -> Void = { _ in }
) throws(HTTPServerError) -> HTTPServer {
    var configuration = HTTPServer.Configuration()
    configuration.port = 0
    configuration.threads = threads
    configure(&configuration)
    return try HTTPServer(configuration) { TestRoutes.respond($0) }
}

/// Exchanges that a test has deferred, and finishes later.
final class HeldExchanges: Sendable {
    private let exchanges = Mutex<[HTTPExchange]>([])
    /// Whether their deadline has passed from the start.
    let areLate: Bool

    init(areLate: Bool = false) { self.areLate = areLate }

    var count: Int { exchanges.withLock { $0.count } }

    func add(_ exchange: HTTPExchange) { exchanges.withLock { $0.append(exchange) } }

    /// The number of exchanges whose client has disconnected.
    var abandonedCount: Int { exchanges.withLock { $0.count { $0.abandonment.isRaised } } }

    /// Responds to all exchanges with their request bodies.
    func finishAll() {
        let held = exchanges.withLock { exchanges in
            defer { exchanges = [] }
            return exchanges
        }
        for exchange in held {
            exchange.response.body.append(exchange.request.body)
            exchange.finish()
        }
    }
}

/// Starts a server that defers the responses to `/held` until the test finishes them.
func startServer(
    holding held: HeldExchanges, threads: Int = 2, _ configure: (inout HTTPServer.Configuration) -> Void = { _ in }
) throws(HTTPServerError) -> HTTPServer {
    var configuration = HTTPServer.Configuration()
    configuration.port = 0
    configuration.threads = threads
    configure(&configuration)
    return try HTTPServer(configuration) { exchange in
        guard String(decoding: exchange.request.path, as: UTF8.self) == "/held" else {
            return TestRoutes.respond(exchange)
        }
        if held.areLate { exchange.respondBy = 0 }
        held.add(exchange)
        return .later
    }
}

/// The handler of the test server.
enum TestRoutes {
    /// The time that `/slow` takes.
    static let slowMicroseconds: UInt32 = 100_000
    /// The size of the response of `/large`.
    static let largeBytes = 32 << 20

    /// `/later/...` is answered on a separate thread. `/at-once/...` is deferred, and finished before the handler returns.
    static func respond(_ exchange: HTTPExchange) -> HTTPOutcome {
        let path = String(decoding: exchange.request.path, as: UTF8.self)
        if path.hasPrefix("/later/") {
            onThread {
                respond(String(path.dropFirst(6)), exchange.request, &exchange.response)
                exchange.finish()
            }
            return .later
        }
        let atOnce = path.hasPrefix("/at-once/")
        if path == "/measures" {
            exchange.response.body.append("\(exchange.bytesReceived) \(exchange.beganNanoseconds > 0)")
            return .responded
        }
        respond(atOnce ? String(path.dropFirst(8)) : path, exchange.request, &exchange.response)
        if atOnce { exchange.finish() }
        return atOnce ? .later : .responded
    }

    private static func respond(_ path: String, _ request: HTTPRequest, _ response: inout HTTPResponse) {
        switch path {
        case "/echo":
            if let contentType = request.headers[.contentType] { response.body.append(contentType) }
            response.body.append(request.body)
        case "/slow":
            usleep(slowMicroseconds)
            response.body.append(request.body)
        case "/thread":
            response.body.append("\(pthread_self())")
        case "/padding":
            let padded = UnsafeRawBufferPointer(
                start: request.body.baseAddress, count: request.body.count + HTTPRequest.bodyPadding)
            // The sum does not matter: the address sanitizer sees whether the bytes can be read.
            response.body.append(padded.reduce(into: UInt64(0)) { $0 &+= UInt64($1) } == .max ? "max" : "read")
        case "/allow":
            response.status = 405
            response.contentType = "text/plain"
            response.headers.append(("Allow", "GET, HEAD"))
        case "/large":
            guard let room = response.body.reserve(largeBytes) else { return }
            memset(room, Int32(UInt8(ascii: "x")), largeBytes)
            response.body.commit(largeBytes)
        default:
            response.status = 404
            response.body.append("\(request.method) \(path)")
        }
    }
}

/// Runs `body` on new threads, and waits for all of them.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    let threads = (0..<count).map { index in startThread { body(index) } }
    for thread in threads { pthread_join(thread, nil) }
}

/// Runs `body` on a new thread, and does not wait.
func onThread(_ body: @escaping @Sendable () -> Void) { pthread_detach(startThread(body)) }

private func startThread(_ body: @escaping @Sendable () -> Void) -> pthread_t {
    final class Job: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    // Safety: taken by the thread's first line.
    let job = Unmanaged.passRetained(Job(body)).toOpaque()
    pthread_create(
        &thread, nil,
        { argument in
            argument.map { Unmanaged<Job>.fromOpaque($0).takeRetainedValue().body() }
            return nil
        }, job)
    return thread
}

/// Waits until a condition holds, for a minute at most.
func eventually(_ condition: () -> Bool) -> Bool {
    for _ in 0..<6000 {
        if condition() { return true }
        usleep(10_000)
    }
    return condition()
}
