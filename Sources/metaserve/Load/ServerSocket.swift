import Glibc

/// A resolved address of a server, and its sockets.
// Safety: written once.
struct ServerSocket: @unchecked Sendable {
    private let storage: sockaddr_storage
    private let length: socklen_t
    private let family: Int32

    /// The reason why there is no connection.
    struct Failure: Error {
        let reason: String
    }

    /// Resolves the host.
    ///
    /// - Throws: ``Failure``.
    init(_ address: TargetAddress) throws(Failure) {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(address.host, "\(address.port)", &hints, &list)
        defer { if let list { freeaddrinfo(list) } }
        var found: (sockaddr_storage, socklen_t, Int32)?
        var reason = code == 0 ? "" : String(cString: gai_strerror(code))
        var entry = code == 0 ? list : nil
        while let info = entry?.pointee, found == nil {
            entry = info.ai_next
            guard let source = info.ai_addr else { continue }
            var storage = sockaddr_storage()
            memcpy(&storage, source, Int(info.ai_addrlen))
            // The first address that accepts connections: a name may have one of each family.
            let descriptor = socket(info.ai_family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            guard descriptor >= 0 else {
                reason = String(cString: strerror(errno))
                continue
            }
            var limit = timeval(tv_sec: Self.connectSeconds, tv_usec: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            if Glibc.connect(descriptor, source, info.ai_addrlen) == 0 {
                found = (storage, info.ai_addrlen, info.ai_family)
            } else {
                reason = String(cString: strerror(errno))
            }
            close(descriptor)
        }
        guard let found else { throw Failure(reason: reason) }
        (storage, length, family) = found
    }

    private static let connectSeconds = 5

    /// Opens a socket that does not block, and begins to connect.
    ///
    /// - Returns: The socket; nil if there is none left, or the server refuses.
    func connect() -> Int32? {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(family, kind, 0)
        guard descriptor >= 0 else { return nil }
        var yes: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
        let status = withUnsafePointer(to: storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(descriptor, $0, length) }
        }
        guard status == 0 || errno == EINPROGRESS else {
            close(descriptor)
            return nil
        }
        return descriptor
    }
}
