internal import Glibc

/// A non-blocking listening socket. It is closed when it is destroyed.
struct Listener: ~Copyable {
    let descriptor: Int32
    /// The port that it listens on; 0 for a Unix socket.
    let port: Int
    private let file: SocketFile?

    private static let backlog: Int32 = 1024
    private static let unixPrefix = "unix:"

    /// Binds and listens.
    ///
    /// - Throws: ``HTTPServerError`` with the next step.
    init(host: String, port: Int) throws(HTTPServerError) {
        if host.hasPrefix(Self.unixPrefix) {
            let file = try SocketFile(String(host.dropFirst(Self.unixPrefix.count)), backlog: Self.backlog)
            (descriptor, self.port, self.file) = (file.descriptor, 0, file)
        } else {
            descriptor = try Self.open(host, port)
            self.port = Self.boundPort(descriptor) ?? port
            file = nil
        }
    }

    deinit {
        // Clients that connect now are refused, instead of accepted and dropped.
        file?.remove()
        close(descriptor)
    }

    /// Removes the file of a Unix socket, so that no client connects any more.
    func removeFile() { file?.remove() }

    private static func open(_ host: String, _ port: Int) throws(HTTPServerError) -> Int32 {
        guard (0...65535).contains(port) else {
            throw HTTPServerError(.badHost, "port \(port) is not between 0 and 65535")
        }
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, String(port), &hints, &list)
        guard status == 0, let address = list else {
            throw HTTPServerError(
                .badHost,
                "host \"\(host)\": \(String(cString: gai_strerror(status))); give an address of this machine with --host"
            )
        }
        defer { freeaddrinfo(list) }
        return try bind(address.pointee, host, port)
    }

    private static func bind(_ address: addrinfo, _ host: String, _ port: Int) throws(HTTPServerError) -> Int32 {
        let descriptor = socket(
            address.ai_family, address.ai_socktype | Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue),
            address.ai_protocol)
        guard descriptor >= 0 else { throw failure(errno, host, port) }
        var on: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        guard Glibc.bind(descriptor, address.ai_addr, address.ai_addrlen) == 0, listen(descriptor, backlog) == 0 else {
            let code = errno
            close(descriptor)
            throw failure(code, host, port)
        }
        return descriptor
    }

    private static func failure(_ code: Int32, _ host: String, _ port: Int) -> HTTPServerError {
        switch code {
        case EADDRINUSE:
            HTTPServerError(.portInUse, "port \(port) on \(host) is in use: choose another with --port")
        case EACCES:
            HTTPServerError(
                .notPermitted, "port \(port) on \(host) is not permitted: choose one above 1023 with --port")
        case EADDRNOTAVAIL:
            HTTPServerError(.badHost, "\(host) is not an address of this machine: give another with --host")
        default: HTTPServerError(.system, "listening on \(host) port \(port): \(String(cString: strerror(code)))")
        }
    }

    private static func boundPort(_ descriptor: Int32) -> Int? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                guard getsockname(descriptor, address, &length) == 0 else { return nil }
                // IPv4 and IPv6 addresses have the port at the same offset.
                return address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                    Int(UInt16(bigEndian: $0.pointee.sin_port))
                }
            }
        }
    }
}
