package import Execution
internal import Operations
public import Tensors

extension Model {
    /// Runs the graph.
    ///
    /// - Parameters:
    ///   - feeds: By name, `x` or `x:0`; any tensor of the graph can be fed, not only placeholders.
    ///   - fetches: Names; nil for the model's outputs.
    /// - Returns: The fetched tensors, by the names as given.
    /// - Throws: ``ModelError``.
    public func run(feeds: [String: FeedValue], fetches: [String]? = nil) throws(ModelError) -> [String: Tensor] {
        let names = feeds.keys.sorted()
        let callable = try callable(feeds: names, fetches: fetches)
        var tensors: [Tensor] = []
        for (name, argument) in zip(names, callable.feeds) {
            guard let value = feeds[name] else { continue }
            tensors.append(try value.tensor(of: argument.dtype, feed: name))
        }
        let results = try run(callable, tensors)
        let keys = fetches ?? callable.fetches.map(\.name)
        return Dictionary(zip(keys, results), uniquingKeysWith: { first, _ in first })
    }

    /// Runs a callable on tensors.
    ///
    /// - Throws: ``ModelError``.
    package func run(_ callable: Callable, _ feeds: [Tensor]) throws(ModelError) -> [Tensor] {
        var results: [Tensor?] = []
        let dimensions = feeds.flatMap(\.shape.dimensions)
        do throws(CompileError) {
            // Safety: the views point into the dimensions and the tensors, which live until the run has ended.
            try dimensions.withUnsafeBufferPointer { dimensions throws(CompileError) in
                var start = 0
                var views: [TensorView] = []
                for tensor in feeds {
                    let rank = tensor.shape.rank
                    views.append(
                        TensorView(
                            dtype: tensor.dtype,
                            dimensions: UnsafeBufferPointer(rebasing: dimensions[start..<start + rank]),
                            elements: UnsafeRawPointer(tensor.storage.baseAddress + tensor.byteOffset)))
                    start += rank
                }
                try views.withUnsafeBufferPointer { views throws(CompileError) in
                    try callable.run(views) { outputs in results = outputs.map { $0.copy() } }
                }
            }
        } catch { throw ModelError(error) }
        withExtendedLifetime(feeds) {}
        let complete = results.compactMap(\.self)
        guard complete.count == results.count else {
            throw ModelError(.resourceExhausted, "not enough memory for the answer")
        }
        return complete
    }
}
