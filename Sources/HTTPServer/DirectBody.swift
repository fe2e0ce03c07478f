internal import CResponses

/// The rest of a large body, which is received directly into its exchange's memory. The library only learns how many bytes there were.
///
/// Belongs to the thread of its connection.
struct DirectBody: ~Copyable {
    // Safety: made by init, freed by deinit; only the connection's thread uses it, in the library's callbacks.
    private let body: UnsafeMutablePointer<cresponses_body>

    /// A smaller rest is not worth it.
    static let fewestBytes = 64 << 10

    /// Begins after the library has handed on all that it has received. Returns nil if memory is short.
    ///
    /// - Parameters:
    ///   - socket: The connection's socket, without TLS.
    ///   - rest: The bytes of the body that have not been received.
    init?(_ socket: Int32, rest: Int) {
        guard rest > 0, let body = cresponses_begin_body(socket, rest) else { return nil }
        self.body = body
    }

    deinit { cresponses_end_body(body) }

    /// The bytes in the exchange's memory that the library has not handed on.
    var ahead: Int { body.pointee.ahead + body.pointee.told }

    /// The bytes that have not been received.
    var rest: Int { body.pointee.rest }

    /// The number of bytes, of those that the library hands on, that are in the exchange's memory already. They come first.
    func take(of count: Int) -> Int {
        let taken = min(count, body.pointee.told)
        body.pointee.told -= taken
        return taken
    }

    /// Gives the memory for the next bytes, which stays valid until there is another.
    func offer(_ room: UnsafeMutableRawBufferPointer) {
        body.pointee.room = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
        body.pointee.room_count = room.count
    }
}
