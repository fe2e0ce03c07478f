internal import HTTPMessages
package import Settings
internal import Threads

/// The clients that may use a route.
enum Access: Sendable {
    /// Everybody.
    case open
    /// Whoever has a token, if there is a file of tokens; else everybody.
    case inference
    /// Whoever has an admin token.
    case admin
}

/// Decides who may use a route, by bearer tokens from files.
///
/// The files are read again when they change. One that is empty, damaged or gone admits nobody.
public final class AccessRules: Sendable {
    /// Files of tokens that are in use. Immutable, but for what is in the files.
    package final class Files: Sendable {
        fileprivate let inference: TokenFile?
        fileprivate let admin: TokenFile?

        fileprivate init(_ inference: TokenFile?, _ admin: TokenFile?) {
            self.inference = inference
            self.admin = admin
        }
    }

    private let files: Published<Files>
    private let report: @Sendable (_ message: String, _ isProblem: Bool) -> Void

    /// Everybody may ask, nobody may administer.
    public init() {
        files = Published(Files(nil, nil))
        report = { _, _ in }
    }

    /// - Parameters:
    ///   - tokenFile: Tokens for inference; nil lets everybody ask.
    ///   - adminTokenFile: Tokens for everything; nil lets nobody administer.
    ///   - report: Gets told of changes of the files, and whether the change is a problem.
    /// - Throws: `SettingsProblem` for a file that cannot be used now.
    package init(
        tokenFile: String?, adminTokenFile: String?,
        report: @escaping @Sendable (_ message: String, _ isProblem: Bool) -> Void
    ) throws(SettingsProblem) {
        self.report = report
        files = Published(try Self.files(tokenFile, adminTokenFile, report))
    }

    private static func files(
        _ tokenFile: String?, _ adminTokenFile: String?,
        _ report: @escaping @Sendable (_ message: String, _ isProblem: Bool) -> Void
    ) throws(SettingsProblem) -> Files {
        let inference = if let tokenFile { try TokenFile(tokenFile, report) } else { nil as TokenFile? }
        let admin = if let adminTokenFile { try TokenFile(adminTokenFile, report) } else { nil as TokenFile? }
        return Files(inference, admin)
    }

    /// Reads other files, to be used by ``use(_:)``.
    ///
    /// - Parameters:
    ///   - tokenFile: Tokens for inference; nil lets everybody ask.
    ///   - adminTokenFile: Tokens for everything; nil lets nobody administer.
    /// - Returns: The files.
    /// - Throws: `SettingsProblem` for a file that cannot be used now.
    package func read(tokenFile: String?, adminTokenFile: String?) throws(SettingsProblem) -> Files {
        try Self.files(tokenFile, adminTokenFile, report)
    }

    /// Decides by other files from now on. For one thread.
    package func use(_ files: Files) { self.files.replace(with: files) }

    /// Looks at the files now.
    package func reread() {
        let files = files.current
        files.inference?.reread()
        files.admin?.reread()
    }

    /// Whether a request needs a token to use a route.
    func needsToken(_ access: Access) -> Bool {
        switch access {
        case .open: false
        case .inference: files.current.inference != nil
        case .admin: true
        }
    }

    /// Refuses a request that may not use a route.
    ///
    /// - Parameters:
    ///   - access: The route's.
    ///   - authorization: The value of the request's header.
    /// - Throws: ``RequestError`` 401 without a token that is known, 403 with one that does not suffice.
    func check(_ access: Access, _ authorization: UnsafeRawBufferPointer?) throws(RequestError) {
        if case .open = access { return }
        let files = files.current
        let (inference, admin) = (files.inference, files.admin)
        switch access {
        case .open: return
        case .inference:
            guard let inference else { return }
            let token = try Self.token(authorization)
            // Both, whatever the first says: how long it takes tells nothing.
            let isKnown = inference.tokens.contains(token)
            guard (admin?.tokens.contains(token) ?? false) || isKnown else { throw Self.unknownToken(inference) }
        case .admin:
            guard let admin else {
                throw RequestError(
                    403,
                    "this route requires an admin token, and the server has no admin token file: start it with --admin-token-file FILE"
                )
            }
            let token = try Self.token(authorization)
            let isKnown = inference?.tokens.contains(token) ?? false
            guard !admin.tokens.contains(token) else { return }
            guard !isKnown else { throw RequestError(403, "this token is for inference only: send an admin token") }
            throw Self.unknownToken(admin)
        }
    }

    /// The token of `Bearer TOKEN`.
    private static func token(_ header: UnsafeRawBufferPointer?) throws(RequestError) -> UnsafeRawBufferPointer {
        let missing = RequestError(
            401, "a bearer token is required: send the header Authorization: Bearer TOKEN",
            headers: [("WWW-Authenticate", "Bearer")])
        let scheme: StaticString = "bearer "
        guard let header, header.count > scheme.utf8CodeUnitCount else { throw missing }
        let expected = UnsafeBufferPointer(start: scheme.utf8Start, count: scheme.utf8CodeUnitCount)
        guard zip(header, expected).allSatisfy({ ($0 | 0x20) == $1 }) else { throw missing }
        let token = header[expected.count...].drop { $0 == UInt8(ascii: " ") }
        guard !token.isEmpty else { throw missing }
        return UnsafeRawBufferPointer(rebasing: token)
    }

    private static func unknownToken(_ file: TokenFile) -> RequestError {
        RequestError(
            401,
            file.tokens.problem == nil
                ? "the bearer token is unknown" : "no token is accepted, because the server's token file is invalid",
            headers: [("WWW-Authenticate", "Bearer error=\"invalid_token\"")])
    }
}
