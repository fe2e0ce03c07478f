package import Graphs
package import Planning

/// Nodes that some calls of a session add to its graph. Plans of these calls see them, all others do not.
///
/// Two additions of one graph are equal if their keys are.
package final class GraphAdditions: Sendable, Hashable {
    /// The session's graph with the nodes behind its own.
    package let graph: Graph
    /// What it tells of its tensors.
    package let inference: FactInference
    /// What the nodes were made of, such as the texts of expressions.
    private let key: [String]

    /// - Parameters:
    ///   - nodes: The nodes, none of which keeps anything from run to run.
    ///   - key: All that they were made of, besides the graph.
    ///   - graph: The session's graph.
    ///   - inference: What the session's graph tells of its tensors.
    /// - Throws: ``GraphError`` if they do not fit the graph.
    package init(
        _ nodes: [AddedNode], key: [String], to graph: Graph, _ inference: FactInference
    ) throws(GraphError) {
        self.graph = try graph.adding(nodes)
        self.inference = FactInference(self.graph, adding: inference)
        self.key = key
    }

    package static func == (left: GraphAdditions, right: GraphAdditions) -> Bool { left.key == right.key }

    package func hash(into hasher: inout Hasher) { hasher.combine(key) }

    /// What the additions take in memory, about: the graph's list of nodes, and the new nodes.
    var byteCount: Int { graph.nodes.count * 2 * MemoryLayout<Node>.stride + key.reduce(0) { $0 + $1.utf8.count } }
}
