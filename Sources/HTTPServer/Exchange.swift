internal import Glibc
internal import HTTPMessages

/// A request that is being received and answered. Kept for the next one when it is done.
///
/// Belongs to the connection that has it, and so to one thread at a time.
// Safety: the body's memory is the exchange's own.
final class Exchange {
    private var body: UnsafeMutableRawPointer?
    private var capacity = 0
    private(set) var bodyCount = 0
    /// Bytes that came after the limit was passed, which are dropped.
    private(set) var droppedCount = 0
    var response = HTTPResponse(body: ResponseBuffer())
    /// When the first line and the headers were complete.
    var startSeconds = 0

    private static let keptBytes = 4 << 20

    deinit { free(body) }

    /// The body so far.
    var bodyBytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: body, count: bodyCount) }

    /// Makes ready for another request.
    func reset() {
        bodyCount = 0
        droppedCount = 0
        response.status = 200
        response.contentType = "application/json"
        response.allow = nil
        response.body.clear()
        guard capacity > Self.keptBytes else { return }
        free(body)
        body = nil
        capacity = 0
    }

    /// Adds received bytes; memory grows with what has come, not with what was announced.
    ///
    /// - Returns: false if the body is larger than `limit`, or memory is short.
    func append(_ bytes: UnsafeRawBufferPointer, limit: Int) -> Bool {
        guard droppedCount == 0, bytes.count <= limit - bodyCount, makeRoom(bodyCount + bytes.count) else {
            droppedCount += bytes.count
            return false
        }
        if let source = bytes.baseAddress {
            body?.advanced(by: bodyCount).copyMemory(from: source, byteCount: bytes.count)
        }
        bodyCount += bytes.count
        return true
    }

    /// Makes sure that a body of that size, and the padding after it, has memory.
    func makeRoom(_ count: Int) -> Bool {
        let needed = count + HTTPRequest.bodyPadding
        guard needed > capacity else { return true }
        let larger = max(needed, capacity + capacity / 2, 4096)
        guard let grown = realloc(body, larger) else { return false }
        memset(grown + capacity, 0, larger - capacity)
        body = grown
        capacity = larger
        return true
    }
}
