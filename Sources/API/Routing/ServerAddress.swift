/// Where clients on the server's machine find it.
public struct ServerAddress: Sendable, CustomStringConvertible {
    /// The URL up to the path.
    public let url: String
    /// The socket in the file system to connect to; nil where the URL tells the host and the port.
    public let socketPath: String?

    /// - Parameters:
    ///   - url: What stands before the path.
    ///   - socketPath: The socket in the file system, if it is one.
    public init(url: String, socketPath: String? = nil) {
        self.url = url
        self.socketPath = socketPath
    }

    /// The URL, or `unix:PATH`.
    public var description: String { socketPath.map { "unix:\($0)" } ?? url }
}
