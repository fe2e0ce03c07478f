internal import Graphs
package import Operations
package import TensorFlowProtos
package import Tensors
package import VectorSupport

/// The op and the inputs of a recorded run.
package struct RecordedOp {
    /// The op, with the attributes of the run.
    package let op: any Op
    /// Its inputs.
    package let inputs: [Tensor]

    /// The table of ops does not have the recorded op.
    package struct MissingOp: Error {
        let name: String
    }

    /// - Parameters:
    ///   - vector: The run.
    ///   - change: Gets the attributes of the node, and may change them.
    /// - Throws: ``OpError`` if the op refuses the attributes; another error if the record is unusable.
    package init(_ vector: OpVector, change: (inout [String: AttrValue]) -> Void = { _ in }) throws {
        let inputs = try vector.inputs.map { try Tensor(decoding: $0) }
        var definition = GraphDef()
        for (index, input) in inputs.enumerated() {
            var placeholder = NodeDef()
            placeholder.name = "i\(index)"
            placeholder.op = "Placeholder"
            var dtype = AttrValue()
            dtype.type = input.dtype.rawValue
            placeholder.attr["dtype"] = dtype
            definition.node.append(placeholder)
        }
        var definitionNode = vector.node
        change(&definitionNode.attr)
        definition.node.append(definitionNode)
        let graph = try Graph(definition)
        guard let entry = OpTable.entries[vector.node.op], let node = graph.node(named: vector.node.name) else {
            throw MissingOp(name: vector.node.op)
        }
        op = try entry.make(NodeReader(node))
        self.inputs = inputs
    }
}
