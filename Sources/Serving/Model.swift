package import Checkpoints
package import Execution
package import Graphs
internal import Operations
internal import TensorFlowProtos
internal import Tensors

/// A model: a graph and its weights, from a checkpoint, a SavedModel, a frozen graph or the newest of numbered versions.
///
/// ```swift
/// let model = try Model(contentsOf: "models/tutorial")
/// let answer = try model.run(feeds: ["w1:0": 13, "w2:0": 17], fetches: ["op_to_restore:0"])
/// ```
///
/// Immutable: many threads may run it at once.
public final class Model: Sendable {
    /// The name to call it by; the folder's unless another was given.
    public let name: String
    /// What the files were taken for, for people: `TensorFlow 2 SavedModel`.
    public let format: String
    /// The training step of the checkpoint, where its name tells it.
    public let step: Int?
    /// The number of the folder, where the model lies in numbered versions.
    public let version: Int?
    /// The path that the names of the checkpoint's files begin with; of a graph without one, the graph's file.
    public let prefix: String
    /// How long the loading took.
    public let loadMilliseconds: Double
    /// The placeholders, or the signature's inputs.
    public let inputs: [TensorDescription]
    /// What is fetched when a request names nothing.
    public let outputs: [TensorDescription]
    /// The variables that the checkpoint restores.
    public let variables: [VariableDescription]
    /// What had to be decided while loading, for the log.
    public let notes: [String]
    /// The signatures that the model was given, by name.
    public let signatures: [String: Signature]
    /// The weights; nil for a graph without variables.
    package let reader: CheckpointReader?
    /// The files of a SavedModel's `assets` that the graph reads: their paths by the name of the tensor that is the path. No
    /// other file should be read because a graph says so.
    package let assets: [String: String]
    /// The ops that fill a SavedModel's tables, in no order.
    package let initOps: [String]
    /// Where the contents of mutable tables are in the checkpoint, by the name of the table's node.
    package let restoredTables: [String: RestorePlan.TableSource]

    package let graph: Graph
    private let session: Session
    private let interface: GraphInterface

    /// Loads what is at a path: the newest checkpoint of a folder, a SavedModel, a frozen graph, the newest of numbered versions.
    ///
    /// - Parameters:
    ///   - path: That of the folder, or of a file: a frozen graph, a checkpoint's prefix.
    ///   - name: The model's name; the path's last component when left out.
    ///   - threadCount: How many runs are expected at once.
    ///   - defaults: Values of placeholders that a request does not feed; they come before those of the model's own settings.
    /// - Throws: ``ModelError`` of kind `load`, naming file and cause.
    public init(
        contentsOf path: String, name: String? = nil, threadCount: Int = 4, defaults: DefaultValues = DefaultValues()
    ) throws(ModelError) {
        let clock = ContinuousClock()
        let start = clock.now
        let files = try ModelFiles(path: path)
        self.name = name ?? ModelFolders.name(of: path)
        format = files.format
        step = files.step
        version = files.version
        prefix = files.prefix
        notes = files.notes
        signatures = Dictionary(
            uniqueKeysWithValues: files.meta.signatureDef.map { ($0.key, Signature($0.key, $0.value)) })
        reader = files.variables.reader
        assets = files.assets
        initOps = files.initOps
        restoredTables = files.variables.plan.tables
        let graph = try Self.graph(of: files, ModelSettings(folder: path).defaults, defaults, model: self.name)
        self.graph = graph
        let session = Session(
            graph: graph, variables: CheckpointVariables(files.variables), threadCount: threadCount,
            tables: ModelTables(files.variables, assets: files.assets, path: path))
        self.session = session
        interface = GraphInterface(graph, files.meta) { session.fact(of: $0) }
        inputs = interface.inputs.map { Self.describe($0, graph, session) }
        outputs = interface.outputs.map { Self.describe($0, graph, session) }
        variables = Self.variables(of: graph, files.variables)
        loadMilliseconds = Double((clock.now - start) / .microseconds(1)) / 1000
    }

    private static func graph(
        of files: ModelFiles, _ own: DefaultValues, _ given: DefaultValues, model: String
    ) throws(ModelError) -> Graph {
        let values = try own.tensors(for: files.graph, model: model)
        return files.graph.settingDefaults(
            values.merging(try given.tensors(for: files.graph, model: model)) { _, given in given })
    }

    private static func describe(_ endpoint: Endpoint, _ graph: Graph, _ session: Session) -> TensorDescription {
        let fact = session.fact(of: endpoint)
        return TensorDescription(
            name: "\(graph.nodes[endpoint.node].name):\(endpoint.output)", dtype: fact?.dtype,
            shape: fact?.shape ?? .unknown)
    }

    private static func describe(_ input: GraphInterface.Input, _ graph: Graph, _ session: Session) -> TensorDescription
    {
        var description = describe(input.tensor, graph, session)
        description.note = input.role?.note
        if case .inputSwitch(let kind)? = input.role { description.usualValue = kind.usualValue }
        description.isNeeded = input.role != .label && input.role != .unused
        description.defaultValue = defaultValue(of: graph.nodes[input.tensor.node], graph)
        return description
    }

    /// The constant that a placeholder has when it is not fed.
    private static func defaultValue(of node: Node, _ graph: Graph) -> Tensor? {
        guard node.op == "PlaceholderWithDefault", case .endpoint(let source)? = node.inputs.first,
            case .tensor(let value)? = try? graph.nodes[source.node].attribute("value")
        else { return nil }
        return value
    }

    private static func variables(of graph: Graph, _ restored: RestoredVariables) -> [VariableDescription] {
        graph.nodes.compactMap { node in
            guard RestorePlan.variableOps.contains(node.op), let info = restored.info(of: node.name)
            else {
                return nil
            }
            return VariableDescription(name: node.name, dtype: info.dtype, shape: info.shape, byteCount: info.byteCount)
        }
    }

    /// Compiles feeds and fetches, or finds what was compiled.
    ///
    /// - `feeds`: Names, `x` or `x:0`.
    /// - `fetches`: Names; nil for the model's outputs, those that the feeds suffice for.
    ///
    /// Throws ``ModelError``: `unknownTensor` with the nearest names, `refused`, `invalidArgument` for a missing feed,
    ///   `unsupported` for an op.
    package func callable(feeds: [String], fetches: [String]?) throws(ModelError) -> Callable {
        var feedEndpoints: [Endpoint] = []
        for name in feeds {
            let endpoint = try endpoint(name, "feed")
            guard !feedEndpoints.contains(endpoint) else {
                throw ModelError(.invalidArgument, "feed \"\(name)\" is given twice")
            }
            feedEndpoints.append(endpoint)
        }
        var fetchEndpoints: [Endpoint] = []
        if let fetches {
            for name in fetches { fetchEndpoints.append(try endpoint(name, "fetch")) }
        } else {
            fetchEndpoints = defaultFetches(feeds: feedEndpoints)
        }
        guard !fetchEndpoints.isEmpty else {
            throw ModelError(.invalidArgument, "nothing to fetch: name tensors in \"fetches\"")
        }
        do throws(CompileError) {
            return try session.callable(feeds: feedEndpoints, fetches: fetchEndpoints)
        } catch { throw ModelError(error) }
    }

    private func endpoint(_ text: String, _ what: String) throws(ModelError) -> Endpoint {
        guard let name = TensorName(parsing: text), !name.isControl, let index = graph.index(ofNode: name.node) else {
            let parsed = TensorName(parsing: text)?.node ?? text
            let nearest = graph.nearestNames(to: parsed).map { "\"\($0)\"" }.joined(separator: ", ")
            throw ModelError(
                .unknownTensor,
                "\(what) \"\(text)\": the graph of model \"\(self.name)\" has no such tensor"
                    + (nearest.isEmpty ? "" : "; the nearest are \(nearest)"))
        }
        guard !interface.isPrivate(graph.nodes[index]) else {
            throw ModelError(
                .refused, "\(what) \"\(text)\" is refused: it belongs to the saving and restoring of checkpoints")
        }
        return Endpoint(node: index, output: name.output)
    }

    /// The outputs that can be computed from these feeds. If none can: the first that lacks a feed, so that the error names it;
    /// and if none does, all.
    private func defaultFetches(feeds: [Endpoint]) -> [Endpoint] {
        var computable: [Endpoint] = []
        var incomplete: Endpoint?
        for output in interface.outputs {
            do throws(CompileError) {
                _ = try session.callable(feeds: feeds, fetches: [output])
                computable.append(output)
            } catch {
                if error.kind == .missingFeed { incomplete = incomplete ?? output }
            }
        }
        guard computable.isEmpty else { return computable }
        return incomplete.map { [$0] } ?? interface.outputs
    }
}
