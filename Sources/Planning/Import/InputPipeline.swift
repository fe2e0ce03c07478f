package import Graphs
package import Operations
internal import Tensors

/// The input pipelines of a graph: tf.data, queues, readers.
///
/// A server does not run them. The outputs of the op at a pipeline's end are fed like placeholders.
package enum InputPipeline {
    /// The rule for the dtypes and shapes of an op's outputs.
    private enum Outputs {
        /// The node's attributes list them.
        case listed(types: String, shapes: String)
        /// The node lists dtypes, and the queue shapes; of many elements the count comes first.
        case queue(isBatch: Bool)
        /// Some strings.
        case strings(count: Int, isBatch: Bool)
    }

    private static let ends: [String: Outputs] = [
        "IteratorGetNext": .listed(types: "output_types", shapes: "output_shapes"),
        "IteratorGetNextSync": .listed(types: "output_types", shapes: "output_shapes"),
        "MultiDeviceIteratorGetNextFromShard": .listed(types: "output_types", shapes: "output_shapes"),
        "QueueDequeue": .queue(isBatch: false),
        "QueueDequeueV2": .queue(isBatch: false),
        "QueueDequeueMany": .queue(isBatch: true),
        "QueueDequeueManyV2": .queue(isBatch: true),
        "QueueDequeueUpTo": .queue(isBatch: true),
        "QueueDequeueUpToV2": .queue(isBatch: true),
        "ReaderRead": .strings(count: 2, isBatch: false),
        "ReaderReadV2": .strings(count: 2, isBatch: false),
        "ReaderReadUpTo": .strings(count: 2, isBatch: true),
        "ReaderReadUpToV2": .strings(count: 2, isBatch: true),
        "RecordInput": .strings(count: 1, isBatch: true),
        "Unstage": .listed(types: "dtypes", shapes: "shapes"),
    ]

    private static let readers: Set<String> = [
        "FixedLengthRecordReader", "FixedLengthRecordReaderV2", "IdentityReader", "IdentityReaderV2", "LMDBReader",
        "TFRecordReader", "TFRecordReaderV2", "TextLineReader", "TextLineReaderV2", "WholeFileReader",
        "WholeFileReaderV2", "Stage",
    ]

    /// Whether an op is a pipeline's end: its outputs are data.
    package static func isEnd(_ op: String) -> Bool { ends[op] != nil }

    /// Whether an op belongs to a pipeline, the end included.
    package static func isPart(_ op: String) -> Bool {
        isEnd(op) || readers.contains(op) || words.contains { contains(op.utf8, $0) } || op.hasPrefix("QueueClose")
            || op.hasPrefix("QueueSize") || op.hasSuffix("Queue")
            || op.hasSuffix("QueueV2")
    }

    private static let words = ["Dataset", "Iterator", "Enqueue"].map { Array($0.utf8) }

    /// Whether bytes have some others among them. This is asked of every node of a graph: of text it would take ten times as long.
    private static func contains(_ bytes: String.UTF8View, _ word: [UInt8]) -> Bool {
        var start = bytes.startIndex
        while let first = bytes[start...].firstIndex(of: word[0]) {
            if bytes[first...].starts(with: word) { return true }
            start = bytes.index(after: first)
        }
        return false
    }

    /// The dtypes and shapes of the outputs of a pipeline's end; nil for any other node. A dtype that is not known is `variant`.
    package static func outputs(ofNode index: Int, in graph: Graph) -> [TensorFact]? {
        let node = graph.nodes[index]
        guard let rule = ends[node.op] else { return nil }
        switch rule {
        case .listed(let types, let shapes):
            return facts(list(types, node).types, list(shapes, node).shapes)
        case .queue(let isBatch):
            let types = list("component_types", node).types
            var shapes = queue(of: node, in: graph).map { list("shapes", $0).shapes } ?? []
            // The priority, which the queue's attribute leaves out.
            if shapes.count + 1 == types.count, shapes.count > 0 { shapes.insert(PartialShape(.scalar), at: 0) }
            return facts(types, isBatch ? shapes.map(batch) : shapes)
        case .strings(let count, let isBatch):
            let shape = isBatch ? batch(PartialShape(.scalar)) : PartialShape(.scalar)
            return Array(repeating: TensorFact(.string, shape), count: count)
        }
    }

    private static func list(_ attribute: String, _ node: Node) -> AttributeValue.List {
        guard case .list(let list)? = try? node.attribute(attribute) else { return AttributeValue.List() }
        return list
    }

    private static func facts(_ types: [DataType?], _ shapes: [PartialShape]) -> [TensorFact] {
        types.enumerated().map { index, type in
            TensorFact(type ?? .variant, shapes.indices.contains(index) ? shapes[index] : .unknown)
        }
    }

    /// A shape behind a dimension of any size. How many elements are taken at once in training tells nothing of requests.
    private static func batch(_ shape: PartialShape) -> PartialShape {
        shape.dimensions.map { PartialShape([PartialShape.unknownDimension] + $0) } ?? .unknown
    }

    private static let maxSteps = 16

    /// The node that makes the queue of an op that takes elements from it.
    private static func queue(of node: Node, in graph: Graph) -> Node? {
        var node = node
        for _ in 0..<maxSteps {
            guard case .endpoint(let endpoint)? = node.inputs.first else { return nil }
            node = graph.nodes[endpoint.node]
            if node.inputs.isEmpty { return node }
        }
        return nil
    }
}
