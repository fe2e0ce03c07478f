import ArgumentParser

/// The address of a server: `http://HOST[:PORT][/PATH]`.
struct TargetAddress: Sendable {
    /// A name, or an IP address.
    let host: String
    let port: UInt16
    /// The path with its query; empty if the address has none.
    let path: String

    /// Reads an address.
    ///
    /// - Parameter text: The address.
    /// - Returns: Its parts.
    /// - Throws: `ValidationError` with the expected form.
    static func parse(_ text: String) throws -> TargetAddress {
        let scheme = "http://"
        guard text.lowercased().hasPrefix(scheme) else {
            let hint = text.contains("://") ? "only http is supported" : "write http://\(text)"
            throw ValidationError("\(text): expected http://HOST[:PORT][/PATH]; \(hint)")
        }
        let rest = text.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let tail = rest[authority.endIndex...].prefix { $0 != "#" }
        var host = authority
        var port: UInt16? = 80
        if let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") {
            host = authority[..<colon]
            port = UInt16(authority[authority.index(after: colon)...])
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard let port, port > 0, !host.isEmpty, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw ValidationError("\(text): expected http://HOST[:PORT][/PATH], such as http://localhost:8501")
        }
        let path = tail.hasPrefix("?") ? "/" + tail : String(tail)
        return TargetAddress(host: String(host), port: port, path: path == "/" ? "" : path)
    }

    /// The path of `/predict` of a model.
    static func predictPath(of model: String) -> String {
        let encoded = model.utf8.map { byte in
            let character = Character(UnicodeScalar(byte))
            let isPlain = byte < 0x80 && (character.isLetter || character.isNumber || "-._~".contains(character))
            return isPlain ? String(character) : (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
        }
        return "/models/" + encoded.joined() + "/predict"
    }

    /// The same server with another path.
    func with(path: String) -> TargetAddress { TargetAddress(host: host, port: port, path: path) }

    /// The address as text.
    var text: String { "http://\(authority)\(path)" }

    /// The host and the port, as in the header `Host`.
    var authority: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }
}
