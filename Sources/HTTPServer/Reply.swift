internal import CMicrohttpd
internal import HTTPMessages

/// A response of the library, whose body stays in the memory of its exchange.
///
/// An exchange keeps its last one. The library only reads it, so it serves later responses with the same place and length of the body
/// and the same headers. The body may then have other bytes.
struct Reply: ~Copyable {
    // Safety: made by init; deinit gives up this reference, and the library counts its own.
    let handle: OpaquePointer
    private let body: UnsafeRawBufferPointer
    private let contentType: UnsafePointer<UInt8>
    /// Whether it has no headers but the media type.
    private let isPlain: Bool

    /// Makes the library's response. Returns nil if memory is short.
    ///
    /// - Parameters:
    ///   - response: The response. Its body must stay in its place until the library has sent it.
    ///   - closes: Whether the connection is closed after it.
    init?(_ response: borrowing HTTPResponse, closes: Bool) {
        let body = response.body.bytes
        guard
            let handle = MHD_create_response_from_buffer(
                body.count, UnsafeMutableRawPointer(mutating: body.baseAddress), .RESPMEM_PERSISTENT)
        else { return nil }
        self.handle = handle
        self.body = body
        contentType = response.contentType.utf8Start
        isPlain = response.headers.isEmpty && !closes
        // Safety: a StaticString of more than one scalar is text that ends with 0.
        let type = UnsafeRawPointer(contentType).assumingMemoryBound(to: CChar.self)
        MHD_add_response_header(handle, "Content-Type", type)
        for header in response.headers {
            // Safety: as above.
            let name = UnsafeRawPointer(header.name.utf8Start).assumingMemoryBound(to: CChar.self)
            MHD_add_response_header(handle, name, header.value)
        }
        if closes { MHD_add_response_header(handle, "Connection", "close") }
    }

    deinit { MHD_destroy_response(handle) }

    /// Whether it can be sent for a response.
    func serves(_ response: borrowing HTTPResponse, closes: Bool) -> Bool {
        let other = response.body.bytes
        return isPlain && !closes && response.headers.isEmpty && body.baseAddress == other.baseAddress
            && body.count == other.count && contentType == response.contentType.utf8Start
    }
}
