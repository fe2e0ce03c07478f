internal import CMicrohttpd
internal import CResponses
internal import Glibc
internal import Synchronization

/// One of the library's daemons: a thread that serves its connections with epoll.
final class Daemon: Sendable {
    let worker: Worker
    /// The handle's address; 0 after it is stopped.
    // Safety: the thread that exchanges the address for 0 is the only one that stops the daemon.
    private let handle: Atomic<UInt>

    /// The library's memory for a connection. The first line and the headers must fit. The library clears all of it after each request, so
    /// more would slow every request down.
    private static let connectionMemoryBytes = 16 << 10

    /// Whether a request's headers leave room for those of a response. If not, the library closes the connection without a response.
    static func hasRoomForResponse(headerBytes: Int, headerCount: Int) -> Bool {
        // The library has 64 bytes for each header of the request; a response's may take about 1 KiB.
        headerBytes + 64 * headerCount <= connectionMemoryBytes - 1536
    }

    /// TLS 1.2 and 1.3, with forward secrecy and authenticated encryption only: no key exchange by RSA, no CBC.
    private static let priorities: StaticString = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-MAC-ALL:+AEAD"

    /// Starts the thread.
    ///
    /// - Throws: ``HTTPServerError``.
    init(_ worker: Worker, idleTimeoutSeconds: Int, usesTLS: Bool) throws(HTTPServerError) {
        self.worker = worker
        var flags =
            MHD_USE_EPOLL_INTERNAL_THREAD.rawValue | MHD_USE_NO_LISTEN_SOCKET.rawValue
            | MHD_ALLOW_SUSPEND_RESUME.rawValue
        if usesTLS { flags |= MHD_USE_TLS.rawValue }
        // Safety: the worker is kept by self, which stops the daemon before it lets go of it. The library copies the options;
        // a StaticString of more than one scalar is text that ends with 0.
        var options = cmicrohttpd_options()
        options.flags = UInt32(flags)
        options.context = Unmanaged.passUnretained(worker).toOpaque()
        options.handler = receiveRequest
        options.completed = completeRequest
        options.connection = changeConnection
        options.unescape = leaveEscaped
        options.first_line = receiveLine
        options.timeout_seconds = UInt32(clamping: max(1, idleTimeoutSeconds))
        options.connection_limit = .max - 1
        options.connection_memory = Self.connectionMemoryBytes
        if usesTLS { options.certificate = chooseCertificate }
        options.priorities = UnsafeRawPointer(Self.priorities.utf8Start).assumingMemoryBound(to: CChar.self)
        cresponses_set_refusal(refuseForLibrary)
        let started = cmicrohttpd_start(&options)
        guard let started else {
            throw HTTPServerError(.system, "libmicrohttpd cannot start: \(String(cString: strerror(errno)))")
        }
        handle = Atomic(UInt(bitPattern: started))
    }

    deinit { stop() }

    /// Gives the daemon a connected socket, which it closes in the end. Must not be called at the same time as ``stop()``.
    func add(_ socket: Int32, _ address: UnsafePointer<sockaddr>, _ length: socklen_t) {
        worker.openCount.add(1, ordering: .relaxed)
        let daemon = OpaquePointer(bitPattern: handle.load(ordering: .relaxed))
        if MHD_add_connection(daemon, socket, address, length) != .YES {
            worker.openCount.subtract(1, ordering: .relaxed)
        }
    }

    /// Closes all connections and ends the thread. If the handler has unfinished exchanges, their connections are shut down and the thread
    /// stays as long as the process, because the exchanges refer to the library's memory.
    ///
    /// - Returns: Whether the thread has ended.
    @discardableResult
    func stop() -> Bool {
        guard let daemon = OpaquePointer(bitPattern: handle.exchange(0, ordering: .acquiringAndReleasing)) else {
            return !worker.hasUnfinished
        }
        worker.close()
        guard !worker.hasUnfinished else {
            _ = Unmanaged.passRetained(worker)
            worker.connections.shut()
            return false
        }
        MHD_stop_daemon(daemon)
        return true
    }
}
