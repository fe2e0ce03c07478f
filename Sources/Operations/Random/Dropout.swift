internal import Kernels
internal import Tensors

/// A dropout: data times a scale, of which each element is kept by chance. No graph has this op: a pass makes it of the ops that graphs have.
///
/// - Inputs: the data, float32; the scale and the threshold (see ``DropoutForm``), one float32 each.
/// - Outputs: one tensor of the shape of the data.
/// - Numerics: bit for bit those of the ops that it is made of. Where the scale and the threshold keep all elements as they are, the output
///   is the data, and no numbers are made.
struct Dropout: DrawingOp {
    private let form: DropoutForm
    private var drawn: RandomFill
    let drawingNode: String

    static var traits: OpTraits { .random }

    fileprivate init(_ form: DropoutForm, _ drawn: RandomFill, node: String) {
        self.form = form
        self.drawn = drawn
        drawingNode = node
    }

    func drawing(like op: any Op) -> (any Op)? {
        guard let fill = op as? RandomFill else { return nil }
        var result = self
        result.drawn = fill
        return result
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard inputs.count == 3, inputs.allSatisfy({ $0.dtype == .float32 }) else {
            throw OpError(.malformed, "has \(inputs.count) inputs, or one that is not float32")
        }
        return [TensorFact(.float32, inputs[0].shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? {
        node.isShared(1) && node.isShared(2) ? node.rowwise(0) : node.mixed
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let count = try spec.outputShape().elementCount
        guard try spec.inputShape(1).elementCount == 1, try spec.inputShape(2).elementCount == 1,
            let kernel = Kernel.dropout(form, count: count, from: drawn.inputs.place(spec))
        else { throw OpError(.malformed, "there are several scales or thresholds") }
        return kernel
    }
}

extension RandomFill: DroppingOp {
    func dropout(_ form: DropoutForm, node: String) -> (any Op)? {
        guard distribution == .uniform, dtype == .float32, inputs.isStream else { return nil }
        return Dropout(form, self, node: node)
    }
}
