package import Execution
internal import Operations
package import Serving
package import Tensors
package import Threads

/// A run of a session that is compiled and repeated.
package struct Step: Sendable {
    private let callable: Callable

    init(_ callable: Callable) { self.callable = callable }

    /// The number of feeds.
    package var feedCount: Int { callable.feeds.count }

    /// The feeds, with their names, dtypes and shapes.
    package var feeds: [Callable.Argument] { callable.feeds }

    /// The dtype of a feed.
    package func feedType(_ index: Int) -> DataType { callable.feeds[index].dtype }

    /// Whether a variable that the step holds for a constant is changed by another one: then the step has to be compiled anew.
    package var isOutdated: Bool { callable.isOutdated }

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
