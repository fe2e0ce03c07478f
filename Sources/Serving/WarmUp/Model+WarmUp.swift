internal import Execution
internal import Graphs
internal import Operations
internal import Tensors
package import Threads

extension Model {
    private static let maxCalls = 64
    private static let maxShapes = 64
    private static let maxSeconds = 20.0
    private static let maxRunSeconds = 5.0

    /// Compiles, and runs once with zeros, what was asked of `old`; without one the outputs, unknown sizes being 1. Bounded in number and
    /// in time. Of a plan that `old` has too, only the latest shapes are run.
    ///
    /// Calls that assign variables or draw random numbers are only compiled. A run that fails is not an error.
    ///
    /// - Parameters:
    ///   - old: The model in service; nil for none.
    ///   - helpers: The source of helpers for runs; nil for none.
    package func warmUp(like old: Model?, helpers: (any HelperSource)? = nil) {
        let deadline = Deadline(after: Self.maxSeconds)
        guard let old else { return warmUpOutputs(until: deadline, helpers) }
        let names = ownNames(of: old)
        func own(_ arguments: [Callable.Argument]) -> [String] { arguments.map { names[$0.name] ?? $0.name } }
        // The oldest first, so that the latest callable stays the latest.
        for known in old.session.compiled.prefix(Self.maxCalls).reversed() {
            guard !deadline.isPast,
                let callable = try? callable(feeds: own(known.feeds), fetches: own(known.fetches))
            else { continue }
            let seen = known.shapesSeen(atMost: Self.maxShapes)
            for (number, shapes) in seen.enumerated().reversed() where !deadline.isPast {
                // Programs that the old model runs need no run: only the weights are other ones.
                warmUp(callable, shapes, runs: number == 0 || !callable.sharesPlan(with: known), helpers)
            }
        }
    }

    private func warmUpOutputs(until deadline: Deadline, _ helpers: (any HelperSource)?) {
        let feeds = inputs.filter { $0.isNeeded && $0.defaultValue == nil }
        let named = signatures.values.sorted { $0.name < $1.name }.map { signature in
            (
                feeds: Set(signature.inputs.map(\.tensor)).sorted(),
                fetches: signature.outputs.map(\.tensor)
            )
        }
        for call in named + [(Set(feeds.map(\.tensor)).sorted(), outputs.map(\.tensor))] where !deadline.isPast {
            guard let callable = try? callable(feeds: call.feeds, fetches: call.fetches) else { continue }
            let shapes = callable.feeds.compactMap { feed in
                Shape((feed.shape.dimensions ?? []).map { $0 < 0 ? 1 : $0 })
            }
            warmUp(callable, shapes, runs: true, helpers)
        }
    }

    /// Makes the program for some shapes, and runs it with zeros and empty strings, unless that would leave a trace.
    private func warmUp(_ callable: Callable, _ shapes: [Shape], runs: Bool, _ helpers: (any HelperSource)?) {
        guard shapes.count == callable.feeds.count else { return }
        var feeds: [Tensor] = []
        for (feed, shape) in zip(callable.feeds, shapes) {
            guard let tensor = try? Tensor.zeros(feed.dtype, shape) else { return }
            feeds.append(tensor)
        }
        if runs, callable.leavesNoTrace {
            _ = try? callable.run(
                feeds, limits: RunLimits(deadline: Deadline(after: Self.maxRunSeconds)), helpers: helpers)
        } else {
            try? callable.prepare(for: feeds)
        }
    }
}
