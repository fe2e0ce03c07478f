internal import Graphs
internal import Tensors

// As tensor_array_grad.py of TensorFlow 2.21: an array has a second one for the gradients, which the flow puts in order.
extension OpTable {
    /// Gradients of ops of tensor arrays.
    static let tensorArrayGradientRules: [GradientRule] = [
        GradientRule(
            "TensorArrayReadV3",
            one: { n, node, g throws(OpError) in
                let array = try GradientArray(n, node.input(0), flow: node.input(2))
                return [nil, nil, try array.add(n, "TensorArrayWriteV3", [node.input(1), g])]
            }),
        GradientRule(
            "TensorArrayWriteV3",
            one: { n, node, flow throws(OpError) in
                let array = try GradientArray(n, node.input(0), flow: flow)
                let value = try array.read(
                    n, "TensorArrayReadV3", [node.input(1)], ["dtype": .type(n.type(of: node.input(2)))],
                    TensorFact(n.type(of: node.input(2)), .unknown))
                return [nil, nil, value, flow]
            }),
        GradientRule(
            "TensorArrayGatherV3",
            one: { n, node, g throws(OpError) in
                let array = try GradientArray(n, node.input(0), flow: node.input(2))
                return [nil, nil, try array.add(n, "TensorArrayScatterV3", [node.input(1), g])]
            }),
        GradientRule(
            "TensorArrayScatterV3",
            one: { n, node, flow throws(OpError) in
                let array = try GradientArray(n, node.input(0), flow: flow)
                let type = try n.type(of: node.input(2))
                let value = try array.read(
                    n, "TensorArrayGatherV3", [node.input(1)],
                    ["dtype": .type(type), "element_shape": .shape(.unknown)], TensorFact(type, .unknown))
                return [nil, nil, value, flow]
            }),
        GradientRule("TensorArrayConcatV3") { n, node, gradients throws(OpError) in
            guard let g = gradients[0] else { return [] }
            let array = try GradientArray(n, node.input(0), flow: node.input(1))
            return [nil, try array.add(n, "TensorArraySplitV3", [g, node.output(1)])]
        },
        GradientRule(
            "TensorArraySplitV3",
            one: { n, node, flow throws(OpError) in
                let array = try GradientArray(n, node.input(0), flow: flow)
                let type = try n.type(of: node.input(1))
                let value = try array.read(
                    n, "TensorArrayConcatV3", [],
                    ["dtype": .type(type), "element_shape_except0": .shape(.unknown)], TensorFact(type, .unknown))
                return [nil, value, nil, flow]
            }),
    ]

    /// The array of the gradients of another one.
    private struct GradientArray {
        private let handle: Endpoint
        private let flow: Endpoint

        init(_ n: GradientNodes, _ source: Endpoint, flow: Endpoint) throws(OpError) {
            handle = try n.add(
                "TensorArrayGradV3", [source, flow], ["source": .bytes(Array("gradients".utf8))],
                gives: [TensorFact(.resource, .unknown), TensorFact(.float32, .scalar)])
            // The flow waits until the array is there.
            self.flow = try n.add(
                "Identity", [flow], ["T": .type(.float32)], controls: [handle.node],
                gives: [TensorFact(.float32, .scalar)])
        }

        /// Adds values, and gives the flow behind them.
        func add(_ n: GradientNodes, _ op: String, _ inputs: [Endpoint]) throws(OpError) -> Endpoint {
            let value = inputs[op == "TensorArraySplitV3" ? 0 : 1]
            return try n.add(
                op, [handle] + inputs + [flow], ["T": .type(n.type(of: value))], gives: [TensorFact(.float32, .scalar)])
        }

        /// Reads values.
        func read(
            _ n: GradientNodes, _ op: String, _ inputs: [Endpoint], _ attributes: [String: AttributeValue],
            _ fact: TensorFact
        ) throws(OpError) -> Endpoint {
            let facts = op == "TensorArrayConcatV3" ? [fact, TensorFact(.int64, .unknown)] : [fact]
            return try n.add(op, [handle] + inputs + [flow], attributes, gives: facts)
        }
    }
}
