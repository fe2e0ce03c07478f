package import TensorFlowProtos
package import Tensors
internal import Text

/// An immutable graph: nodes, and the edges between them. Functions are expanded where they are called.
///
/// A node may have missing inputs, or an unknown op. Only requests that depend on the node fail.
public final class Graph: Sendable {
    /// The nodes, in the order of the file.
    public let nodes: [Node]
    private let indices: [String: Int]
    /// The indices of nodes that were added later. The names of the others are not copied for them.
    private let addedIndices: [String: Int]
    private let declarations: [String: OpDef]
    /// The version of TensorFlow's graphs that the file was written for; it tells what attributes mean.
    let producer: Int32

    /// Graphs of earlier versions write an unknown shape of a placeholder as a scalar's (graph.h, version 24).
    private static let firstWithScalarPlaceholders = 24

    /// Builds the graph.
    ///
    /// - Parameters:
    ///   - definition: The graph from the file.
    ///   - ops: The file's list of ops, with the default values of attributes.
    /// - Throws: ``GraphError`` if two nodes have the same name, an input is not a valid name, or a call does not fit its function.
    package init(_ definition: GraphDef, ops: OpList = OpList()) throws(GraphError) {
        let flat = try FunctionExpansion.expand(definition, ops: ops)
        var indices: [String: Int] = [:]
        indices.reserveCapacity(flat.count)
        for (index, node) in flat.enumerated() {
            guard indices.updateValue(index, forKey: node.name) == nil else {
                throw GraphError("two nodes are named \"\(node.name)\"")
            }
        }
        let defaults = Self.defaults(of: ops)
        let hasScalarPlaceholders = definition.versions.producer >= Self.firstWithScalarPlaceholders
        var nodes: [Node] = []
        nodes.reserveCapacity(flat.count)
        for node in flat {
            var attributes = node.attr
            if !hasScalarPlaceholders, node.op == "Placeholder", attributes["shape"]?.shape.dim.isEmpty ?? true {
                var unknown = AttrValue()
                unknown.shape.unknownRank = true
                attributes["shape"] = unknown
            }
            nodes.append(
                try Self.link(node, indices, NodeAttributes(own: attributes, defaults: defaults[node.op] ?? [:])))
        }
        self.nodes = nodes
        self.indices = indices
        producer = definition.versions.producer
        addedIndices = [:]
        declarations = Dictionary(ops.op.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    private init(
        nodes: [Node], indices: [String: Int], added: [String: Int] = [:], declarations: [String: OpDef],
        producer: Int32
    ) {
        self.producer = producer
        self.nodes = nodes
        self.indices = indices
        addedIndices = added
        self.declarations = declarations
    }

    /// The graph with default values for some placeholders, by their indices.
    package func settingDefaults(_ defaults: [Int: Tensor]) -> Graph {
        var nodes = nodes
        var indices = indices.merging(addedIndices) { own, _ in own }
        for (index, value) in defaults.sorted(by: { $0.key < $1.key }) {
            var name = "\(nodes[index].name)/default"
            while indices[name] != nil { name += "_" }
            indices[name] = nodes.count
            nodes[index] = nodes[index].defaulting(to: Endpoint(node: nodes.count, output: 0))
            nodes.append(Node(constant: value, name: name))
        }
        return Graph(nodes: nodes, indices: indices, declarations: declarations, producer: producer)
    }

    /// The graph with other nodes. New nodes at the end cannot be found by name.
    func replacingNodes(_ nodes: [Node]) -> Graph {
        Graph(nodes: nodes, indices: indices, added: addedIndices, declarations: declarations, producer: producer)
    }

    /// The graph with more nodes behind its own, which have the names.
    func appending(_ new: [Node], names: [String: Int]) -> Graph {
        Graph(
            nodes: nodes + new, indices: indices, added: addedIndices.merging(names) { own, _ in own },
            declarations: declarations, producer: producer)
    }

    /// The index of the node with that name.
    public func index(ofNode name: String) -> Int? { indices[name] ?? addedIndices[name] }

    /// The node with that name.
    public func node(named name: String) -> Node? { index(ofNode: name).map { nodes[$0] } }

    /// The names nearest to an unknown name, for an error message.
    public func nearestNames(to name: String) -> [String] {
        NearestNames.of(name, among: [indices.keys, addedIndices.keys].joined())
    }

    /// The dtype of a tensor that the file's own list of ops declares, even if the op is unknown.
    package func declaredType(of endpoint: Endpoint) -> DataType? {
        let node = nodes[endpoint.node]
        var first = 0
        for argument in declarations[node.op]?.outputArg ?? [] {
            let types = Self.types(of: argument, node)
            if endpoint.output < first + types.count { return types[endpoint.output - first] }
            first += types.count
        }
        return nil
    }

    private static func types(of argument: OpDef.ArgDef, _ node: Node) -> [DataType?] {
        func type(_ name: String) -> DataType? {
            if case .type(let type)? = try? node.attribute(name) { type } else { nil }
        }
        if !argument.typeListAttr.isEmpty {
            guard case .list(let list)? = try? node.attribute(argument.typeListAttr) else { return [] }
            return list.types
        }
        let one = argument.typeAttr.isEmpty ? DataType(protoNumber: argument.type) : type(argument.typeAttr)
        guard !argument.numberAttr.isEmpty else { return [one] }
        guard case .int(let count)? = try? node.attribute(argument.numberAttr), (0...maxOutputs).contains(count)
        else { return [] }
        return Array(repeating: one, count: Int(count))
    }

    private static let maxOutputs: Int64 = 1 << 16

    private static func defaults(of ops: OpList) -> [String: [String: AttrValue]] {
        var result: [String: [String: AttrValue]] = [:]
        for op in ops.op {
            for attribute in op.attr where attribute.hasDefaultValue {
                result[op.name, default: [:]][attribute.name] = attribute.defaultValue
            }
        }
        return result
    }

    private static func link(
        _ node: NodeDef, _ indices: [String: Int], _ attributes: NodeAttributes
    ) throws(GraphError) -> Node {
        var inputs: [NodeInput] = []
        var controls: [NodeInput] = []
        inputs.reserveCapacity(node.input.count)
        for text in node.input {
            guard let name = TensorName(parsing: text) else {
                throw GraphError("node \"\(node.name)\" has an input \"\(text)\", which is not a tensor's name")
            }
            guard let index = indices[name.node] else {
                if name.isControl { controls.append(.missing(name: text)) } else { inputs.append(.missing(name: text)) }
                continue
            }
            let endpoint = NodeInput.endpoint(Endpoint(node: index, output: name.output))
            if name.isControl { controls.append(endpoint) } else { inputs.append(endpoint) }
        }
        return Node(name: node.name, op: node.op, inputs: inputs, controlInputs: controls, attributes: attributes)
    }
}
