/// The reason why a server cannot start.
public struct HTTPServerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of failure.
    public enum Kind: Hashable, Sendable {
        /// The host is not an address or a name of this machine.
        case badHost
        /// Another program listens there.
        case portInUse
        /// The port requires privileges that the process lacks.
        case notPermitted
        /// The certificate or its key cannot be used.
        case badCertificate
        /// The operating system or the library refused.
        case system
    }

    /// The kind of failure.
    public let kind: Kind
    /// The problem, and what to do.
    public let description: String

    init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}
