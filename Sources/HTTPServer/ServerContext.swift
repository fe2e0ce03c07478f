internal import CMicrohttpd
internal import Glibc
internal import HTTPMessages
internal import LockFree
internal import Synchronization

/// What the library's callbacks work with.
final class ServerContext: Sendable {
    let connections = Connections()
    /// Requests between their headers and the end of their answer.
    let activeCount = Atomic<Int>(0)
    let isStopping = Atomic<Bool>(false)
    private let handler: HTTPServer.Handler
    private let maxBodyBytes: Int
    private let idleTimeoutSeconds: Int
    private let pool = ObjectPool<Exchange>(count: 64)

    /// A body must come at least this fast, after the idle timeout's grace.
    private static let slowestBytesPerSecond = 1024

    init(_ configuration: HTTPServer.Configuration, _ handler: @escaping HTTPServer.Handler) {
        self.handler = handler
        maxBodyBytes = configuration.maxBodyBytes
        idleTimeoutSeconds = configuration.idleTimeoutSeconds
    }

    /// As many connections as are wanted and as file descriptors allow; raises the process's soft limit for it.
    static func connectionLimit(_ wanted: Int) -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return wanted }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        // Some descriptors are the process's own: files, epoll, the listener.
        return max(16, min(wanted, Int(clamping: limit.rlim_cur) - 64))
    }

    /// The first call for a request: its headers are complete.
    func begin(_ connection: OpaquePointer, _ slot: UnsafeMutablePointer<UnsafeMutableRawPointer?>) -> MHD_Result {
        activeCount.add(1, ordering: .relaxed)
        self.connection(of: connection)?._withUnsafeGuaranteedRef { $0.requestBegan() }
        // The reference is given back in complete(_:_:).
        let exchange = pool.take() ?? Exchange()
        slot.pointee = Unmanaged.passRetained(exchange).toOpaque()
        exchange.startSeconds = Connections.nowSeconds()
        guard let announced = announcedLength(connection), announced > maxBodyBytes else { return .YES }
        return refuseBody(connection, exchange)
    }

    private func announcedLength(_ connection: OpaquePointer) -> Int? {
        guard let text = MHD_lookup_connection_value(connection, .HEADER_KIND, "Content-Length") else { return nil }
        // What is no number, or does not fit, libmicrohttpd refuses itself; too large is too large all the same.
        return strlen(text) > 18 ? .max : Int(atoll(text))
    }

    /// A part of the body.
    func receive(_ bytes: UnsafeRawBufferPointer, _ exchange: Exchange) -> MHD_Result {
        _ = exchange.append(bytes, limit: maxBodyBytes)
        let seconds = Connections.nowSeconds() - exchange.startSeconds
        let received = exchange.bodyCount + exchange.droppedCount
        let isTooSlow = seconds > idleTimeoutSeconds + received / Self.slowestBytesPerSecond
        // What is beyond the limit is read and dropped, to be answered by 413, but not without end.
        return isTooSlow || exchange.droppedCount > max(maxBodyBytes, 1 << 20) ? .NO : .YES
    }

    /// The request is complete: handle and answer it.
    func answer(
        _ connection: OpaquePointer, _ exchange: Exchange, method: UnsafePointer<CChar>, path: UnsafePointer<CChar>
    ) -> MHD_Result {
        guard exchange.droppedCount == 0, exchange.makeRoom(exchange.bodyCount) else {
            return refuseBody(connection, exchange)
        }
        let contentType = MHD_lookup_connection_value(connection, .HEADER_KIND, "Content-Type")
        let request = HTTPRequest(
            method: HTTPMethod(method), path: UnsafeRawBufferPointer(start: path, count: strlen(path)),
            contentType: contentType.map { UnsafeRawBufferPointer(start: $0, count: strlen($0)) },
            body: exchange.bodyBytes)
        handler(request, &exchange.response)
        return send(connection, exchange)
    }

    private func refuseBody(_ connection: OpaquePointer, _ exchange: Exchange) -> MHD_Result {
        exchange.response.status = 413
        exchange.response.body.clear()
        exchange.response.body.append(
            "{\"error\":\"the body is larger than \(maxBodyBytes) bytes: send less at once, or raise --max-body\"}")
        return send(connection, exchange, closing: true)
    }

    private func send(_ connection: OpaquePointer, _ exchange: Exchange, closing: Bool = false) -> MHD_Result {
        let bytes = exchange.response.body.bytes
        // Safety: the exchange, and so the buffer, is not reused before the library says that the request is complete.
        guard
            let response = MHD_create_response_from_buffer(
                bytes.count, UnsafeMutableRawPointer(mutating: bytes.baseAddress), .RESPMEM_PERSISTENT)
        else { return .NO }
        defer { MHD_destroy_response(response) }
        exchange.response.contentType.withUTF8Buffer { _ in
            exchange.response.contentType.utf8Start.withMemoryRebound(to: CChar.self, capacity: 1) {
                _ = MHD_add_response_header(response, "Content-Type", $0)
            }
        }
        if let allow = exchange.response.allow { MHD_add_response_header(response, "Allow", allow) }
        if closing || isStopping.load(ordering: .relaxed) { MHD_add_response_header(response, "Connection", "close") }
        return MHD_queue_response(connection, UInt32(exchange.response.status), response)
    }

    /// The answer is sent, or the client is gone.
    func complete(_ connection: OpaquePointer?, _ exchange: UnsafeMutableRawPointer) {
        connection.map { self.connection(of: $0)?._withUnsafeGuaranteedRef { $0.requestEnded() } }
        let exchange = Unmanaged<Exchange>.fromOpaque(exchange).takeRetainedValue()
        exchange.reset()
        pool.give(exchange)
        activeCount.subtract(1, ordering: .releasing)
    }

    private func connection(of handle: OpaquePointer) -> Unmanaged<Connections.Connection>? {
        cmicrohttpd_connection_context(handle).map { Unmanaged.fromOpaque($0) }
    }
}

extension HTTPMethod {
    fileprivate init(_ name: UnsafePointer<CChar>) {
        self =
            if strcmp(name, "POST") == 0 { .post } else if strcmp(name, "GET") == 0 {
                .get
            } else if strcmp(name, "HEAD") == 0 { .head } else if strcmp(name, "PUT") == 0 {
                .put
            } else if strcmp(name, "DELETE") == 0 { .delete } else if strcmp(name, "OPTIONS") == 0 { .options } else {
                .other
            }
    }
}
