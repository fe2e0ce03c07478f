internal import Glibc
internal import HTTPMessages
internal import LockFree
internal import Synchronization

/// A request that is being received and answered. Kept for the next one when it is done.
///
/// Belongs to the connection that has it, and so to one thread.
// Safety: the body's memory is the exchange's own; `connection` and what `request` points to are the library's, which keeps them
// until the request is complete, when reset() forgets them.
final class Exchange: HTTPExchange, @unchecked Sendable {
    private var body: UnsafeMutableRawPointer?
    private var capacity = 0
    private(set) var bodyCount = 0
    /// Bytes that came after the limit was passed, which are dropped.
    private(set) var droppedCount = 0
    private(set) var connection: Unmanaged<Connection>?
    /// When the first line and the headers were complete.
    private(set) var startSeconds = 0
    /// Whether the answer was given without reading the whole body.
    var isRefused = false
    private static let keptBytes = 4 << 20

    deinit { free(body) }

    /// The body so far.
    var bodyBytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: body, count: bodyCount) }

    /// A request's headers have come.
    func begin(on connection: Unmanaged<Connection>) {
        self.connection = connection
        startSeconds = Pace.now
    }

    /// Sets when the client must have moved on, and whether by sending.
    func expect(by deadline: Int, isReceiving: Bool) {
        connection?._withUnsafeGuaranteedRef { connection in
            connection.deadline.store(deadline, ordering: .relaxed)
            connection.isReceiving.store(isReceiving, ordering: .relaxed)
        }
    }

    /// Answers with an error.
    func respond(_ status: Int, _ message: String) {
        response.clear()
        response.status = status
        response.body.append("{\"error\":\"\(message)\"}")
    }

    /// Makes ready for another request.
    func reset() {
        connection = nil
        bodyCount = 0
        droppedCount = 0
        isRefused = false
        response.clear()
        abandonment.lower()
        isRecorded = false
        guard capacity > Self.keptBytes else { return }
        free(body)
        body = nil
        capacity = 0
    }

    /// Adds received bytes; memory grows with what has come, not with what was announced.
    ///
    /// If the body is larger than `limit`, or memory is short, this and all that follows is only counted as dropped.
    func append(_ bytes: UnsafeRawBufferPointer, limit: Int) {
        guard droppedCount == 0, bytes.count <= limit - bodyCount, makeRoom(bodyCount + bytes.count),
            let body, let source = bytes.baseAddress
        else {
            droppedCount += bytes.count
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
