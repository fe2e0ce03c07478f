public import Threads

/// A request and its response. One thread at a time owns it: first the server's thread, which calls the handler. If the handler defers
/// the response, the thread that received the exchange owns it until it calls ``finish()``.
open class HTTPExchange: @unchecked Sendable {
    // Safety: handed from thread to thread as a whole: the server touches nothing but the two flags between the handler's
    // return of `later` and `finish()`; the hand-over is by atomics or locks of who hands it over.
    /// The request; valid until ``finish()``, or until the handler returns ``HTTPOutcome/responded``.
    public final var request: HTTPRequest
    /// The response.
    public final var response: HTTPResponse
    /// The bytes of the request as sent: first line, headers and body, without the framing of chunks. Set before the handler is
    /// called.
    public final var bytesReceived = 0
    /// The time when the request's first line was received, in nanoseconds on the monotonic clock.
    public final var beganNanoseconds = 0
    /// Raised when the client has disconnected, or the server is stopping and waits no longer. A client that has closed its sending end
    /// counts as disconnected. The response is useless then, but ``finish()`` must still be called.
    public final let abandonment = Flag()
    /// Raised before ``abandonment`` if the server waits no longer. The client is still connected, and gets an error.
    public final let isCutOff = Flag()

    /// The time by which the response is due, in nanoseconds on the monotonic clock; `.max` for no limit. Set before the handler returns.
    ///
    /// If a deferred exchange is not finished a while after that, the server sends 504 itself, because a library call that cannot be
    /// interrupted may compute the response. ``finish()`` must still be called.
    public final var respondBy = Int.max

    /// Whether the response has been counted.
    public final var isRecorded = false

    /// The index of the route that was found from the headers; -1 if none was. For the handler.
    public final var admittedRoute = -1

    /// An exchange without a request.
    public init() {
        request = HTTPRequest(
            method: .other, path: UnsafeRawBufferPointer(start: nil, count: 0),
            body: UnsafeRawBufferPointer(start: nil, count: 0))
        response = HTTPResponse(body: ResponseBuffer())
    }

    /// The address of the peer: a client, or a proxy; nil if there is no connection.
    open var clientAddress: String? { nil }

    /// Completes the response. Call it once, on any thread, for each deferred exchange, and do not touch the exchange afterwards.
    open func finish() {}
}

/// The result of a handler's work on an exchange.
public enum HTTPOutcome: Sendable {
    /// The response is complete.
    case responded
    /// Another thread completes the response and calls ``HTTPExchange/finish()``.
    case later
}
