package import Operations
package import Tensors

extension Callable {
    /// Runs the graph on tensors of their own, and copies what it gives.
    ///
    /// - Parameters:
    ///   - tensors: One for each of ``feeds``.
    ///   - limits: What may end the run between two steps.
    /// - Returns: The fetches, in their order.
    /// - Throws: ``CompileError``, as ``run(_:limits:_:)`` does.
    package func run(_ tensors: [Tensor], limits: RunLimits = .none) throws(CompileError) -> [Tensor] {
        var results: [Tensor?] = []
        let dimensions = tensors.flatMap(\.shape.dimensions)
        // Safety: the views point into the dimensions and the tensors, which live until the run has ended.
        try dimensions.withUnsafeBufferPointer { dimensions throws(CompileError) in
            var start = 0
            var views: [TensorView] = []
            for tensor in tensors {
                let rank = tensor.shape.rank
                views.append(
                    TensorView(
                        dtype: tensor.dtype,
                        dimensions: UnsafeBufferPointer(rebasing: dimensions[start..<start + rank]),
                        elements: UnsafeRawPointer(tensor.storage.baseAddress + tensor.byteOffset)))
                start += rank
            }
            try views.withUnsafeBufferPointer { views throws(CompileError) in
                try run(views, limits: limits) { outputs in results = outputs.map { $0.copy() } }
            }
        }
        withExtendedLifetime(tensors) {}
        let complete = results.compactMap(\.self)
        guard complete.count == results.count else {
            throw CompileError(.resourceExhausted, "not enough memory for the answer")
        }
        return complete
    }
}
