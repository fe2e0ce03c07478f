internal import TensorFlowProtos
internal import Tensors

/// The object graph in a checkpoint of TensorFlow 2. Keys are paths through objects. This graph has the variables' names in the graph
/// (trackable_object_graph.proto).
struct ObjectGraph {
    /// The tensor that contains the graph.
    static let key = "_CHECKPOINTABLE_OBJECT_GRAPH"

    /// The keys by the variables' full names, without names that several variables share.
    let keys: [String: String]
    /// The objects, their children, and the keys of their tensors.
    let message: TrackableObjectGraph

    /// Reads the object graph of a checkpoint.
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
