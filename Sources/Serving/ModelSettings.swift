internal import FoundationEssentials
internal import Tensors
internal import Yams

/// What a model's own folder says of how it is served: `metaserve.yaml`.
///
/// ```yaml
/// defaults:
///   keep_prob:0: 1
/// ```
struct ModelSettings {
    private(set) var defaults = DefaultValues()

    static let fileName = "metaserve.yaml"
    private static let keys = ["defaults"]
    private static let mostBytes = 1 << 20
    private static let deepest = 64

    /// Reads the file of a folder; where there is none, nothing is set.
    ///
    /// - Throws: ``ModelError`` of kind `load`, with the line, for what is no YAML, for an unknown key, with the nearest, and for
    ///   a value that is no number, truth value, string or list of them.
    init(folder: String) throws(ModelError) {
        let path = "\(folder)/\(Self.fileName)"
        guard FileManager.default.fileExists(atPath: path) else { return }
        guard let data = FileManager.default.contents(atPath: path), data.count <= Self.mostBytes else {
            throw ModelError(.load, "\(path): cannot be read, or is longer than \(Self.mostBytes) bytes")
        }
        let root: Yams.Node?
        do { root = try Yams.compose(yaml: String(decoding: data, as: UTF8.self)) } catch {
            throw ModelError(.load, "\(path): is not YAML: \(error)")
        }
        guard let root, root.null == nil else { return }
        for (key, value) in try Self.pairs(of: root, path) {
            guard Self.keys.contains(key.name) else {
                let nearest = DefaultValues.nearest(to: key.name, among: Self.keys)
                throw ModelError(.load, "\(key.place): unknown key \"\(key.name)\"\(nearest)")
            }
            for (name, value) in try Self.pairs(of: value, path) {
                defaults.values[name.name] = try Self.value(value, path, 0)
            }
        }
    }

    private struct Key {
        let name: String
        let place: String
    }

    private static func place(_ node: Yams.Node, _ path: String) -> String {
        node.mark.map { "\(path):\($0.line)" } ?? path
    }

    private static func pairs(of node: Yams.Node, _ path: String) throws(ModelError) -> [(Key, Yams.Node)] {
        guard let mapping = node.mapping else {
            throw ModelError(.load, "\(place(node, path)): expected keys and values")
        }
        var result: [(Key, Yams.Node)] = []
        for (key, value) in mapping {
            guard let name = key.scalar?.string else {
                throw ModelError(.load, "\(place(key, path)): expected a name")
            }
            result.append((Key(name: name, place: place(key, path)), value))
        }
        return result
    }

    private static func value(_ node: Yams.Node, _ path: String, _ depth: Int) throws(ModelError) -> FeedValue {
        guard depth < deepest else { throw ModelError(.load, "\(place(node, path)): lists nest too deep") }
        if let sequence = node.sequence {
            var elements: [FeedValue] = []
            for element in sequence { elements.append(try value(element, path, depth + 1)) }
            return FeedValue(elements)
        }
        guard let scalar = node.scalar else {
            throw ModelError(.load, "\(place(node, path)): expected a number, true, false, a string or a list")
        }
        guard scalar.style == .plain || scalar.style == .any else { return FeedValue(stringLiteral: scalar.string) }
        if let truth = ["true": true, "false": false][scalar.string.lowercased()] {
            return FeedValue(booleanLiteral: truth)
        }
        if let integer = Int64(scalar.string) { return FeedValue(integer) }
        return node.float.map { FeedValue($0) } ?? FeedValue(stringLiteral: scalar.string)
    }
}
