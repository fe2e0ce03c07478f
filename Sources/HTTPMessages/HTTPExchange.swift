public import Threads

/// A request and its response, in the hands of one thread at a time: first the server's, which calls the handler, and if that puts
/// the response off, whoever it was handed to, until that calls ``finish()``.
open class HTTPExchange: @unchecked Sendable {
    // Safety: handed from thread to thread as a whole: the server touches nothing but the two flags between the handler's
    // return of `later` and `finish()`; the hand-over is by atomics or locks of who hands it over.
    /// The request; valid until ``finish()``, or until the handler returns ``HTTPOutcome/responded``.
    public final var request: HTTPRequest
    /// The response.
    public final var response: HTTPResponse
    /// The bytes of the request: first line, headers and body, as they were sent, without the framing of chunks. Known when the
    /// handler is called.
    public final var bytesReceived = 0
    /// When the request's first line had come, in nanoseconds on the monotonic clock.
    public final var beganNanoseconds = 0
    /// When the request's headers had come, on the same clock.
    public final var headersNanoseconds = 0
    /// Raised when the client is gone, or the server is stopping and waits no longer. A client that has closed its sending end
    /// counts as gone. The response is of no use any more, but ``finish()`` is called all the same.
    public final let abandonment = Flag()
    /// Raised before ``abandonment`` where it is the server that waits no longer: the client is there, and is to be told.
    public final let isCutOff = Flag()

    /// When the response is to be there, in nanoseconds on the monotonic clock; `.max` for whenever it is. Set before the handler returns.
    ///
    /// The server answers 504 by itself where an exchange that was deferred is not finished a while after that: what computes the response may
    /// be a single call of a library that cannot be interrupted. ``finish()`` is to be called all the same.
    public final var respondBy = Int.max

    /// Whether the response has been counted, by whoever knows most about it.
    public final var isRecorded = false

    /// The number of the route that was found when the headers were there; -1 as long as none was. For whoever handles it.
    public final var admittedRoute = -1

    /// An exchange without a request.
    public init() {
        request = HTTPRequest(
            method: .other, path: UnsafeRawBufferPointer(start: nil, count: 0),
            body: UnsafeRawBufferPointer(start: nil, count: 0))
        response = HTTPResponse(body: ResponseBuffer())
    }

    /// The address of who is at the other end of the connection: a client, or a proxy; nil where there is no connection.
    open var clientAddress: String? { nil }

    /// Says that the response is complete. To be called once, on any thread, for each exchange that was deferred; who calls it does
    /// not touch the exchange afterwards.
    open func finish() {}
}

/// The result of a handler's work on an exchange.
public enum HTTPOutcome: Sendable {
    /// The response is complete.
    case responded
    /// Somebody else completes the response and calls ``HTTPExchange/finish()``.
    case later
}
