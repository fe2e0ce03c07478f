/// Paths and file names as bytes.
///
/// Swift joins a combining mark, a joiner or a selector to the character before it, even to a slash or a dot. This type therefore
/// never uses characters.
package enum PathText {
    private static let slash = UInt8(ascii: "/")

    /// The components between the slashes, without empty ones.
    package static func components(of path: String) -> [String] {
        path.utf8.split(separator: slash).map { String(Substring($0)) }
    }

    /// The last component: `b` of `/a/b` and of `/a/b/`; the path itself if it has none.
    package static func name(of path: String) -> String {
        path.utf8.split(separator: slash).last.map { String(Substring($0)) } ?? path
    }

    /// The path before the last component; `.` if there is none, `/` at the root.
    package static func folder(of path: String) -> String {
        let bytes = withoutSlashes(path.utf8[...])
        guard let end = bytes.lastIndex(of: slash) else { return "." }
        let folder = withoutSlashes(bytes[..<end])
        return folder.isEmpty ? "/" : String(Substring(folder))
    }

    /// The path without trailing slashes. The root keeps its slash.
    package static func withoutTrailingSlashes(_ path: String) -> String {
        let bytes = withoutSlashes(path.utf8[...])
        return bytes.isEmpty ? String(Substring(path.utf8.prefix(1))) : String(Substring(bytes))
    }

    private static func withoutSlashes(_ path: Substring.UTF8View) -> Substring.UTF8View {
        var path = path
        while path.last == slash { path = path.dropLast() }
        return path
    }

    /// The path relative to a folder: `b/c` of `/a/b/c` below `/a`; nil if the path is not in the folder, or contains `..`.
    package static func path(_ path: String, below folder: String) -> String? {
        let parts = components(of: path)
        let base = components(of: folder)
        guard path.utf8.first == slash, folder.utf8.first == slash, parts.count > base.count, !parts.contains(".."),
            zip(parts, base).allSatisfy({ $0.utf8.elementsEqual($1.utf8) })
        else { return nil }
        return parts.dropFirst(base.count).joined(separator: "/")
    }
}

extension String {
    /// Whether the bytes equal those of another text.
    package func isExactly(_ other: String) -> Bool { utf8.elementsEqual(other.utf8) }

    /// Whether the bytes start with those of another text.
    package func begins(with prefix: String) -> Bool { utf8.starts(with: prefix.utf8) }

    /// Whether the bytes end with those of another text.
    package func ends(with suffix: String) -> Bool { utf8.reversed().starts(with: suffix.utf8.reversed()) }

    /// The text before an ending; nil if the text does not have that ending.
    package func withoutEnding(_ suffix: String) -> String? {
        ends(with: suffix) ? String(Substring(utf8.dropLast(suffix.utf8.count))) : nil
    }
}
