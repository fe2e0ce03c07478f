package import Execution
package import Graphs
internal import Operations
package import Planning
public import Serving
public import Tensors
internal import Threads

/// A graph whose runs read and train its variables, as `tf.Session` is to a training script.
///
/// ```swift
/// let session = try Session(contentsOf: "models/digits")
/// try session.run(feeds: ["x:0": images, "y:0": labels], targets: ["train_op"])
/// let weights = try session.value(ofVariable: "out/weights")
/// ```
///
/// Runs that train wait for one another. A server never trains: requests cannot reach a session of this kind.
public final class Session: Sendable {
    /// The graph, with all nodes that were added.
    package let graph: Graph
    private let session: Execution.Session
    /// The names of the graph's variables, in the graph's order.
    public let variables: [String]
    private let references: [String: VariableReference]
    /// The model that the variables come from; nil for a graph that was built.
    let model: Model?

    /// The session of a model in a folder: its meta graph is imported, and its newest checkpoint restored.
    ///
    /// - Parameter path: A folder, or a checkpoint's prefix.
    /// - Throws: ``ModelError`` of kind `load` with the file and the cause.
    public convenience init(contentsOf path: String) throws(ModelError) {
        self.init(try Model(contentsOf: path, variables: .session))
    }

    /// The session of a model, or of a graph that adds nodes to the model's.
    ///
    /// - Parameters:
    ///   - model: The model, whose values the variables have first.
    ///   - graph: The model's graph with more nodes; nil for the graph itself. Variables that the model does not have are without a value
    ///     until a run assigns them one.
    package convenience init(_ model: Model, graph: Graph? = nil) {
        self.init(graph ?? model.graph, model.trainingSession(graph), model)
    }

    package init(_ graph: Graph, _ session: Execution.Session, _ model: Model? = nil) {
        self.model = model
        self.graph = graph
        self.session = session
        let found = graph.nodes.compactMap { node in Self.reference(node).map { (name: node.name, reference: $0) } }
        variables = found.map(\.name)
        references = Dictionary(found.map { ($0.name, $0.reference) }, uniquingKeysWith: { first, _ in first })
    }

    /// The variable that a node is; nil for other nodes.
    private static func reference(_ node: Node) -> VariableReference? {
        guard let entry = OpTable.entries[node.op], entry.traits.contains(.variable),
            let op = try? entry.make(NodeReader(node))
        else { return nil }
        return try? op.outputs(for: []).first?.variable
    }

    /// Runs the graph once.
    ///
    /// - Parameters:
    ///   - feeds: Values by the names of tensors, `x` or `x:0`.
    ///   - fetches: The names of tensors to compute.
    ///   - targets: The names of nodes to run for what they do, such as `train_op`.
    /// - Returns: The fetched tensors, by the given names.
    /// - Throws: ``ModelError`` that names the tensor or node.
    @discardableResult
    public func run(
        feeds: [String: FeedValue] = [:], fetches: [String] = [], targets: [String] = []
    ) throws(ModelError) -> [String: Tensor] {
        let names = feeds.keys.sorted()
        let step = try step(feeds: names, fetches: fetches, targets: targets)
        var tensors: [Tensor] = []
        for (index, name) in names.enumerated() {
            guard let value = feeds[name] else { continue }
            tensors.append(try value.tensor(of: step.feedType(index), feed: "feed \"\(name)\""))
        }
        let results = try step.run(tensors)
        return Dictionary(zip(fetches, results), uniquingKeysWith: { first, _ in first })
    }

    /// Compiles a run that is to be repeated.
    ///
    /// - Parameters:
    ///   - feeds: The names of tensors, in the order in which ``Step/run(_:limits:)`` gets them.
    ///   - fetches: The names of tensors, in the order of its results.
    ///   - targets: The names of nodes to run for what they do.
    /// - Returns: The run, to be repeated.
    /// - Throws: ``ModelError`` that names the tensor or node.
    package func step(feeds: [String], fetches: [String], targets: [String] = []) throws(ModelError) -> Step {
        var feedEndpoints: [Endpoint] = []
        for name in feeds { feedEndpoints.append(try endpoint(name)) }
        var fetchEndpoints: [Endpoint] = []
        for name in fetches { fetchEndpoints.append(try endpoint(name)) }
        var nodes: [Int] = []
        for name in targets {
            guard let index = graph.index(ofNode: name) else { throw unknown(name, "node") }
            nodes.append(index)
        }
        return try step(feeds: feedEndpoints, fetches: fetchEndpoints, targets: nodes)
    }

    /// Compiles a run that is to be repeated, of tensors and nodes by their places.
    ///
    /// - Throws: ``ModelError``.
    package func step(feeds: [Endpoint], fetches: [Endpoint], targets: [Int]) throws(ModelError) -> Step {
        do throws(OpError) {
            return Step(try session.callable(feeds: feeds, fetches: fetches, targets: targets))
        } catch { throw ModelError(error) }
    }

    /// The value of a variable now.
    ///
    /// - Parameter name: The variable's name, `w` or `w:0`.
    /// - Returns: Its elements.
    /// - Throws: ``ModelError`` of kind `unknownTensor` with the nearest names, of kind `brokenModel` where it has no value yet.
    public func value(ofVariable name: String) throws(ModelError) -> Tensor {
        let reference = try reference(name)
        do throws(OpError) { return try session.value(of: reference) } catch { throw ModelError(error) }
    }

    /// Gives variables other values, all at once.
    ///
    /// - Parameter values: Values by the variables' names.
    /// - Throws: ``ModelError`` of kind `unknownTensor`, or of kind `invalidArgument` where a dtype or shape does not fit.
    public func assign(_ values: [String: Tensor]) throws(ModelError) {
        var new: [(variable: VariableReference, value: Tensor)] = []
        for (name, value) in values.sorted(by: { $0.key < $1.key }) { new.append((try reference(name), value)) }
        do throws(OpError) { try session.assign(new) } catch { throw ModelError(error) }
    }

    /// The dtype and shape of a variable, as the graph declares them.
    ///
    /// - Throws: ``ModelError`` of kind `unknownTensor`.
    package func declaration(ofVariable name: String) throws(ModelError) -> (dtype: DataType, shape: PartialShape) {
        let reference = try reference(name)
        return (reference.dtype, reference.shape)
    }

    /// What the graph tells of its tensors.
    package var inference: FactInference { session.inference }

    private func reference(_ name: String) throws(ModelError) -> VariableReference {
        let node = TensorName(parsing: name)?.node ?? name
        guard let reference = references[node] else { throw unknown(name, "variable") }
        return reference
    }

    /// The place of a tensor.
    ///
    /// - Throws: ``ModelError`` of kind `unknownTensor` with the nearest names.
    package func endpoint(_ text: String) throws(ModelError) -> Endpoint {
        guard let name = TensorName(parsing: text), !name.isControl, let index = graph.index(ofNode: name.node) else {
            throw unknown(text, "tensor")
        }
        return Endpoint(node: index, output: name.output)
    }

    private func unknown(_ name: String, _ kind: String) -> ModelError {
        let nearest = graph.nearestNames(to: TensorName(parsing: name)?.node ?? name)
        let hint =
            nearest.isEmpty ? "" : "; the nearest names are " + nearest.map { "\"\($0)\"" }.joined(separator: ", ")
        return ModelError(.unknownTensor, "the graph has no \(kind) \"\(name)\"\(hint)")
    }
}
