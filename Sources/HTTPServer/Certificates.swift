internal import Files
internal import Threads

/// The certificate for handshakes. It is read again when its files change.
final class Certificates: Sendable {
    private let files: HTTPServer.TLS
    private let published: Published<Certificate>
    private let report: @Sendable (HTTPServer.CertificateEvent) -> Void
    private let state: Locked<State>

    private struct State {
        /// The files of ``current``.
        var used: [FileIdentity?]
        /// The files that were unusable at the last check, and those that were reported as unusable.
        var suspect: [FileIdentity?]?
        var refused: [FileIdentity?]?
        var nextLook = 0
    }

    /// - Throws: ``HTTPServerError`` that names the file and the problem.
    init(
        _ files: HTTPServer.TLS, report: @escaping @Sendable (HTTPServer.CertificateEvent) -> Void
    ) throws(HTTPServerError) {
        self.files = files
        self.report = report
        // Their identities are taken before they are read, so that a change in between is noticed later.
        state = Locked(State(used: Self.identities(files)))
        published = Published(try Certificate(files))
    }

    /// The certificate for a handshake.
    var current: Certificate { published.current }

    /// Checks the files, unless the last check was less than a second ago.
    ///
    /// Unusable files are reported if they are the same at the next check. Until then, another process may be writing them.
    ///
    /// - Parameter isWanted: Whether the files are known to be complete. They are then checked now, and reported immediately.
    func refresh(isWanted: Bool = false) {
        let now = Pace.nowNanoseconds
        let event = state.withLock { state -> HTTPServer.CertificateEvent? in
            guard now >= state.nextLook || isWanted else { return nil }
            state.nextLook = now + 1_000_000_000
            let found = Self.identities(files)
            guard found != state.used, found != state.refused else { return nil }
            do throws(HTTPServerError) {
                published.replace(with: try Certificate(files))
                state = State(used: found, nextLook: state.nextLook)
                return .replaced
            } catch {
                guard found == state.suspect || isWanted else {
                    state.suspect = found
                    return nil
                }
                state.refused = found
                return .refused(error)
            }
        }
        if let event { report(event) }
    }

    private static func identities(_ files: HTTPServer.TLS) -> [FileIdentity?] {
        [FileIdentity(path: files.certificatePath), FileIdentity(path: files.keyPath)]
    }
}
