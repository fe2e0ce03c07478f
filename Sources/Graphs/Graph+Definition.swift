package import TensorFlowProtos

extension Graph {
    /// The graph as a message: all nodes with their own attributes, in their order. Functions stand expanded, as nodes.
    package func definition() -> GraphDef {
        var definition = GraphDef()
        definition.versions.producer = producer
        definition.node = nodes.map { node in
            var message = NodeDef()
            message.name = node.name
            message.op = node.op
            message.input = node.inputs.map { text(of: $0, isControl: false) }
            message.input += node.controlInputs.map { text(of: $0, isControl: true) }
            message.attr = node.ownAttributes
            return message
        }
        return definition
    }

    private func text(of input: NodeInput, isControl: Bool) -> String {
        switch input {
        case .missing(let name): name
        case .endpoint(let endpoint):
            if isControl {
                "^\(nodes[endpoint.node].name)"
            } else {
                nodes[endpoint.node].name + (endpoint.output == 0 ? "" : ":\(endpoint.output)")
            }
        }
    }
}
