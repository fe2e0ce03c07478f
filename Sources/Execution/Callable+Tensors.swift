package import Operations
package import Tensors
package import Threads

extension Callable {
    /// Runs the graph on tensors of their own, and copies what it gives.
    ///
    /// - Parameters:
    ///   - tensors: One for each of ``feeds``.
    ///   - limits: What may end the run between two steps.
    ///   - helpers: Where helpers come from; nil for none.
    /// - Returns: The fetches, in their order.
    /// - Throws: ``OpError``, as ``run(_:limits:helpers:_:)`` does.
    package func run(_ tensors: [Tensor], limits: RunLimits = .none, helpers: (any HelperSource)? = nil) throws(OpError)
        -> [Tensor]
    {
        var results: [Tensor?] = []
        try TensorView.withViews(of: tensors) { views throws(OpError) in
            try run(views, limits: limits, helpers: helpers) { outputs in results = outputs.map { $0.copy() } }
        }
        let complete = results.compactMap(\.self)
        guard complete.count == results.count else {
            throw OpError(.resourceExhausted, "not enough memory for the answer")
        }
        return complete
    }

    /// Makes the program for such feeds, so that no request has to.
    ///
    /// - Parameter tensors: One for each of ``feeds``.
    /// - Throws: ``OpError``, as ``run(_:limits:helpers:_:)`` does.
    package func prepare(for tensors: [Tensor]) throws(OpError) {
        try TensorView.withViews(of: tensors) { views throws(OpError) in try prepare(views) }
    }
}

extension TensorView {
    /// Calls `body` with views of tensors, one for each, which are valid during the call.
    package static func withViews<Result, Failure: Error>(
        of tensors: [Tensor], _ body: (UnsafeBufferPointer<TensorView>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { withExtendedLifetime(tensors) {} }
        let dimensions = tensors.flatMap(\.shape.dimensions)
        // Safety: the views point into the dimensions and the tensors, which live until the call has ended.
        return try dimensions.withUnsafeBufferPointer { dimensions throws(Failure) in
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
            return try views.withUnsafeBufferPointer { views throws(Failure) in try body(views) }
        }
    }
}
