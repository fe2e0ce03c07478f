internal import Graphs
internal import Operations
internal import Settings
internal import Tensors
internal import Text

/// Values of placeholders that a request does not feed, such as `keep_prob`.
public struct DefaultValues: Sendable {
    /// The values by the placeholders' names, `keep_prob` or `keep_prob:0`.
    public var values: [String: FeedValue]
    /// Whether they apply to several models. Each model uses those that it has a placeholder for.
    public var isShared: Bool

    /// - Parameters:
    ///   - values: By the placeholders' names.
    ///   - isShared: Whether a model may lack a name.
    public init(_ values: [String: FeedValue] = [:], isShared: Bool = false) {
        self.values = values
        self.isShared = isShared
    }

    /// These values merged with others, which take precedence.
    package func merging(_ others: DefaultValues?) -> DefaultValues {
        guard let others else { return self }
        var result = self
        result.values.merge(others.values) { $1 }
        return result
    }

    /// The values as tensors, by the indices of the placeholders.
    ///
    /// - Throws: ``ModelError`` of kind `load` for an unknown placeholder, with the nearest names, and for a value that does not fit
    ///   its dtype or shape.
    func tensors(for graph: Graph, model: String) throws(ModelError) -> [Int: Tensor] {
        var result: [Int: Tensor] = [:]
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            guard let index = Self.placeholder(name, graph) else {
                if isShared { continue }
                let nearest = Self.nearest(to: name, among: Self.placeholders(of: graph))
                throw ModelError(
                    .load, "default \"\(name)\": model \"\(model)\" has no placeholder of this name\(nearest)")
            }
            guard result.updateValue(try Self.tensor(value, name, graph.nodes[index]), forKey: index) == nil else {
                throw ModelError(.load, "default \"\(name)\" is given twice")
            }
        }
        return result
    }

    /// The end of a message: names that are similar to an unknown one.
    package static func nearest(to name: String, among names: [String]) -> String {
        NearestNames.hint(for: name.hasSuffix(":0") ? String(name.dropLast(2)) : name, among: names)
    }

    /// The names of all placeholders.
    static func placeholders(of graph: Graph) -> [String] {
        graph.nodes.filter { OpTable.traits(of: $0.op).contains(.feed) }.map(\.name)
    }

    static func placeholder(_ text: String, _ graph: Graph) -> Int? {
        guard let name = TensorName(parsing: text), !name.isControl, name.output == 0,
            let index = graph.index(ofNode: name.node), OpTable.traits(of: graph.nodes[index].op).contains(.feed)
        else { return nil }
        return index
    }

    private static func tensor(_ value: FeedValue, _ name: String, _ node: Node) throws(ModelError) -> Tensor {
        let subject = "default \"\(name)\""
        guard case .type(let dtype?)? = try? node.attribute("dtype") else {
            throw ModelError(.load, "\(subject): the placeholder's dtype is not known")
        }
        let tensor: Tensor
        do throws(ModelError) { tensor = try value.tensor(of: dtype, feed: subject) } catch {
            throw ModelError(.load, error.message)
        }
        var shape = PartialShape.unknown
        if case .shape(let declared)? = try? node.attribute("shape") { shape = declared }
        guard tensor.dtype == dtype, shape.admits(tensor.shape) else {
            throw ModelError(
                .load, "\(subject): expected \(dtype) \(shape), got \(tensor.dtype) \(tensor.shape)")
        }
        return tensor
    }
}

extension Model {
    /// The names of all placeholders.
    package var placeholderNames: [String] { DefaultValues.placeholders(of: graph) }

    /// Whether a placeholder with that name exists.
    package func hasPlaceholder(_ name: String) -> Bool { DefaultValues.placeholder(name, graph) != nil }
}
