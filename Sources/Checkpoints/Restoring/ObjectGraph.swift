internal import TensorFlowProtos
internal import Tensors

/// The graph of objects that TensorFlow 2 keeps in a checkpoint: there keys are paths through objects, and the names that
/// variables have in a graph are told here (trackable_object_graph.proto).
struct ObjectGraph {
    /// The tensor that holds the graph.
    static let key = "_CHECKPOINTABLE_OBJECT_GRAPH"

    /// The keys by the variables' full names; names that several variables have are left out.
    let keys: [String: String]
    /// The objects, their children, and the keys of what they hold.
    let message: TrackableObjectGraph

    /// Reads the graph from a checkpoint that has one.
    ///
    /// - Throws: ``CheckpointError`` if it cannot be decoded.
    init(_ store: some TensorStore) throws(CheckpointError) {
        let strings = try store.tensor(Self.key, slice: nil).strings ?? []
        let graph = strings.first.flatMap { $0.withUnsafeBytes { TrackableObjectGraph(decoding: $0) } }
        guard strings.count == 1, let graph else {
            throw CheckpointError(
                .malformed, file: store.indexPath, "tensor \"\(Self.key)\" is not a graph of objects")
        }
        var keys: [String: String] = [:]
        var ambiguous: Set<String> = []
        for attribute in graph.nodes.lazy.flatMap(\.attributes) where !attribute.fullName.isEmpty {
            let known = keys.updateValue(attribute.checkpointKey, forKey: attribute.fullName)
            if let known, known != attribute.checkpointKey { ambiguous.insert(attribute.fullName) }
        }
        for name in ambiguous { keys[name] = nil }
        self.keys = keys
        message = graph
    }
}
