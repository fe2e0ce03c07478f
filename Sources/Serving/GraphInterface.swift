internal import Graphs
internal import TensorFlowProtos

/// What of a graph is meant for its user: inputs, outputs, and what is nobody's business.
struct GraphInterface: Sendable {
    /// The placeholders of the forward graph, or the inputs of the signature.
    let inputs: [Endpoint]
    /// The signature's outputs, or the forward graph's sinks.
    let outputs: [Endpoint]
    /// For each node the placeholders that it needs, by place in ``Graph/nodes``.
    private let saverScopes: Set<String>

    /// The ops that save, restore, initialise, train or summarise: not a part of the forward graph.
    private static let excludedOps: Set<String> = [
        "NoOp", "Assert", "Assign", "AssignAdd", "AssignSub", "AssignVariableOp", "AssignAddVariableOp",
        "AssignSubVariableOp", "IsVariableInitialized", "VarIsInitializedOp", "Save", "SaveV2", "SaveSlices", "Restore",
        "RestoreV2", "RestoreSlice", "ShardedFilename", "ShardedFilespec", "MergeV2Checkpoints", "ControlTrigger",
        "MergeSummary", "ScatterAdd", "ScatterSub", "ScatterUpdate",
    ]

    private static let savingOps: Set<String> = [
        "Save", "SaveV2", "SaveSlices", "Restore", "RestoreV2", "RestoreSlice", "ShardedFilename", "ShardedFilespec",
        "MergeV2Checkpoints",
    ]

    init(_ graph: Graph, _ meta: MetaGraphDef) {
        var scopes: Set<String> = ["save"]
        for name in [meta.saverDef.filenameTensorName, meta.saverDef.saveTensorName, meta.saverDef.restoreOpName] {
            if let slash = name.lastIndex(of: "/") { scopes.insert(String(name[..<slash])) }
        }
        saverScopes = scopes
        let signature = meta.signatureDef["serving_default"] ?? meta.signatureDef.min { $0.key < $1.key }?.value
        let excluded = graph.nodes.map { Self.isExcluded($0, scopes) }
        inputs = Self.endpoints(signature?.inputs, graph) ?? Self.placeholders(graph, excluded)
        outputs = Self.endpoints(signature?.outputs, graph) ?? Self.sinks(graph, excluded)
    }

    /// Whether a node saves or restores: neither to be fed nor fetched.
    func isPrivate(_ node: Node) -> Bool {
        Self.savingOps.contains(node.op) || saverScopes.contains { node.name.hasPrefix($0 + "/") }
    }

    private static func endpoints(_ infos: [String: TensorInfo]?, _ graph: Graph) -> [Endpoint]? {
        guard let infos, !infos.isEmpty else { return nil }
        return infos.sorted { $0.key < $1.key }.compactMap { _, info in
            guard let name = TensorName(parsing: info.name), let node = graph.index(ofNode: name.node) else {
                return nil
            }
            return Endpoint(node: node, output: name.output)
        }
    }

    private static func isExcluded(_ node: Node, _ saverScopes: Set<String>) -> Bool {
        if excludedOps.contains(node.op) || node.op.hasSuffix("Summary") || node.op.hasSuffix("SummaryV2")
            || node.op.contains("Apply")
        {
            return true
        }
        let scope = node.name.split(separator: "/", maxSplits: 1).first.map(String.init) ?? ""
        return saverScopes.contains(scope) || scope == "gradients" || scope.hasPrefix("gradients_")
            || scope == "report_uninitialized_variables"
    }

    private static func placeholders(_ graph: Graph, _ excluded: [Bool]) -> [Endpoint] {
        graph.nodes.indices
            .filter { !excluded[$0] && graph.nodes[$0].op.hasPrefix("Placeholder") }
            .map { Endpoint(node: $0, output: 0) }
    }

    /// Nodes of the forward graph that depend on an input and that no other node of it reads.
    private static func sinks(_ graph: Graph, _ excluded: [Bool]) -> [Endpoint] {
        var isRead = [Bool](repeating: false, count: graph.nodes.count)
        for (index, node) in graph.nodes.enumerated() where !excluded[index] {
            for case .endpoint(let endpoint) in node.inputs { isRead[endpoint.node] = true }
        }
        let fed = dependents(of: placeholders(graph, excluded).map(\.node), graph, excluded)
        let source = fed.contains(true) ? fed : variableDependents(graph, excluded)
        return graph.nodes.indices
            .filter { source[$0] && !isRead[$0] && !excluded[$0] && !graph.nodes[$0].op.hasPrefix("Placeholder") }
            .map { Endpoint(node: $0, output: 0) }
    }

    private static func variableDependents(_ graph: Graph, _ excluded: [Bool]) -> [Bool] {
        let variables = graph.nodes.indices.filter {
            ["Variable", "VariableV2", "VarHandleOp"].contains(graph.nodes[$0].op)
        }
        return dependents(of: variables, graph, excluded)
    }

    /// Marks all nodes that some nodes' values reach.
    private static func dependents(of start: [Int], _ graph: Graph, _ excluded: [Bool]) -> [Bool] {
        var readers = [[Int]](repeating: [], count: graph.nodes.count)
        for (index, node) in graph.nodes.enumerated() where !excluded[index] {
            for case .endpoint(let endpoint) in node.inputs { readers[endpoint.node].append(index) }
        }
        var marks = [Bool](repeating: false, count: graph.nodes.count)
        var stack = start
        while let node = stack.popLast() {
            guard !marks[node] else { continue }
            marks[node] = true
            stack += readers[node]
        }
        return marks
    }
}
