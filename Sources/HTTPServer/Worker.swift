internal import CMicrohttpd
internal import Glibc
internal import HTTPMessages
internal import Synchronization
internal import Threads

/// The state of one of the library's threads: its connections, and the exchanges that wait for reuse.
// Safety: `waiting` is used only in the library's callbacks, which one thread of the library calls; all else is immutable or
// synchronised.
final class Worker: @unchecked Sendable {
    /// The thread's connections, including those that it has been given but not seen yet.
    let openCount = Atomic<Int>(0)
    /// The number of requests between the end of their headers and the end of their response.
    let activeCount = Atomic<Int>(0)
    /// Whether connections are closed after the next response.
    let isDraining = Atomic<Bool>(false)
    let connections: Connections
    /// The number of exchanges that the handler has not finished.
    private let unfinishedCount = Atomic<Int>(0)
    /// Whether the handler is no longer called.
    private let isClosing = Atomic<Bool>(false)
    private let handler: HTTPServer.Handler
    private let admit: @Sendable (HTTPExchange) -> Bool
    private let onRefusal: @Sendable (HTTPExchange) -> Void
    private let maxBodyBytes: Int
    private let bodies: ClientShares
    private let pace: Pace
    private let lingering: LingeringQueue
    private let alarm: Alarm
    private let certificates: Certificates?
    private var waiting: [Exchange] = []

    private static let maxWaiting = 64
    private static let maxLargeWaiting = 8

    init(
        _ configuration: HTTPServer.Configuration, _ bodies: ClientShares, _ lingering: LingeringQueue, _ alarm: Alarm,
        _ certificates: Certificates?, _ handler: @escaping HTTPServer.Handler
    ) {
        self.handler = handler
        self.bodies = bodies
        admit = configuration.admit
        onRefusal = configuration.onRefusal
        self.alarm = alarm
        self.certificates = certificates
        self.lingering = lingering
        maxBodyBytes = configuration.maxBodyBytes
        pace = Pace(idleTimeoutSeconds: configuration.idleTimeoutSeconds)
        connections = Connections(idleSeconds: pace.headerSeconds)
    }

    /// A connection was opened.
    func open(_ handle: OpaquePointer, _ slot: UnsafeMutablePointer<UnsafeMutableRawPointer?>) {
        let connection = Connection(
            self, socket: cmicrohttpd_connection_socket(handle), deadline: pace.deadlineOfHeaders(),
            certificates: certificates)
        connections.add(connection)
        // close(_:) releases the reference.
        slot.pointee = Unmanaged.passRetained(connection).toOpaque()
    }

    /// A connection is about to be closed.
    func close(_ slot: UnsafeMutablePointer<UnsafeMutableRawPointer?>) {
        openCount.subtract(1, ordering: .relaxed)
        guard let opaque = slot.pointee else { return }
        slot.pointee = nil
        Unmanaged<Connection>.fromOpaque(opaque).takeRetainedValue().close()
    }

    /// Whether the handler has unfinished exchanges.
    var hasUnfinished: Bool { unfinished > 0 }

    /// The number of unfinished exchanges.
    var unfinished: Int { unfinishedCount.load(ordering: .sequentiallyConsistent) }

    /// Stops calling the handler. If no exchange is unfinished afterwards, none will be.
    func close() { isClosing.store(true, ordering: .sequentiallyConsistent) }

    /// Counts an exchange that is finished and whose connection is not suspended.
    func hasEnded() { unfinishedCount.subtract(1, ordering: .sequentiallyConsistent) }

    /// The first line of a request was received.
    ///
    /// - Parameters:
    ///   - handle: The library's connection.
    ///   - target: The target as sent.
    /// - Returns: The exchange, retained.
    func beginLine(_ handle: OpaquePointer, _ target: UnsafePointer<CChar>?) -> UnsafeMutableRawPointer {
        let exchange = waiting.popLast() ?? Exchange(self, bodies)
        exchange.begin(target: target)
        // complete(_:_:) releases the reference.
        let kept = Unmanaged.passRetained(exchange)
        connection(handle)?._withUnsafeGuaranteedRef { $0.exchange = kept }
        return kept.toOpaque()
    }

    private func connection(_ handle: OpaquePointer) -> Unmanaged<Connection>? {
        cmicrohttpd_connection_context(handle).map { Unmanaged.fromOpaque($0) }
    }

    /// The headers of a request are complete.
    func begin(_ handle: OpaquePointer, _ exchange: Exchange, _ line: RequestLine) -> MHD_Result {
        guard let connection = connection(handle) else { return .NO }
        activeCount.add(1, ordering: .relaxed)
        let headers = RequestHeaders(handle)
        let headerBytes = cmicrohttpd_header_bytes(handle)
        exchange.begin(on: connection, line, headerBytes: headerBytes, headers)
        exchange.expect(.body, by: pace.deadline(ofBody: 0, since: exchange.startSeconds))
        let head = RequestHead(method: line.method, version: line.version, byteCount: headerBytes)
        guard exchange.hasWholeTarget(before: line.version), head?.isWellFormed(headerCount: headers.count) ?? false
        else { return refuse(handle, exchange, .malformedHead) }
        guard Daemon.hasRoomForResponse(headerBytes: headerBytes, headerCount: headers.count) else {
            exchange.isRefused = refusePast(handle, exchange, .ofLibrary(431))
            return .NO
        }
        if let refusal = headers.refusal(maxBodyBytes: maxBodyBytes, isOld: line.isOld) ?? exchange.refusalOfLength {
            return refuse(handle, exchange, refusal)
        }
        guard headers.announcesBody, !admit(exchange) else { return .YES }
        exchange.isRefused = true
        return send(handle, exchange)
    }

    /// A part of the body was received.
    func receive(_ handle: OpaquePointer, _ bytes: UnsafeRawBufferPointer, _ exchange: Exchange) -> MHD_Result {
        let refusal = exchange.append(bytes, limit: maxBodyBytes)
        exchange.expect(.body, by: pace.deadline(ofBody: exchange.bodyCount, since: exchange.startSeconds))
        guard let refusal else {
            exchange.receiveDirectly()
            return .YES
        }
        // The library accepts no response in the middle of a body. The response therefore bypasses the library, which then closes its side. The
        // lingering sockets read what the client still sends, for a while.
        exchange.isRefused = refusePast(handle, exchange, refusal)
        return .NO
    }

    /// The library refuses a request itself, and closes the connection when this returns. Its own response would be HTML.
    ///
    /// - Returns: Whether the library need not respond.
    func refuseForLibrary(_ handle: OpaquePointer, _ connection: Connection, status: Int) -> Bool {
        guard let exchange = connection.exchange?.takeUnretainedValue() else {
            // The request does not even have a first line.
            let exchange = waiting.popLast() ?? Exchange(self, bodies)
            exchange.begin()
            exchange.begin(on: Unmanaged.passUnretained(connection))
            if refusePast(handle, exchange, .ofLibrary(status)) { lingering.add(connection.socket) }
            keep(exchange)
            return true
        }
        guard !exchange.isDeferred, !exchange.isRecorded else { return false }
        if exchange.connection == nil {
            activeCount.add(1, ordering: .relaxed)
            exchange.begin(on: Unmanaged.passUnretained(connection))
        }
        exchange.isRefused = refusePast(handle, exchange, .ofLibrary(status))
        return true
    }

    /// Sends a refusal bypassing the library.
    ///
    /// - Returns: Whether it was sent.
    private func refusePast(_ handle: OpaquePointer, _ exchange: Exchange, _ refusal: Refusal) -> Bool {
        exchange.respond(refusal)
        onRefusal(exchange)
        return Refusal.whole(exchange.response).withUnsafeBytes {
            cmicrohttpd_send(handle, $0.baseAddress, $0.count) == $0.count
        }
    }

    /// The request is complete, and the handler is called; or its deferred response is complete.
    func respond(_ handle: OpaquePointer, _ exchange: Exchange) -> MHD_Result {
        if exchange.isDeferred { return exchange.isFinished ? send(handle, exchange) : .YES }
        if let refusal = exchange.makeRoom(exchange.bodyCount) { return refuse(handle, exchange, refusal) }
        unfinishedCount.add(1, ordering: .sequentiallyConsistent)
        guard !isClosing.load(ordering: .sequentiallyConsistent) else {
            hasEnded()
            return refuse(handle, exchange, .closing)
        }
        exchange.expect(.nothing, by: .max)
        exchange.request.body = exchange.bodyBytes
        exchange.noteSize(headerBytes: cmicrohttpd_header_bytes(handle))
        exchange.noteHandling(true)
        let outcome = handler(exchange)
        exchange.noteHandling(false)
        guard outcome == .later, !exchange.isFinished else {
            hasEnded()
            return send(handle, exchange)
        }
        exchange.suspend(handle)
        alarm.ringIfAsleep()
        return .YES
    }

    private func refuse(_ handle: OpaquePointer, _ exchange: Exchange, _ refusal: Refusal) -> MHD_Result {
        exchange.respond(refusal)
        onRefusal(exchange)
        exchange.isRefused = true
        return send(handle, exchange)
    }

    private func send(_ handle: OpaquePointer, _ exchange: Exchange) -> MHD_Result {
        if exchange.response.body.hasFailed {
            exchange.respond(.withoutMemory)
            exchange.response.body.append(UInt8(ascii: "\n"))
        }
        exchange.expect(.nothing, by: pace.deadline(ofResponse: exchange.response.body.count))
        // The exchange, and so the buffer, is not reused before the library says that the request is complete.
        let closes = exchange.isRefused || isDraining.load(ordering: .relaxed) && !exchange.isFollowed
        return exchange.queue(on: handle, closes: closes)
    }

    /// The response was sent, or the client has disconnected.
    func complete(_ handle: OpaquePointer?, _ exchange: UnsafeMutableRawPointer) {
        let exchange = Unmanaged<Exchange>.fromOpaque(exchange).takeRetainedValue()
        if let handle { connection(handle)?._withUnsafeGuaranteedRef { $0.exchange = nil } }
        let wasActive = exchange.connection != nil
        exchange.expect(.request, by: pace.deadlineOfHeaders())
        if exchange.isRefused { exchange.connection?._withUnsafeGuaranteedRef { lingering.add($0.socket) } }
        keep(exchange)
        if wasActive { activeCount.subtract(1, ordering: .releasing) }
    }

    private func keep(_ exchange: Exchange) {
        exchange.reset()
        if waiting.count < (exchange.isLarge ? Self.maxLargeWaiting : Self.maxWaiting) { waiting.append(exchange) }
    }
}

extension HTTPMethod {
    init(_ name: UnsafePointer<CChar>) {
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
