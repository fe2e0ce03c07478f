internal import Checkpoints
internal import TensorFlowProtos

/// The tensors of a SavedModel's graph for the objects that its functions capture.
///
/// The file does not state them. They follow from the graph. A variable is restored under a key, to which the checkpoint's objects lead by the
/// same names of children. The graph calls the function that fills a table, and passes the table as a capture.
struct SavedCaptures {
    private var tensors: [Int: String] = [:]

    /// The tensor for an object; nil if unknown.
    func tensor(_ object: Int) -> String? { tensors[object] }

    init(_ meta: MetaGraphDef, _ objects: TrackableObjectGraph?) {
        let saved = meta.objectGraphDef
        let names = Set(meta.graphDef.node.map(\.name))
        for (index, object) in saved.nodes.enumerated() {
            switch object.kind {
            case .constant(let constant)? where names.contains(constant.operation):
                tensors[index] = constant.operation + ":0"
            case .asset(let asset)? where meta.assetFileDef.indices.contains(Int(asset.assetFileDefIndex)):
                tensors[index] = meta.assetFileDef[Int(asset.assetFileDefIndex)].tensorInfo.name
            default: continue
            }
        }
        let plan = ModelGraph.plan(of: meta)
        if let objects { addRestored(saved, objects, meta.graphDef, plan) }
        addCalled(saved, meta.graphDef)
        addNamed(saved, meta.graphDef)
    }

    /// Adds restored variables and tables, by walking both object graphs together.
    private mutating func addRestored(
        _ saved: SavedObjectGraph, _ objects: TrackableObjectGraph, _ graph: GraphDef, _ plan: RestorePlan
    ) {
        var nodes: [String: String] = [:]
        for node in graph.node where node.op == "VarHandleOp" {
            if let source = plan.sources[node.name] { nodes[source.key] = node.name }
        }
        for (table, source) in plan.tables {
            nodes[source.keys.key] = table
            // The objects contain the key of the whole table. Its keys and values have two further keys.
            if source.keys.key.hasSuffix("-keys") { nodes[String(source.keys.key.dropLast("-keys".count))] = table }
        }
        guard !saved.nodes.isEmpty, !objects.nodes.isEmpty else { return }
        var seen: Set<Int> = [0]
        var open = [(saved: 0, object: 0)]
        while let next = open.popLast() {
            let object = objects.nodes[next.object]
            if let node = object.attributes.lazy.compactMap({ nodes[$0.checkpointKey] }).first {
                tensors[next.saved] = node + ":0"
            }
            var children: [String: Int] = [:]
            for child in object.children { children[child.localName] = Int(child.nodeID) }
            for child in saved.nodes[next.saved].children {
                guard let place = children[child.localName], objects.nodes.indices.contains(place),
                    saved.nodes.indices.contains(Int(child.nodeID)), seen.insert(Int(child.nodeID)).inserted
                else { continue }
                open.append((Int(child.nodeID), place))
            }
        }
    }

    /// Adds the tensors that the graph passes to functions as captures.
    private mutating func addCalled(_ saved: SavedObjectGraph, _ graph: GraphDef) {
        for node in graph.node {
            guard let function = node.attr["f"]?.func.name, let info = saved.concreteFunctions[function] else {
                continue
            }
            let inputs = node.input.filter { !$0.hasPrefix("^") }
            guard inputs.count >= info.boundInputs.count else { continue }
            for (object, input) in zip(info.boundInputs, inputs.suffix(info.boundInputs.count))
            where tensors[Int(object)] == nil {
                tensors[Int(object)] = input.contains(":") ? input : input + ":0"
            }
        }
    }

    /// Adds variables that are not restored, by the only node with their name.
    private mutating func addNamed(_ saved: SavedObjectGraph, _ graph: GraphDef) {
        let taken = Set(tensors.values)
        let handles = graph.node.filter { $0.op == "VarHandleOp" && !taken.contains($0.name + ":0") }
        for (index, object) in saved.nodes.enumerated() where tensors[index] == nil {
            guard case .variable(let variable)? = object.kind else { continue }
            let named = handles.filter { $0.name == variable.name && $0.attr["dtype"]?.type == variable.dtype }
            if let node = named.first, named.count == 1 { tensors[index] = node.name + ":0" }
        }
    }
}
