package import Execution
internal import FoundationEssentials
internal import Operations
public import Tensors
package import Threads

extension Model {
    /// Runs the graph.
    ///
    /// - Parameters:
    ///   - feeds: Values by name: a key of the signature, or `x` or `x:0`. Any tensor of the graph can be fed, not only placeholders.
    ///   - fetches: Names, or expressions such as `argmax(logits:0, axis=-1)`; nil for the signature's outputs.
    ///   - signature: The signature's name; nil for the model's default.
    /// - Returns: The fetched tensors, by the given names, otherwise by the signature's keys.
    /// - Throws: ``ModelError``.
    public func run(
        feeds: [String: FeedValue], fetches: [String]? = nil, signature: String? = nil
    ) throws(ModelError) -> [String: Tensor] {
        let names = feeds.keys.sorted()
        let found = try callable(feeds: names, fetches: fetches, in: try self.signature(named: signature))
        let callable = found.callable
        var tensors: [Tensor] = []
        for (name, argument) in zip(names, callable.feeds) {
            guard let value = feeds[name] else { continue }
            tensors.append(try value.tensor(of: argument.dtype, feed: "feed \"\(name)\""))
        }
        let results = try run(callable, tensors)
        return Dictionary(zip(found.fetchNames, results), uniquingKeysWith: { first, _ in first })
    }

    /// Without a scheduler, all processors of the machine may help with a run.
    package static let spareProcessors = SpareProcessors(processors: ProcessInfo.processInfo.activeProcessorCount)

    /// Runs a callable on tensors.
    ///
    /// - Throws: ``ModelError``.
    package func run(_ callable: Callable, _ feeds: [Tensor]) throws(ModelError) -> [Tensor] {
        do throws(OpError) { return try callable.run(feeds, helpers: Self.spareProcessors) } catch {
            throw ModelError(error)
        }
    }
}
