internal import Glibc

/// A listening Unix socket and its file.
struct SocketFile {
    /// The non-blocking socket.
    let descriptor: Int32
    private let path: String
    private let device: dev_t
    private let inode: ino_t

    /// Owner and group may connect.
    private static let mode: mode_t = 0o660

    /// Binds and listens. A file that a crashed server left behind is replaced.
    ///
    /// - Throws: ``HTTPServerError`` with the next step.
    init(_ path: String, backlog: Int32) throws(HTTPServerError) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard !path.isEmpty, path.utf8.count < room, !path.utf8.contains(0) else {
            throw HTTPServerError(
                .badHost, "host \"unix:\(path)\": the path of a Unix socket must have 1 to \(room - 1) bytes")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let descriptor = socket(
            AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw Self.failure(errno, path) }
        do throws(HTTPServerError) {
            // The file never has other permissions.
            fchmod(descriptor, Self.mode)
            try Self.bind(descriptor, &address, path)
            var status = stat()
            guard chmod(path, Self.mode) == 0, stat(path, &status) == 0, listen(descriptor, backlog) == 0 else {
                throw Self.failure(errno, path)
            }
            (device, inode) = (status.st_dev, status.st_ino)
        } catch {
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
        self.path = path
    }

    /// Removes the file, unless another one has taken its place.
    func remove() {
        var status = stat()
        guard stat(path, &status) == 0, status.st_dev == device, status.st_ino == inode else { return }
        unlink(path)
    }

    private static func bind(_ descriptor: Int32, _ address: inout sockaddr_un, _ path: String) throws(HTTPServerError)
    {
        if call(Glibc.bind, descriptor, &address) == 0 { return }
        guard errno == EADDRINUSE else { throw failure(errno, path) }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else {
            throw HTTPServerError(
                .portInUse, "\(path) exists and is not a socket: remove it, or choose another path with --host")
        }
        let client = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard client >= 0 else { throw failure(errno, path) }
        defer { close(client) }
        guard call(connect, client, &address) != 0, errno == ECONNREFUSED else {
            throw HTTPServerError(
                .portInUse, "another server listens on unix:\(path): stop it, or choose another path with --host")
        }
        unlink(path)
        guard call(Glibc.bind, descriptor, &address) == 0 else { throw failure(errno, path) }
    }

    private static func call(
        _ function: (Int32, UnsafePointer<sockaddr>?, socklen_t) -> Int32, _ descriptor: Int32,
        _ address: inout sockaddr_un
    ) -> Int32 {
        withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                function(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    private static func failure(_ code: Int32, _ path: String) -> HTTPServerError {
        HTTPServerError(
            code == EACCES || code == EPERM ? .notPermitted : .badHost,
            "listening on unix:\(path): \(String(cString: strerror(code))); give another path with --host")
    }
}
