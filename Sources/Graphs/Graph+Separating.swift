extension Graph {
    /// The graph with some tensors replaced by new placeholders without dtype and shape. The readers of `endpoints[i]` read node
    /// `nodes.count + i` instead. Everything else keeps its index.
    package func separating(_ endpoints: [Endpoint]) -> Graph {
        var places: [Endpoint: Endpoint] = [:]
        var names: [String] = []
        for (index, endpoint) in endpoints.enumerated() {
            places[endpoint] = Endpoint(node: nodes.count + index, output: 0)
            names.append("\(nodes[endpoint.node].name):\(endpoint.output)")
        }
        let rewired = nodes.map { node in
            let inputs = node.inputs.map { input in
                guard case .endpoint(let endpoint) = input, let place = places[endpoint] else { return input }
                return NodeInput.endpoint(place)
            }
            return inputs == node.inputs ? node : node.taking(inputs)
        }
        return replacingNodes(rewired + names.map { Node(placeholder: $0) })
    }
}
