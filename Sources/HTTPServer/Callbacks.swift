internal import CMicrohttpd
internal import Glibc

// libmicrohttpd's callbacks. Safety: the context pointer is the ServerContext that HTTPServer keeps alive until the daemon has
// stopped; `slot` is the request's own, and holds the exchange that ServerContext.begin put there. None of them can throw.

func receiveRequest(
    context: UnsafeMutableRawPointer?, connection: OpaquePointer?, path: UnsafePointer<CChar>?,
    method: UnsafePointer<CChar>?, version: UnsafePointer<CChar>?, data: UnsafePointer<CChar>?,
    size: UnsafeMutablePointer<Int>?, slot: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
    guard let context, let connection, let path, let method, let size, let slot else { return .NO }
    return Unmanaged<ServerContext>.fromOpaque(context)._withUnsafeGuaranteedRef { server in
        guard let opaque = slot.pointee else { return server.begin(connection, slot) }
        return Unmanaged<Exchange>.fromOpaque(opaque)._withUnsafeGuaranteedRef { exchange in
            guard size.pointee == 0 else {
                let bytes = UnsafeRawBufferPointer(start: data, count: size.pointee)
                size.pointee = 0
                return server.receive(bytes, exchange)
            }
            return server.answer(connection, exchange, method: method, path: path)
        }
    }
}

func completeRequest(
    context: UnsafeMutableRawPointer?, connection: OpaquePointer?,
    slot: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, reason: MHD_RequestTerminationCode
) {
    guard let context, let exchange = slot?.pointee else { return }
    slot?.pointee = nil
    Unmanaged<ServerContext>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.complete(connection, exchange) }
}

func changeConnection(
    context: UnsafeMutableRawPointer?, connection: OpaquePointer?,
    slot: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, change: MHD_ConnectionNotificationCode
) {
    guard let context, let connection, let slot else { return }
    let connections = Unmanaged<ServerContext>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.connections }
    if change == .CONNECTION_NOTIFY_STARTED {
        let opened = Connections.Connection(socket: cmicrohttpd_connection_socket(connection))
        connections.add(opened)
        // The reference is given back below, when the connection is closed.
        slot.pointee = Unmanaged.passRetained(opened).toOpaque()
    } else if let opaque = slot.pointee {
        slot.pointee = nil
        connections.remove(Unmanaged<Connections.Connection>.fromOpaque(opaque).takeRetainedValue())
    }
}

/// The path stays percent-encoded: routes decode it segment by segment.
func leaveEscaped(
    context: UnsafeMutableRawPointer?, connection: OpaquePointer?, text: UnsafeMutablePointer<CChar>?
) -> Int {
    text.map { strlen($0) } ?? 0
}
