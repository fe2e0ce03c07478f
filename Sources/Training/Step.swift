internal import Execution
internal import Operations
package import Serving
package import Tensors
package import Threads

/// A run of a session that is compiled and repeated.
package struct Step: Sendable {
    private let callable: Callable

    init(_ callable: Callable) { self.callable = callable }

    /// The dtype of a feed.
    package func feedType(_ index: Int) -> DataType { callable.feeds[index].dtype }

    /// Runs the step.
    ///
    /// - Parameters:
    ///   - feeds: One tensor for each feed.
    ///   - limits: What may end the run.
    /// - Returns: The fetched tensors.
    /// - Throws: ``ModelError``.
    package func run(_ feeds: [Tensor], limits: RunLimits = .none) throws(ModelError) -> [Tensor] {
        do throws(OpError) {
            return try callable.run(feeds, limits: limits, helpers: Model.spareProcessors)
        } catch { throw ModelError(error) }
    }
}
