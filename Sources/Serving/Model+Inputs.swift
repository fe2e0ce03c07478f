internal import Graphs

extension Model {
    /// Whether a request may leave a tensor out: a placeholder with a value of its own.
    ///
    /// - `tensor`: The tensor's name, `x:0`.
    package func hasDefault(_ tensor: String) -> Bool {
        guard let name = TensorName(parsing: tensor), let node = graph.node(named: name.node) else { return false }
        return node.op == "PlaceholderWithDefault"
    }
}
