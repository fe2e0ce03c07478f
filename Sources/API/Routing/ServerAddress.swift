/// The server's address for clients.
public struct ServerAddress: Sendable, CustomStringConvertible {
    /// The URL up to the path.
    public let url: String
    /// The Unix socket to connect to; nil if the URL has the host and the port.
    public let socketPath: String?

    /// - Parameters:
    ///   - url: The URL up to the path.
    ///   - socketPath: The Unix socket, if there is one.
    public init(url: String, socketPath: String? = nil) {
        self.url = url
        self.socketPath = socketPath
    }

    /// The URL, or `unix:PATH`.
    public var description: String { socketPath.map { "unix:\($0)" } ?? url }
}
