internal import CMicrohttpd
internal import Glibc
internal import HTTPMessages
internal import Synchronization
internal import Threads

/// A request that is being received and answered. Kept for the next one when it is done.
///
/// Belongs to the connection that has it, and so to one thread, except while its answer is put off: then it is in the hands of
/// whoever is to call ``finish()``.
// Safety: the body's memory is the exchange's own; `connection`, `handle` and what `headers` and `request` point to are the
// library's, which keeps them until the request is complete, when reset() forgets them. `stage` hands the exchange from thread to thread.
final class Exchange: HTTPExchange, @unchecked Sendable {
    // A daemon keeps its worker until all that was put off has been resumed.
    private unowned let worker: Worker
    private var body: UnsafeMutableRawPointer?
    private var capacity = 0
    private(set) var bodyCount = 0
    /// Whether the body is larger than it may be, or than there is memory for.
    private(set) var isTooLarge = false
    private(set) var connection: Unmanaged<Connection>?
    /// Those that handlers look at.
    private(set) var headers = HTTPHeaders()
    private var isChunked = false
    /// Where the target of the first line ends, in the library's memory.
    private var targetEnd: UnsafeRawPointer?
    /// When the first line and the headers were complete.
    private(set) var startSeconds = 0
    /// Whether the answer was given without reading the whole body.
    var isRefused = false
    /// Whether a body or an answer was so large that few such exchanges are kept.
    private(set) var isLarge = false
    /// Whether the handler has put the answer off; for the connection's thread.
    private(set) var isPutOff = false
    private var handle: OpaquePointer?
    private let stage = Atomic<Stage>(.handling)
    private static let keptBytes = 4 << 20
    private static let largeBytes = 256 << 10

    /// Who may go on with an exchange. Of suspending and finishing, the one that comes second sees to the answer.
    private enum Stage: UInt8, AtomicRepresentable {
        /// The handler has not been called, runs, or has just put the answer off.
        case handling
        /// The connection is suspended: finish() resumes it.
        case suspended
        /// The same, and the client has got its answer from ``cutOff(_:)``.
        case cutOff
        /// finish() was called: the connection's thread goes on.
        case finished
    }

    init(_ worker: Worker) { self.worker = worker }

    deinit { free(body) }

    /// The body so far.
    var bodyBytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: body, count: bodyCount) }

    /// A request's first line has come.
    func begin(_ target: UnsafePointer<CChar>?) {
        beganNanoseconds = Pace.nowNanoseconds
        // Safety: a place to compare with; nothing is read from there.
        targetEnd = target.map { UnsafeRawPointer($0) + strlen($0) }
    }

    /// Whether the version follows the target: it does not where a NUL is in the target, which is cut there.
    func hasWholeTarget(before version: UnsafePointer<CChar>) -> Bool {
        targetEnd.map { $0 + 1 == UnsafeRawPointer(version) } ?? false
    }

    /// A request's headers have come.
    func begin(on connection: Unmanaged<Connection>, _ headers: RequestHeaders) {
        self.connection = connection
        self.headers = headers.known
        isChunked = headers.isChunked
        startSeconds = Pace.now
        headersNanoseconds = Pace.nowNanoseconds
    }

    /// The request is complete.
    func noteSize(headerBytes: Int) {
        bytesReceived = headerBytes + bodyCount
        connection?._withUnsafeGuaranteedRef { $0.noteRequest(bytes: bytesReceived, isChunked: isChunked) }
    }

    /// Whether the client has sent more than this request, as clients do that do not wait for answers.
    var isFollowed: Bool { connection?._withUnsafeGuaranteedRef { $0.hasSentMore } ?? false }

    /// Sets what the server waits for, and when the client must have moved on.
    func expect(_ awaited: Connection.Awaited, by deadline: Int) {
        connection?._withUnsafeGuaranteedRef { connection in
            connection.deadline.store(deadline, ordering: .relaxed)
            connection.awaited.store(awaited, ordering: .relaxed)
        }
    }

    /// The handler is about to work on it on this thread, or does not any more.
    func noteHandling(_ isHandled: Bool) {
        connection?._withUnsafeGuaranteedRef { $0.isHandled.store(isHandled, ordering: .releasing) }
    }

    override var clientAddress: String? { connection?._withUnsafeGuaranteedRef { $0.peer?.text } }

    /// Whether ``finish()`` was called.
    var isFinished: Bool { stage.load(ordering: .acquiring) == .finished }

    /// Suspends the connection until ``finish()`` is called, which it may be by now. Called in the library's callback.
    func suspend(_ handle: OpaquePointer) {
        isPutOff = true
        self.handle = handle
        connection?._withUnsafeGuaranteedRef { $0.putOff(self) }
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

    /// Sends an answer past the library, if the connection is suspended and the exchange is not finished. Whoever has the exchange may go
    /// on with it: what comes of it is not sent.
    ///
    /// - Returns: Whether it was sent, so that the connection is to be shut.
    func cutOff(_ answer: [UInt8]) -> Bool {
        let (isMine, _) = stage.compareExchange(
            expected: .suspended, desired: .cutOff, ordering: .acquiringAndReleasing)
        // The library leaves a suspended connection alone.
        guard isMine, let handle else { return false }
        return answer.withUnsafeBytes { cmicrohttpd_send(handle, $0.baseAddress, $0.count) == $0.count }
    }

    private func resume() {
        guard let handle else { return }
        // Once it is resumed, the exchange is the connection's thread's; and once that is said, the daemon may be stopped.
        let worker = worker
        MHD_resume_connection(handle)
        worker.hasEnded()
    }

    /// Answers with an error.
    func respond(_ refusal: Refusal) {
        response.clear()
        response.status = refusal.status
        response.body.append(refusal.body)
    }

    /// Makes ready for another request.
    func reset() {
        if isPutOff { connection?._withUnsafeGuaranteedRef { $0.takeBack() } }
        isLarge = isLarge || max(bodyCount, response.body.count) > Self.largeBytes
        connection = nil
        handle = nil
        bodyCount = 0
        isTooLarge = false
        isRefused = false
        isPutOff = false
        stage.store(.handling, ordering: .relaxed)
        response.clear()
        abandonment.lower()
        isCutOff.lower()
        isRecorded = false
        guard capacity > Self.keptBytes else { return }
        free(body)
        body = nil
        capacity = 0
    }

    /// Adds received bytes; memory grows with what has come, not with what was announced.
    ///
    /// If the body is larger than `limit`, or memory is short, it is ``isTooLarge`` from now on.
    func append(_ bytes: UnsafeRawBufferPointer, limit: Int) {
        guard !isTooLarge, bytes.count <= limit - bodyCount, makeRoom(bodyCount + bytes.count),
            let body, let source = bytes.baseAddress
        else {
            isTooLarge = true
            return
        }
        (body + bodyCount).copyMemory(from: source, byteCount: bytes.count)
        bodyCount += bytes.count
    }

    /// Makes sure that a body of that size, and the padding after it, has memory.
    func makeRoom(_ count: Int) -> Bool {
        let needed = count + HTTPRequest.bodyPadding
        guard needed > capacity else { return true }
        let larger = max(needed, capacity + capacity / 2, 4096)
        guard let grown = realloc(body, larger) else { return false }
        body = grown
        capacity = larger
        return true
    }
}
