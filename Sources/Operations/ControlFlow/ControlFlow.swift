internal import Tensors

extension OpTable {
    /// The ops of `tf.cond` and `tf.while_loop`. None of them computes: a plan turns them into branches and loops.
    static let controlFlow: [OpEntry] =
        [false, true].flatMap { isReference in
            [
                row("Switch", .split, inputs: 2, isReference),
                row("Merge", .merge, inputs: nil, isReference),
                OpEntry(
                    isReference ? "RefEnter" : "Enter",
                    traits: ControlFlow.traits(.enter(frame: "", isConstant: false), isReference),
                    make: ControlFlow.enter, isReference),
                row("Exit", .exit, inputs: 1, isReference),
                row("NextIteration", .next, inputs: 1, isReference),
            ]
        } + [row("LoopCond", .condition, inputs: 1), OpEntry("ControlTrigger", make: NoOp.init)]

    private static func row(
        _ name: String, _ kind: ControlFlow.Kind, inputs: Int?, _ isReference: Bool = false
    ) -> OpEntry {
        OpEntry(
            isReference ? "Ref\(name)" : name, traits: ControlFlow.traits(kind, isReference),
            make: ControlFlow.init(_:_:inputs:_:), kind, inputs, isReference)
    }
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
    private let isReference: Bool

    init(_ node: NodeReader, _ kind: Kind, inputs: Int?, _ isReference: Bool) throws(OpError) {
        if let inputs { try node.expectInputs(inputs) } else { try node.expectInputs(atLeast: 1) }
        self.kind = kind
        self.isReference = isReference
    }

    /// Attributes: `frame_name`, `is_constant`.
    static func enter(_ node: NodeReader, _ isReference: Bool) throws(OpError) -> ControlFlow {
        let frame = try node.string("frame_name")
        let isConstant = try node.bool("is_constant", default: false)
        return try ControlFlow(node, .enter(frame: frame, isConstant: isConstant), inputs: 1, isReference)
    }

    /// The traits of nodes of a kind, by value or by reference.
    static func traits(_ kind: Kind, _ isReference: Bool) -> OpTraits {
        var traits: OpTraits = isReference ? [.controlFlow, .passesReference] : .controlFlow
        switch kind {
        case .merge, .enter: traits.insert(.identity)
        case .split, .exit, .next, .condition: break
        }
        return traits
    }

    package static var traits: OpTraits { [.controlFlow, .passesReference, .identity] }
    package var traits: OpTraits { Self.traits(kind, isReference) }
    package var implementation: OpImplementation { .controlFlow(self) }

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
}
