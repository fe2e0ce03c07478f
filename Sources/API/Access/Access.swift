internal import HTTPMessages
package import Settings
internal import Threads

/// The clients that may use a route.
enum Access: Sendable {
    /// All clients.
    case open
    /// Clients with a token, if there is a file of tokens; otherwise all clients.
    case inference
    /// Clients with an admin token.
    case admin
}

/// Decides who may use a route, by bearer tokens from files.
///
/// The files are read again when they change. A file that is empty, damaged or missing admits no client.
public final class AccessRules: Sendable {
    /// The files of tokens in use. Immutable, except for the contents of the files.
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

    /// Any client may send requests, and none may administer.
    public init() {
        files = Published(Files(nil, nil))
        report = { _, _ in }
    }

    /// - Parameters:
    ///   - tokenFile: Tokens for inference; nil admits all clients.
    ///   - adminTokenFile: Tokens for everything; nil admits no administrator.
    ///   - report: Called for each change of the files, with whether the change is a problem.
    /// - Throws: `SettingsProblem` for an unusable file.
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
    ///   - tokenFile: Tokens for inference; nil admits all clients.
    ///   - adminTokenFile: Tokens for everything; nil admits no administrator.
    /// - Returns: The files.
    /// - Throws: `SettingsProblem` for an unusable file.
    package func read(tokenFile: String?, adminTokenFile: String?) throws(SettingsProblem) -> Files {
        try Self.files(tokenFile, adminTokenFile, report)
    }

    /// Replaces the files. For one thread.
    package func use(_ files: Files) { self.files.replace(with: files) }

    /// Checks the files now.
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
    ///   - access: The route's access rule.
    ///   - authorization: The value of the request's header.
    /// - Throws: ``RequestError`` 401 without a known token, 403 with an insufficient one.
    func check(_ access: Access, _ authorization: UnsafeRawBufferPointer?) throws(RequestError) {
        if case .open = access { return }
        if case .inference = access, files.withCurrent({ $0.inference == nil }) { return }
        let files = files.current
        let (inference, admin) = (files.inference, files.admin)
        switch access {
        case .open: return
        case .inference:
            guard let inference else { return }
            let token = try Self.token(authorization)
            // Both are always checked, so that the time reveals nothing.
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
