package import Execution
internal import Graphs
internal import Operations
internal import Planning
package import Tensors
package import Threads

/// The plan of a call of a model, and the time of each step.
package struct ExplainedCall: Sendable {
    /// A feed, with the shape of the program.
    package struct Feed: Sendable {
        package let name: String
        package let dtype: DataType
        package let shape: Shape
        /// Whether no value was given. The feed is then zeros of the declared shape, or of a usual one.
        package let isExample: Bool
    }

    package let feeds: [Feed]
    package let fetches: [String]
    package let explanation: PlanExplanation
    /// The shortest time of each step of the program, in nanoseconds; nil without a profile.
    package let nanoseconds: [UInt64]?
}

extension Model {
    /// The compiled callables of the model, the latest first.
    package var compiled: [Callable] { session.compiled }

    /// Plans a call, and records each stage of the plan and the program.
    ///
    /// - Parameters:
    ///   - feeds: Values by names of inputs. Other needed inputs are zeros of an example's shape.
    ///   - fetches: Names; nil for the model's outputs.
    ///   - runs: The number of measured runs; nil for none.
    ///   - helpers: The source of helpers for measured runs; nil for none.
    /// - Returns: The plan after each pass, the program, and the times.
    /// - Throws: ``ModelError``, as for a request with these feeds and fetches.
    package func explain(
        feeds: [String: FeedValue] = [:], fetches: [String]? = nil, runs: Int? = nil,
        helpers: (any HelperSource)? = nil
    ) throws(ModelError) -> ExplainedCall {
        var values = feeds
        var examples: Set<String> = []
        for input in inputs where input.isNeeded && input.defaultValue == nil {
            let names = [input.name, input.tensor, String(input.tensor.split(separator: ":")[0])]
            guard !names.contains(where: { values[$0] != nil }), let dtype = input.dtype, !dtype.isHandle,
                let shape = Shape(exampleDimensions(of: input.tensor, declared: input.shape)),
                let tensor = try? Tensor.zeros(dtype, shape)
            else { continue }
            values[input.name] = FeedValue(tensor)
            examples.insert(input.name)
        }
        let names = values.keys.sorted()
        let named = try callable(feeds: names, fetches: fetches, in: defaultSignature)
        var tensors: [Tensor] = []
        for (name, argument) in zip(names, named.callable.feeds) {
            guard let value = values[name] else { continue }
            tensors.append(try value.tensor(of: argument.dtype, feed: "feed \"\(name)\""))
        }
        return try explain(named, names, tensors, examples, runs, helpers)
    }

    private func explain(
        _ named: NamedCallable, _ names: [String], _ tensors: [Tensor], _ examples: Set<String>, _ runs: Int?,
        _ helpers: (any HelperSource)?
    ) throws(ModelError) -> ExplainedCall {
        let callable = named.callable
        do throws(OpError) {
            let explanation = try session.explain(
                feeds: endpoints(callable.feeds), fetches: endpoints(callable.fetches), shapes: tensors.map(\.shape))
            let nanoseconds: [UInt64]? = try runs.map { (runs) throws(OpError) in
                try TensorView.withViews(of: tensors) { (views) throws(OpError) in
                    try callable.profile(views, runs: runs, helpers: helpers)
                }
            }
            return ExplainedCall(
                feeds: zip(names, tensors).map { name, tensor in
                    ExplainedCall.Feed(
                        name: name, dtype: tensor.dtype, shape: tensor.shape, isExample: examples.contains(name))
                }, fetches: named.fetchNames, explanation: explanation, nanoseconds: nanoseconds)
        } catch { throw ModelError(error) }
    }

    private func endpoints(_ arguments: [Callable.Argument]) -> [Endpoint] {
        arguments.compactMap { argument in
            guard let name = TensorName(parsing: argument.name), let node = graph.index(ofNode: name.node) else {
                return nil
            }
            return Endpoint(node: node, output: name.output)
        }
    }
}
