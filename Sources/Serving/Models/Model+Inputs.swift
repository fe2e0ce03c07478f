internal import Execution
internal import Graphs

extension Model {
    /// Whether a request may leave a tensor out: a placeholder with a value of its own.
    ///
    /// - `tensor`: The tensor's name, `x:0`.
    package func hasDefault(_ tensor: String) -> Bool {
        guard let name = TensorName(parsing: tensor), let node = graph.node(named: name.node),
            node.op == "PlaceholderWithDefault"
        else { return false }
        // A default that comes out of an input pipeline is none: pipelines are not run.
        guard case .endpoint(let source)? = node.inputs.first else { return true }
        return !InputPipeline.isEnd(graph.nodes[source.node].op)
    }
}
