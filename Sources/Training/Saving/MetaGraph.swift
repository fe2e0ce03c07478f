internal import Checkpoints
internal import FoundationEssentials
internal import Graphs
internal import SwiftProtobuf
internal import TensorFlowProtos

/// A graph as TensorFlow exports it: with its collections, and with the Saver that restores it.
struct MetaGraph {
    private var message: MetaGraphDef

    /// - Parameters:
    ///   - graph: The graph, with the Saver's nodes.
    ///   - saver: The names of these.
    ///   - origin: The meta graph that the graph began with, whose collections and op list are kept; nil for none.
    init(_ graph: Graph, saver: SaverDef, origin: MetaGraphDef?) {
        message = origin ?? MetaGraphDef()
        message.graphDef = graph.definition()
        message.saverDef = saver
        // TensorFlow has an op for everything that was added, which the list may lack.
        message.metaInfoDef.clearStrippedOpList()
        addVariables(of: graph)
    }

    /// Lists the variables that the collection does not have yet. TensorFlow finds variables by it.
    private mutating func addVariables(of graph: Graph) {
        var known: Set<String> = []
        var collection = message.collectionDef["variables"] ?? CollectionDef()
        for bytes in collection.bytesList.value {
            if let variable = try? VariableDef(serializedBytes: bytes) { known.insert(variable.variableName) }
        }
        var list = collection.bytesList
        for index in graph.nodes.indices {
            guard let variable = Self.definition(index, graph), !known.contains(variable.variableName),
                let bytes: Data = try? variable.serializedBytes()
            else { continue }
            list.value.append(bytes)
        }
        guard !list.value.isEmpty else { return }
        collection.bytesList = list
        message.collectionDef["variables"] = collection
    }

    /// A variable with the nodes that read and initialise it; nil for other nodes, and for variables that lack one of these.
    private static func definition(_ index: Int, _ graph: Graph) -> VariableDef? {
        let node = graph.nodes[index]
        guard ["Variable", "VariableV2", "VarHandleOp"].contains(node.op),
            let assign = graph.index(ofNode: "\(node.name)/Assign"),
            case .endpoint(let value)? = graph.nodes[assign].inputs.last
        else { return nil }
        let isHandle = node.op == "VarHandleOp"
        let read = "\(node.name)/" + (isHandle ? "Read/ReadVariableOp" : "read")
        guard graph.index(ofNode: read) != nil else { return nil }
        return .with { variable in
            variable.variableName = "\(node.name):0"
            variable.initializerName = "\(node.name)/Assign"
            variable.snapshotName = "\(read):0"
            variable.initialValueName = "\(graph.nodes[value.node].name):\(value.output)"
            variable.isResource = isHandle
        }
    }

    /// Writes the file.
    ///
    /// - Throws: ``CheckpointError`` of kind `io`.
    func write(to path: String) throws(CheckpointError) {
        let bytes: [UInt8]
        do { bytes = try message.serializedBytes() } catch {
            throw CheckpointError(.unsupported, file: path, "the graph cannot be encoded: \(error)")
        }
        var file = try NewFile(path: path)
        try file.write(bytes)
        try file.finish()
    }
}
