internal import Files
internal import Threads

/// The certificate that handshakes use, read anew when its files change.
final class Certificates: Sendable {
    private let files: HTTPServer.TLS
    private let published: Published<Certificate>
    private let report: @Sendable (HTTPServer.CertificateEvent) -> Void
    private let state: Locked<State>

    private struct State {
        /// The files that ``current`` is from.
        var used: [FileIdentity?]
        /// Files that could not be used at the last look, and those of which that was reported.
        var suspect: [FileIdentity?]?
        var refused: [FileIdentity?]?
        var nextLook = 0
    }

    /// - Throws: ``HTTPServerError`` naming the file and what is wrong with it.
    init(
        _ files: HTTPServer.TLS, report: @escaping @Sendable (HTTPServer.CertificateEvent) -> Void
    ) throws(HTTPServerError) {
        self.files = files
        self.report = report
        // Looked at before they are read: if they change meanwhile, that is seen later.
        state = Locked(State(used: Self.identities(files)))
        published = Published(try Certificate(files))
    }

    /// The certificate for a handshake.
    var current: Certificate { published.current }

    /// Looks at the files, unless that was less than a second ago.
    ///
    /// Files that cannot be used are reported when they are the same at the next look: until then somebody may be writing them.
    ///
    /// - Parameter isWanted: Whether somebody says that the files are complete: then they are looked at now, and reported at once.
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
