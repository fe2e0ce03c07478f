internal import Graphs
internal import Operations
internal import TensorFlowProtos

/// The nodes of a graph that save and restore checkpoints.
package struct Saving: Sendable {
    private let scopes: Set<String>
    /// The nodes of the saver that are in no scope, as TensorFlow 2 makes them.
    private let nodes: Set<String>

    private static func isPart(_ node: Node) -> Bool { OpTable.traits(of: node.op).contains(.checkpoints) }

    /// Finds the scopes of savers: the one that the meta graph names, and `save`, `save_1`, ... if they contain restore ops.
    init(_ graph: Graph, _ meta: MetaGraphDef, _ kinds: NodeKinds) {
        func scope(_ name: String) -> String? { name.lastIndex(of: "/").map { String(name[..<$0]) } }
        let saver = meta.saverDef
        let named = [saver.filenameTensorName, saver.saveTensorName, saver.restoreOpName]
        nodes = Set(named.filter { scope($0) == nil }.compactMap { TensorName(parsing: $0)?.node })
        var scopes = Set(named.compactMap(scope))
        for index in kinds.nodes(with: .checkpoints) {
            guard let scope = scope(graph.nodes[index].name), let last = scope.split(separator: "/").last else {
                continue
            }
            if last == "save" || last.hasPrefix("save_") { scopes.insert(scope) }
        }
        self.scopes = scopes
    }

    /// Whether a scope's name is that of a saver's scope.
    func isScope(_ name: Substring) -> Bool { !scopes.isEmpty && scopes.contains(String(name)) }

    /// Whether the saver itself names a node.
    func isNamed(_ node: Node) -> Bool { !nodes.isEmpty && nodes.contains(node.name) }

    /// Whether a node saves or restores. It must not be fed or fetched.
    func isPrivate(_ node: Node) -> Bool {
        if Self.isPart(node) || isNamed(node) { return true }
        guard !scopes.isEmpty else { return false }
        var scope = node.name[...]
        while let slash = scope.utf8.lastIndex(of: UInt8(ascii: "/")) {
            scope = scope[..<slash]
            if scopes.contains(String(scope)) { return true }
        }
        return false
    }
}
