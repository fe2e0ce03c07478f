internal import TensorFlowProtos

/// A node to add to a graph.
package struct AddedNode: Sendable {
    /// The name, which the graph does not have yet.
    package let name: String
    /// The name of its op.
    package let op: String
    /// The data inputs, in the op's order. They may be nodes that are added with it, before or behind it.
    package var inputs: [Endpoint]
    /// The indices of the nodes that must run first.
    package var controlInputs: [Int]
    package var attributes: [String: AttributeValue]

    package init(
        name: String, op: String, inputs: [Endpoint] = [], controlInputs: [Int] = [],
        attributes: [String: AttributeValue] = [:]
    ) {
        self.name = name
        self.op = op
        self.inputs = inputs
        self.controlInputs = controlInputs
        self.attributes = attributes
    }

    /// The node, as a graph has it.
    ///
    /// - Throws: ``GraphError`` for an attribute that cannot be encoded.
    package func node() throws(GraphError) -> Node {
        var encoded: [String: AttrValue] = [:]
        for (key, value) in attributes { encoded[key] = try AttrValue(encoding: value) }
        return Node(
            name: name, op: op, inputs: inputs.map { .endpoint($0) },
            controlInputs: controlInputs.map { .endpoint(Endpoint(node: $0, output: 0)) },
            attributes: NodeAttributes(own: encoded))
    }
}

extension Graph {
    /// The graph with more nodes. All nodes keep their indices, so that endpoints stay valid, and the nodes are shared. The new nodes
    /// follow in the given order and are found by their names. Linear in the number of nodes of both.
    ///
    /// - Throws: ``GraphError`` if a name is there already, or an input is not a node of the new graph.
    package func adding(_ added: [AddedNode]) throws(GraphError) -> Graph {
        let count = nodes.count + added.count
        var names: [String: Int] = [:]
        var new: [Node] = []
        new.reserveCapacity(added.count)
        for (offset, node) in added.enumerated() {
            guard index(ofNode: node.name) == nil, names.updateValue(nodes.count + offset, forKey: node.name) == nil
            else { throw GraphError("two nodes are named \"\(node.name)\"") }
            let references = node.inputs.map(\.node) + node.controlInputs
            guard references.allSatisfy((0..<count).contains), node.inputs.allSatisfy({ $0.output >= 0 }) else {
                throw GraphError("an input of node \"\(node.name)\" is not in the graph")
            }
            new.append(try node.node())
        }
        return appending(new, names: names)
    }

    /// A name that the graph does not have: the wish, or the wish with underscores behind it.
    package func freeName(_ wish: String) -> String {
        var name = wish
        while index(ofNode: name) != nil { name += "_" }
        return name
    }
}
