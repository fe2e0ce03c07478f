package import Kernels
internal import Tensors

extension OpTable {
    /// The ops of `tf.cond` and `tf.while_loop`. None of them computes: a plan turns them into branches and loops.
    static let controlFlow: [OpEntry] = [
        OpEntry("Switch") { node throws(OpError) in try ControlFlow(node, .split, inputs: 2) },
        OpEntry("RefSwitch") { node throws(OpError) in try ControlFlow(node, .split, inputs: 2) },
        OpEntry("Merge") { node throws(OpError) in try ControlFlow(node, .merge) },
        OpEntry("RefMerge") { node throws(OpError) in try ControlFlow(node, .merge) },
        OpEntry("Enter", make: ControlFlow.enter),
        OpEntry("RefEnter", make: ControlFlow.enter),
        OpEntry("Exit") { node throws(OpError) in try ControlFlow(node, .exit, inputs: 1) },
        OpEntry("RefExit") { node throws(OpError) in try ControlFlow(node, .exit, inputs: 1) },
        OpEntry("NextIteration") { node throws(OpError) in try ControlFlow(node, .next, inputs: 1) },
        OpEntry("RefNextIteration") { node throws(OpError) in try ControlFlow(node, .next, inputs: 1) },
        OpEntry("LoopCond") { node throws(OpError) in try ControlFlow(node, .condition, inputs: 1) },
        OpEntry("ControlTrigger", make: NoOp.init),
    ]
}

/// A node that says where values go, not what they are.
package struct ControlFlow: Op {
    /// What kind of node it is.
    package enum Kind: Hashable, Sendable {
        /// `Switch`: input 0 leaves at output 0 where input 1, a bool, is false, else at output 1; the other output is dead, and
        /// so is all that is computed from it.
        case split
        /// `Merge`: the input that is not dead, and its number.
        case merge
        /// `Enter`: into a loop; a constant one is the same in all iterations.
        case enter(frame: String, isConstant: Bool)
        /// `Exit`: out of a loop, after its last iteration.
        case exit
        /// `NextIteration`: to the `Merge` at the loop's beginning.
        case next
        /// `LoopCond`: whether there is one more iteration.
        case condition
    }

    package let kind: Kind

    init(_ node: NodeReader, _ kind: Kind, inputs: Int? = nil) throws(OpError) {
        if let inputs { try node.expectInputs(inputs) } else { try node.expectInputs(atLeast: 1) }
        self.kind = kind
    }

    /// Attributes: `frame_name`, `is_constant`.
    static func enter(_ node: NodeReader) throws(OpError) -> ControlFlow {
        let frame = try node.string("frame_name")
        return try ControlFlow(
            node, .enter(frame: frame, isConstant: try node.bool("is_constant", default: false)), inputs: 1)
    }

    package func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        switch kind {
        case .split:
            try inputs[1].require(.bool, "pred")
            try inputs[1].requireRank(0, "pred")
            return [inputs[0], inputs[0]]
        case .merge:
            var result = inputs[0]
            for input in inputs.dropFirst() { result = try result.joined(with: input) }
            return [result, TensorFact(.int32, .scalar)]
        case .enter, .exit, .next: return [inputs[0]]
        case .condition:
            try inputs[0].require(.bool, "the condition")
            try inputs[0].requireRank(0, "the condition")
            return [inputs[0]]
        }
    }

    package func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        throw OpError(.malformed, "is outside of a branch or loop")
    }
}
