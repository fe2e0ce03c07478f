internal import CMicrohttpd
internal import Glibc

// libmicrohttpd's callbacks. Safety: the context pointer is the Worker that its Daemon keeps alive until the library's thread
// has ended; `slot` is the request's own, and holds the exchange that Worker.beginLine made. None of them can throw.

func receiveRequest(
    context: UnsafeMutableRawPointer?, connection: OpaquePointer?, path: UnsafePointer<CChar>?,
    method: UnsafePointer<CChar>?, version: UnsafePointer<CChar>?, data: UnsafePointer<CChar>?,
    size: UnsafeMutablePointer<Int>?, slot: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
    guard let context, let connection, let path, let method, let version, let size, let slot else { return .NO }
    return Unmanaged<Worker>.fromOpaque(context)._withUnsafeGuaranteedRef { worker in
        let opaque = slot.pointee ?? worker.beginLine(connection, nil)
        slot.pointee = opaque
        return Unmanaged<Exchange>.fromOpaque(opaque)._withUnsafeGuaranteedRef { exchange in
            guard exchange.connection != nil else {
                return worker.begin(connection, exchange, RequestLine(method: method, target: path, version: version))
            }
            guard size.pointee == 0 else {
                let bytes = UnsafeRawBufferPointer(start: data, count: size.pointee)
                size.pointee = 0
                return worker.receive(connection, bytes, exchange)
            }
            return worker.respond(connection, exchange)
        }
    }
}

/// Receives a request's first line. Its result is stored in the request's slot.
func receiveLine(
    context: UnsafeMutableRawPointer?, uri: UnsafePointer<CChar>?, connection: OpaquePointer?
) -> UnsafeMutableRawPointer? {
    guard let context, let connection else { return nil }
    let exchange = Unmanaged<Worker>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.beginLine(connection, uri) }
    if let uri { dropQuery(of: uri) }
    return exchange
}

/// Queries are not used. The library would parse them, and many arguments need more memory than a connection has.
private func dropQuery(of target: UnsafePointer<CChar>) {
    guard let mark = strchr(target, 0x3f), mark[1] != 0 else { return }
    // Safety: the target is in the memory that the library received the request in, and looks for arguments behind the mark next.
    mark[1] = 0
}

/// The library is about to refuse a request itself.
func refuseForLibrary(connection: OpaquePointer?, status: UInt32) -> Bool {
    guard let connection, let context = cmicrohttpd_connection_context(connection) else { return false }
    // Safety: the context is the Connection that Worker.open made, whose worker is kept as long as the library's thread runs.
    return Unmanaged<Connection>.fromOpaque(context)._withUnsafeGuaranteedRef { open in
        open.worker.refuseForLibrary(connection, open, status: Int(status))
    }
}

func completeRequest(
    context: UnsafeMutableRawPointer?, connection: OpaquePointer?,
    slot: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, reason: MHD_RequestTerminationCode
) {
    guard let context, let exchange = slot?.pointee else { return }
    slot?.pointee = nil
    Unmanaged<Worker>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.complete(connection, exchange) }
}

func changeConnection(
    context: UnsafeMutableRawPointer?, connection: OpaquePointer?,
    slot: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, change: MHD_ConnectionNotificationCode
) {
    guard let context, let connection, let slot else { return }
    Unmanaged<Worker>.fromOpaque(context)._withUnsafeGuaranteedRef { worker in
        if change == .CONNECTION_NOTIFY_STARTED { worker.open(connection, slot) } else { worker.close(slot) }
    }
}

func noteHeader(
    context: UnsafeMutableRawPointer?, kind: MHD_ValueKind, name: UnsafePointer<CChar>?, nameCount: Int,
    value: UnsafePointer<CChar>?, valueCount: Int
) -> MHD_Result {
    guard let context, let name, let value else { return .YES }
    context.assumingMemoryBound(to: RequestHeaders.self).pointee.note(
        UnsafeRawBufferPointer(start: name, count: nameCount), UnsafeRawBufferPointer(start: value, count: valueCount))
    return .YES
}

/// A handshake asks for the server's certificate.
func chooseCertificate(
    session: gnutls_session_t?, info: UnsafePointer<gnutls_cert_retr_st>?,
    chain: UnsafeMutablePointer<UnsafeMutablePointer<gnutls_pcert_st>?>?, count: UnsafeMutablePointer<UInt32>?,
    status: UnsafeMutablePointer<UnsafeMutablePointer<gnutls_ocsp_data_st>?>?,
    statusCount: UnsafeMutablePointer<UInt32>?, key: UnsafeMutablePointer<gnutls_privkey_t?>?,
    flags: UnsafeMutablePointer<UInt32>?
) -> Int32 {
    guard let session, let chain, let count, let key, let context = cmicrohttpd_session_context(session) else {
        return -1
    }
    // Safety: the context is the Connection that Worker.open made, which keeps the certificate as long as it is open.
    return Unmanaged<Connection>.fromOpaque(context)._withUnsafeGuaranteedRef { connection in
        guard let certificate = connection.chooseCertificate() else { return -1 }
        certificate.give(chain, count, key)
        statusCount?.pointee = 0
        return 0
    }
}

/// The path stays percent-encoded: routes decode it segment by segment.
func leaveEscaped(
    context: UnsafeMutableRawPointer?, connection: OpaquePointer?, text: UnsafeMutablePointer<CChar>?
) -> Int {
    text.map { strlen($0) } ?? 0
}
