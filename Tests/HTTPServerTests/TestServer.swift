import Glibc
import HTTPMessages
import HTTPServer
import Synchronization

/// Starts a server on a free port; its handler has a route for each thing to be tested.
func startServer(
    threads: Int = 2, _ configure: (inout HTTPServer.Configuration) -> Void = { _ in }
) throws(HTTPServerError) -> HTTPServer {
    var configuration = HTTPServer.Configuration()
    configuration.port = 0
    configuration.threads = threads
    configure(&configuration)
    return try HTTPServer(configuration) { exchange in
        TestRoutes.answer(exchange.request, &exchange.response)
        return .answered
    }
}

/// What the test server answers.
enum TestRoutes {
    /// How long `/slow` takes.
    static let slowMicroseconds: UInt32 = 100_000
    /// How much `/large` answers.
    static let largeBytes = 32 << 20

    static func answer(_ request: HTTPRequest, _ response: inout HTTPResponse) {
        switch String(decoding: request.path, as: UTF8.self) {
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
        case let path:
            response.status = 404
            response.body.append("\(request.method) \(path)")
        }
    }
}

/// Runs `body` on threads of its own, and waits for all of them.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    final class Job: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    let threads = (0..<count).map { index in
        var thread = pthread_t()
        // Safety: taken by the thread's first line.
        let job = Unmanaged.passRetained(Job { body(index) }).toOpaque()
        pthread_create(
            &thread, nil,
            { argument in
                argument.map { Unmanaged<Job>.fromOpaque($0).takeRetainedValue().body() }
                return nil
            }, job)
        return thread
    }
    for thread in threads { pthread_join(thread, nil) }
}

/// Waits until it is so, at most ten seconds.
func eventually(_ condition: () -> Bool) -> Bool {
    for _ in 0..<1000 {
        if condition() { return true }
        usleep(10_000)
    }
    return condition()
}
