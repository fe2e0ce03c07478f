internal import Yams

/// A value in a file of settings, or of a flag, with its place for messages.
package struct SettingsNode: Sendable {
    /// The content of a value.
    package enum Content: Sendable {
        case nothing
        /// A text as it was written. It is plain if it was unquoted, and may be a number then.
        case scalar(String, isPlain: Bool)
        case list([SettingsNode])
        case map([Entry])
    }

    /// A key and its value.
    package struct Entry: Sendable {
        package let name: String
        package let place: String
        package let value: SettingsNode
    }

    package let content: Content
    /// The file and line, or the flag.
    package let place: String

    /// The node of a flag.
    ///
    /// - Parameters:
    ///   - flag: Its name, for messages.
    ///   - texts: Its values; several if the flag is repeatable.
    package init(flag: String, _ texts: [String]) {
        place = flag
        let scalars = texts.map { SettingsNode(.scalar($0, isPlain: true), flag) }
        content = scalars.count == 1 ? scalars[0].content : .list(scalars)
    }

    private init(_ content: Content, _ place: String) {
        self.content = content
        self.place = place
    }

    /// The value, for messages.
    package var found: String {
        switch content {
        case .nothing: "nothing"
        case .scalar(let text, isPlain: true): text.count > Self.maxShown ? "\(text.prefix(Self.maxShown))..." : text
        case .scalar(let text, isPlain: false): "the text \"\(text.prefix(Self.maxShown))\""
        case .list: "a list"
        case .map: "keys and values"
        }
    }

    private static let maxShown = 60
}

extension SettingsNode {
    private static let maxBytes = 1 << 20
    private static let deepest = 64
    /// A YAML file can repeat earlier parts by reference (`*name`), and so expand far beyond its size.
    private static let maxNodes = 100_000

    /// Reads a file of YAML.
    ///
    /// - Parameter path: The file.
    /// - Throws: ``SettingsError`` with the line, if the file cannot be read or is not YAML.
    package init(file path: String) throws(SettingsError) {
        let bytes: [UInt8]
        do throws(SettingsProblem) { bytes = try SmallFile.read(path, maxBytes: Self.maxBytes) } catch {
            throw SettingsError([error])
        }
        try self.init(yaml: String(decoding: bytes, as: UTF8.self), file: path)
    }

    /// Reads YAML.
    ///
    /// - Parameters:
    ///   - yaml: The text.
    ///   - path: The file of the text, for messages.
    /// - Throws: ``SettingsError`` with the line, if the text is not YAML.
    package init(yaml: String, file path: String) throws(SettingsError) {
        let root: Yams.Node?
        do { root = try Yams.compose(yaml: yaml) } catch { throw SettingsError([Self.problem(error, path)]) }
        guard let root else {
            self.init(.nothing, path)
            return
        }
        var nodeCount = 0
        self = try Self.node(root, path, 0, &nodeCount)
    }

    private static func problem(_ error: any Error, _ path: String) -> SettingsProblem {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            SettingsProblem("\(path):\(mark.line)", "not valid YAML: \(problem)")
        case .duplicatedKeysInMapping(let names, let context):
            SettingsProblem("\(path):\(context.mark.line)", "the key \"\(names.first ?? "")\" is given twice")
        default: SettingsProblem(path, "not valid YAML: \(error)")
        }
    }

    private static func node(
        _ node: Yams.Node, _ path: String, _ depth: Int, _ nodeCount: inout Int
    ) throws(SettingsError) -> SettingsNode {
        let place = node.mark.map { "\(path):\($0.line)" } ?? path
        guard depth < deepest else { throw SettingsError([SettingsProblem(place, "lists are nested too deeply")]) }
        nodeCount += 1
        guard nodeCount <= maxNodes else {
            throw SettingsError([SettingsProblem(place, "has more than \(maxNodes) values")])
        }
        switch node {
        case .scalar(let scalar):
            let isPlain = scalar.style == .plain || scalar.style == .any
            let isNothing = isPlain && ["", "~", "null"].contains(scalar.string)
            return SettingsNode(isNothing ? .nothing : .scalar(scalar.string, isPlain: isPlain), place)
        case .sequence(let sequence):
            var elements: [SettingsNode] = []
            for element in sequence { elements.append(try Self.node(element, path, depth + 1, &nodeCount)) }
            return SettingsNode(.list(elements), place)
        case .mapping(let mapping):
            var entries: [Entry] = []
            for (key, value) in mapping {
                let keyPlace = key.mark.map { "\(path):\($0.line)" } ?? path
                guard let name = key.scalar?.string else {
                    throw SettingsError([SettingsProblem(keyPlace, "expected a name")])
                }
                let value = try Self.node(value, path, depth + 1, &nodeCount)
                entries.append(Entry(name: name, place: keyPlace, value: value))
            }
            return SettingsNode(.map(entries), place)
        case .alias: throw SettingsError([SettingsProblem(place, "expected a value, found an alias")])
        }
    }
}
