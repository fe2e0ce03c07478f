internal import CMicrohttpd
internal import CResponses
internal import Glibc
internal import HTTPMessages
internal import Synchronization
internal import Threads

/// A request that is being received and answered. The object is reused for later requests.
///
/// It belongs to its connection, and so to one thread. While its response is deferred, it belongs to the thread that will call
/// ``finish()``.
// Safety: the body's memory is the exchange's own; `connection`, `handle` and what `request` points to is the
// library's, which keeps them until the request is complete, when reset() forgets them. `stage` hands the exchange from thread to thread.
final class Exchange: HTTPExchange, @unchecked Sendable {
    // A daemon keeps its worker until all that was deferred has been resumed.
    private unowned let worker: Worker
    private var body: UnsafeMutableRawPointer?
    private var capacity = 0
    private(set) var bodyCount = 0
    /// The bytes of the capacity that the server's account counts, and those of them that count for the client.
    private var countedBytes = 0
    private var clientBytes = 0
    private let bodies: ClientShares
    /// The end of the target in the request's first line.
    private var targetEnd: UnsafeRawPointer?
    /// The end of the request's head in the library's memory.
    private var headEnd: UnsafeRawPointer?
    /// The body's declared length, if there is one.
    private var expectedCount: Int?
    /// The rest of a large body, while it is received.
    private var direct: DirectBody?
    /// The last response of the library.
    private var reply: Reply?
    private(set) var connection: Unmanaged<Connection>?
    private var isChunked = false
    /// The time when the first line and the headers were complete.
    private(set) var startSeconds = 0
    /// Whether the response was made without reading the whole body.
    var isRefused = false
    /// Whether a body or a response was large. Few such exchanges are kept.
    private(set) var isLarge = false
    /// Whether the handler has deferred the response; for the connection's thread.
    private(set) var isDeferred = false
    private var handle: OpaquePointer?
    private let stage = Atomic<Stage>(.handling)
    private static let keptBytes = 4 << 20
    private static let largeBytes = 256 << 10
    /// Smaller buffers are not counted, because each request allocates some.
    private static let uncountedBytes = 64 << 10
    /// The memory beyond the received bytes of a large body, unless half as much as these is more.
    private static let roomAheadBytes = 16 << 10

    /// The owner of the next step of an exchange. Of suspending and finishing, the one that comes second sends the response.
    private enum Stage: UInt8, AtomicRepresentable {
        /// The handler has not been called yet, is running, or has just deferred the response.
        case handling
        /// The connection is suspended: finish() resumes it.
        case suspended
        /// The same, and the client has got its response from ``cutOff(_:)``.
        case cutOff
        /// finish() was called: the connection's thread goes on.
        case finished
    }

    init(_ worker: Worker, _ bodies: ClientShares) {
        self.worker = worker
        self.bodies = bodies
    }

    deinit { giveBack() }

    private func giveBack() {
        free(body)
        body = nil
        capacity = 0
        if countedBytes > 0 { bodies.give(countedBytes) }
        countedBytes = 0
    }

    /// The body so far.
    var bodyBytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: body, count: bodyCount) }

    /// A request's first line was received.
    ///
    /// - Parameter target: The target as sent.
    func begin(target: UnsafePointer<CChar>? = nil) {
        beganNanoseconds = Pace.nowNanoseconds
        // Safety: a place to compare with; nothing is read from there.
        targetEnd = target.map { UnsafeRawPointer($0) + strlen($0) }
    }

    /// Whether the version follows the target. If not, the target contains a NUL, and was cut there.
    func hasWholeTarget(before version: UnsafePointer<CChar>) -> Bool {
        targetEnd.map { $0 + 1 == UnsafeRawPointer(version) } ?? false
    }

    /// A request's headers were received.
    ///
    /// - Parameters:
    ///   - connection: The connection.
    ///   - line: The first line.
    ///   - headerBytes: The bytes of the first line and the headers.
    ///   - headers: The headers.
    func begin(
        on connection: Unmanaged<Connection>, _ line: RequestLine, headerBytes: Int, _ headers: RequestHeaders
    ) {
        begin(on: connection)
        isChunked = headers.isChunked
        expectedCount = headers.bodyLength
        headEnd = UnsafeRawPointer(line.method) + headerBytes
        request = HTTPRequest(
            method: HTTPMethod(line.method),
            path: RequestTarget.path(of: UnsafeRawBufferPointer(start: line.target, count: strlen(line.target))),
            headers: headers.known, body: UnsafeRawBufferPointer(start: nil, count: 0))
    }

    /// A request exists about which nothing is known.
    func begin(on connection: Unmanaged<Connection>) {
        self.connection = connection
        request = HTTPRequest(
            method: .other, path: UnsafeRawBufferPointer(start: nil, count: 0),
            body: UnsafeRawBufferPointer(start: nil, count: 0))
        startSeconds = Pace.now
    }

    /// The request is complete.
    func noteSize(headerBytes: Int) {
        bytesReceived = headerBytes + bodyCount
        connection?._withUnsafeGuaranteedRef { $0.noteRequest(bytes: bytesReceived, isChunked: isChunked) }
    }

    /// Whether the client has sent more than this request, without waiting for the response.
    var isFollowed: Bool { connection?._withUnsafeGuaranteedRef { $0.hasSentMore } ?? false }

    /// Sets the awaited event, and the time by which the client must make progress.
    func expect(_ awaited: Connection.Awaited, by deadline: Int) {
        connection?._withUnsafeGuaranteedRef { connection in
            connection.deadline.store(deadline, ordering: .relaxed)
            connection.awaited.store(awaited, ordering: .relaxed)
        }
    }

    /// Notes whether the handler works on the request on this thread.
    func noteHandling(_ isHandled: Bool) {
        connection?._withUnsafeGuaranteedRef { $0.isHandled.store(isHandled, ordering: .releasing) }
    }

    override var clientAddress: String? { connection?._withUnsafeGuaranteedRef { $0.peer?.text } }

    /// Whether ``finish()`` was called.
    var isFinished: Bool { stage.load(ordering: .acquiring) == .finished }

    /// Suspends the connection until ``finish()`` is called, which may already have happened. Called in the library's callback.
    func suspend(_ handle: OpaquePointer) {
        isDeferred = true
        self.handle = handle
        connection?._withUnsafeGuaranteedRef { $0.deferResponse(self) }
        // Suspended first: a connection must not be resumed before it is suspended.
        MHD_suspend_connection(handle)
        let (isFirst, _) = stage.compareExchange(
            expected: .handling, desired: .suspended, ordering: .acquiringAndReleasing)
        if !isFirst { resume() }
    }

    override func finish() {
        switch stage.exchange(.finished, ordering: .acquiringAndReleasing) {
        case .suspended, .cutOff: resume()
        case .handling, .finished: break
        }
    }

    /// Sends a response bypassing the library, if the connection is suspended and the exchange is not finished. The owner of the exchange may
    /// continue, but its response is not sent.
    ///
    /// - Returns: Whether it was sent. The connection must then be shut down.
    func cutOff(_ response: [UInt8]) -> Bool {
        let (isMine, _) = stage.compareExchange(
            expected: .suspended, desired: .cutOff, ordering: .acquiringAndReleasing)
        // The library does not touch a suspended connection.
        guard isMine, let handle else { return false }
        return response.withUnsafeBytes { cmicrohttpd_send(handle, $0.baseAddress, $0.count) == $0.count }
    }

    private func resume() {
        guard let handle else { return }
        // Once it is resumed, the exchange belongs to the connection's thread. Once that is counted, the daemon may be stopped.
        let worker = worker
        MHD_resume_connection(handle)
        worker.hasEnded()
    }

    /// Responds with an error.
    func respond(_ refusal: Refusal) {
        response.clear()
        response.status = refusal.status
        response.error = refusal.message
        if refusal.isPassing { response.headers.append(("Retry-After", "1")) }
        response.body.append(refusal.body)
    }

    /// Gives the response to the library.
    ///
    /// - Parameters:
    ///   - handle: The library's connection.
    ///   - closes: Whether the connection is closed after it.
    /// - Returns: Whether the library has taken it.
    func queue(on handle: OpaquePointer, closes: Bool) -> MHD_Result {
        if !(reply?.serves(response, closes: closes) ?? false) { reply = Reply(response, closes: closes) }
        guard let response = reply?.handle else { return .NO }
        return cresponses_queue(handle, UInt32(self.response.status), response)
    }

    /// Prepares the object for another request.
    func reset() {
        if isDeferred { connection?._withUnsafeGuaranteedRef { $0.takeBack() } }
        if clientBytes > 0 { bodies.forget(clientBytes, of: network) }
        clientBytes = 0
        direct = nil
        expectedCount = nil
        targetEnd = nil
        headEnd = nil
        isLarge = isLarge || max(bodyCount, response.body.count) > Self.largeBytes
        connection = nil
        handle = nil
        bodyCount = 0
        let wasRefused = isRefused
        isRefused = false
        isDeferred = false
        stage.store(.handling, ordering: .relaxed)
        response.clear()
        abandonment.lower()
        isCutOff.lower()
        isRecorded = false
        admittedRoute = -1
        respondBy = .max
        if capacity > Self.keptBytes || countedBytes > 0 && (wasRefused || bodies.isShort) { giveBack() }
    }

    private var network: PeerAddress.Network? { connection?._withUnsafeGuaranteedRef { $0.peer?.network } }

    /// The reason why a body of the declared length can never be received; nil if it can, or if no length was declared.
    var refusalOfLength: Refusal? {
        guard let expectedCount, expectedCount > Self.uncountedBytes else { return nil }
        let largest = bodies.largestBody(of: network) - HTTPRequest.bodyPadding
        return expectedCount > largest ? .tooLargeForMemory(max(0, largest)) : nil
    }

    /// Adds received bytes. Memory grows with the received bytes, not with the declared length.
    ///
    /// - Returns: The reason why the body is refused: it is larger than `limit`, or memory is short. nil if it is accepted.
    func append(_ bytes: UnsafeRawBufferPointer, limit: Int) -> Refusal? {
        guard let taken = direct?.take(of: bytes.count) else { return copy(bytes, limit: limit) }
        bodyCount += taken
        noteUse()
        // The library's memory has no copy of those.
        return taken == bytes.count ? nil : copy(UnsafeRawBufferPointer(rebasing: bytes[taken...]), limit: limit)
    }

    private func copy(_ bytes: UnsafeRawBufferPointer, limit: Int) -> Refusal? {
        guard bytes.count <= limit - bodyCount, announcedCount(before: bytes) <= limit - bodyCount else {
            return .tooLarge(limit)
        }
        if let refusal = makeRoom(bodyCount + bytes.count) { return refusal }
        guard let body, let source = bytes.baseAddress else { return .memoryShort }
        (body + bodyCount).copyMemory(from: source, byteCount: bytes.count)
        bodyCount += bytes.count
        noteUse()
        return nil
    }

    /// Memory of an earlier request counts for this client once it is used.
    private func noteUse() {
        guard bodyCount > Self.uncountedBytes, clientBytes < countedBytes else { return }
        bodies.note(countedBytes - clientBytes, for: network)
        clientBytes = countedBytes
    }

    /// Lets the rest of a large body of declared length be received directly into the body's memory. Called after ``append(_:limit:)``.
    func receiveDirectly() {
        if direct == nil {
            guard let expectedCount, expectedCount - bodyCount >= DirectBody.fewestBytes, let connection else { return }
            let socket = connection._withUnsafeGuaranteedRef { $0.isEncrypted ? nil : $0.socket }
            if let socket { direct = DirectBody(socket, rest: expectedCount - bodyCount) }
        }
        guard let rest = direct?.rest, let ahead = direct?.ahead else { return }
        connection?._withUnsafeGuaranteedRef { $0.isAhead.store(ahead > 0, ordering: .relaxed) }
        // Without room, the library receives, and memory is refused once it is needed.
        if rest > 0 { _ = makeRoom(bodyCount + ahead + min(rest, Self.roomAheadBytes)) }
        let used = bodyCount + ahead
        direct?.offer(
            UnsafeMutableRawBufferPointer(
                start: body.map { $0 + used }, count: max(0, capacity - HTTPRequest.bodyPadding - used)))
    }

    /// The size of the chunk that these bytes begin, if the library received its size line together with them. The line then precedes them.
    /// 0 if the size is unknown.
    private func announcedCount(before bytes: UnsafeRawBufferPointer) -> Int {
        // Safety: what was received behind the head begins at its end, and the library hands it over where it is.
        guard isChunked, let headEnd, let start = bytes.baseAddress, headEnd < start else { return 0 }
        let line = UnsafeRawBufferPointer(start: headEnd, count: start - headEnd).dropLast()
        let digits = line[(line.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? line.startIndex)...]
        var size = 0
        for byte in digits {
            guard let digit = Self.hexadecimal(byte) else { break }
            guard size <= Int.max >> 4 else { return .max }
            size = size << 4 | digit
        }
        return size
    }

    private static func hexadecimal(_ byte: UInt8) -> Int? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(byte - UInt8(ascii: "a")) + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(byte - UInt8(ascii: "A")) + 10
        default: nil
        }
    }

    /// Reserves memory for a body of that size, and the padding after it.
    ///
    /// - Returns: The reason why there is no memory; nil if there is.
    func makeRoom(_ count: Int) -> Refusal? {
        let needed = count + HTTPRequest.bodyPadding
        guard needed > capacity else { return nil }
        var larger = max(needed, capacity + capacity / 2, 4096)
        if let expectedCount { larger = max(needed, min(larger, expectedCount + HTTPRequest.bodyPadding)) }
        if larger > Self.uncountedBytes {
            let client = network
            if bodies.take(larger - countedBytes, for: client) != nil {
                // Half as much again is reserved for further growth.
                larger = needed
                if let refusal = bodies.take(larger - countedBytes, for: client) { return refusal }
            }
            clientBytes += larger - countedBytes
            countedBytes = larger
        }
        guard let grown = realloc(body, larger) else { return .memoryShort }
        body = grown
        capacity = larger
        return nil
    }
}
