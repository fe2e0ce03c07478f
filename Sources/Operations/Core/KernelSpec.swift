package import Tensors

/// What a kernel is made for.
package struct KernelSpec: Sendable {
    package let inputs: [TensorFact]
    /// As the op's rule gave them.
    package let outputs: [TensorFact]

    package init(inputs: [TensorFact], outputs: [TensorFact]) {
        self.inputs = inputs
        self.outputs = outputs
    }

    /// The shape of input number `index`.
    package func inputShape(_ index: Int) throws(OpError) -> Shape {
        try Self.shape(inputs[index], "input \(index)")
    }

    /// The shape of output number `index`.
    package func outputShape(_ index: Int = 0) throws(OpError) -> Shape {
        try Self.shape(outputs[index], "output \(index)")
    }

    private static func shape(_ fact: TensorFact, _ what: String) throws(OpError) -> Shape {
        guard let shape = fact.shape.known, shape.byteCount(of: fact.dtype) != nil else {
            throw OpError(.resourceExhausted, "\(what) has a shape, \(fact.shape), that no tensor can have")
        }
        return shape
    }
}

extension KernelSpec {
    /// So many bytes for each place of the axes of images that lie as [batch, height, width, depth], before and after.
    func imageTableBytes(each: Int) -> Int {
        var sum = ByteSum()
        for fact in inputs.prefix(1) + outputs.prefix(1) {
            for size in fact.shape.known?.dimensions.dropLast() ?? [] { sum.add(size, times: each) }
        }
        return sum.total
    }
}
