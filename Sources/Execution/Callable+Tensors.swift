package import Operations
package import Tensors

extension Callable {
    /// Runs the graph on tensors of their own, and copies what it gives.
    ///
    /// - Parameters:
    ///   - tensors: One for each of ``feeds``.
    ///   - deadline: When a loop of the graph is ended; nil: never.
    /// - Returns: The fetches, in their order.
    /// - Throws: ``CompileError``, as ``run(_:deadline:_:)`` does.
    package func run(_ tensors: [Tensor], deadline: Deadline? = nil) throws(CompileError) -> [Tensor] {
        var results: [Tensor?] = []
        try Self.withViews(of: tensors) { views throws(CompileError) in
            try run(views, deadline: deadline) { outputs in results = outputs.map { $0.copy() } }
        }
        let complete = results.compactMap(\.self)
        guard complete.count == results.count else {
            throw CompileError(.resourceExhausted, "not enough memory for the answer")
        }
        return complete
    }

    /// Makes the program for such feeds, so that no request has to.
    ///
    /// - Parameter tensors: One for each of ``feeds``.
    /// - Throws: ``CompileError``, as ``run(_:deadline:_:)`` does.
    package func prepare(for tensors: [Tensor]) throws(CompileError) {
        try Self.withViews(of: tensors) { views throws(CompileError) in try prepare(views) }
    }

    private static func withViews(
        of tensors: [Tensor], _ body: (UnsafeBufferPointer<TensorView>) throws(CompileError) -> Void
    ) throws(CompileError) {
        defer { withExtendedLifetime(tensors) {} }
        let dimensions = tensors.flatMap(\.shape.dimensions)
        // Safety: the views point into the dimensions and the tensors, which live until the call has ended.
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
            try views.withUnsafeBufferPointer { views throws(CompileError) in try body(views) }
        }
    }
}
