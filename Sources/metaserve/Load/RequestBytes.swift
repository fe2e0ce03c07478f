/// A request of HTTP/1.1, ready to be sent.
enum RequestBytes {
    /// Composes a request: a POST of the body, or a GET without one.
    ///
    /// - Parameters:
    ///   - address: The server; its path is not empty.
    ///   - body: The body, and its media type.
    ///   - headers: More headers, as lines. They take precedence over those of this function.
    /// - Returns: The bytes.
    static func compose(
        _ address: TargetAddress, body: (bytes: [UInt8], type: String)?, headers: [String]
    ) -> [UInt8] {
        var lines = ["\(body == nil ? "GET" : "POST") \(address.path) HTTP/1.1", "Host: \(address.authority)"]
        if let body {
            lines += ["Content-Type: \(body.type)", "Content-Length: \(body.bytes.count)"]
        }
        let names = Set(headers.map(name))
        lines = [lines[0]] + lines.dropFirst().filter { !names.contains(name($0)) } + headers
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + (body?.bytes ?? [])
    }

    private static func name(_ line: String) -> String { line.prefix { $0 != ":" }.lowercased() }

    /// The media type of a file, by its name.
    static func type(of path: String) -> String {
        if path.hasSuffix(".npy") { return "application/x-npy" }
        return path.hasSuffix(".json") ? "application/json" : "application/octet-stream"
    }
}
