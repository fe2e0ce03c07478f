package import Checkpoints
internal import Execution
package import Graphs
internal import Interfaces
package import Memory
internal import Operations
package import Planning
internal import TensorFlowProtos
public import Tensors
internal import Threads

/// A model: a graph and its weights, from a checkpoint, a SavedModel, a frozen graph or the newest of numbered versions.
///
/// ```swift
/// let model = try Model(contentsOf: "models/tutorial")
/// let outputs = try model.run(feeds: ["w1:0": 13, "w2:0": 17], fetches: ["op_to_restore:0"])
/// ```
///
/// Immutable: many threads may run it at once.
public final class Model: Sendable {
    /// The name in requests: the folder's name unless another was given.
    public let name: String
    /// The detected format, for messages: `TensorFlow 2 SavedModel`.
    public let format: String
    /// The training step in the checkpoint's name, if there is one.
    public let step: Int?
    /// The number of the folder, if the model has numbered versions.
    public let version: Int?
    /// The prefix of the checkpoint; for a graph without a checkpoint, the graph's file.
    public let prefix: String
    /// How long the loading took: reading, verification and the choice of inputs and outputs. Plans are made later.
    public let loadMilliseconds: Double
    /// The default signature's inputs; without a signature, the placeholders.
    public let inputs: [TensorDescription]
    /// The outputs of a request that names no fetches.
    public let outputs: [TensorDescription]
    /// The variables that the checkpoint restores.
    public let variables: [VariableDescription]
    /// Notes on choices while loading, for the log.
    public let notes: [String]
    /// Warnings for the operator about the version. They are logged when the version is loaded.
    public let warnings: [String]
    /// The signatures that the model was given, by name.
    public let signatures: [String: Signature]
    /// The signature for requests that name none; nil if the model has none.
    public let defaultSignature: Signature?
    /// Whether runs may assign variables.
    public let variablesMode: VariablesMode
    /// The reason for that mode, for messages.
    public let variablesReason: String
    /// The numbers that products keep their weights in.
    public let precision: Precision
    /// The weights; nil for a graph without variables.
    package let reader: CheckpointReader?
    /// The files of a SavedModel's `assets` that the graph reads: their paths by the name of the path's tensor. A graph must not read any other
    /// file.
    package let assets: [String: String]
    /// The ops that fill a SavedModel's tables, in no order.
    package let initOps: [String]
    /// The tensors with the contents of mutable tables, by the name of the table's node.
    package let restoredTables: [String: RestorePlan.TableSource]

    /// The names of the classes of outputs.
    package let classes: ModelClasses

    package var graph: Graph { shared.graph }
    let session: Session
    /// The contents of tables that are not in the graph.
    let tables: ModelTables
    private let candidate: ModelCandidate
    /// The counted memory of the files' contents, as long as the model exists.
    private let memory: ModelMemory?
    /// The cache that this model shares with all others.
    package var caches: CacheBudget { session.caches }
    let shared: ModelGraph
    let restored: RestoredVariables
    var interface: GraphInterface { shared.interface }

    /// Loads the model at a path: the newest checkpoint of a folder, a SavedModel, a frozen graph, the newest of numbered versions.
    ///
    /// - Parameters:
    ///   - path: A folder, a frozen graph, or a checkpoint's prefix.
    ///   - name: The model's name; nil for the path's last component.
    ///   - threadCount: The expected number of concurrent runs.
    ///   - defaults: Values of placeholders that a request does not feed. They take precedence over those of the model's own settings.
    ///   - variables: Whether runs may assign variables; nil for the model's own settings, otherwise for the mode that suits the graph:
    ///     read-only if a training switch guards the assignments.
    ///   - followsPaths: Whether a `checkpoint` file may name files of other folders.
    ///   - disabledPasses: The names of the planner's passes that do not run.
    ///   - precision: The numbers that products keep their weights in; nil for the model's own settings, otherwise float32.
    /// - Throws: ``ModelError`` of kind `load` with the file and the cause.
    public convenience init(
        contentsOf path: String, name: String? = nil, threadCount: Int = 4, defaults: DefaultValues = DefaultValues(),
        variables: VariablesMode? = nil, followsPaths: Bool = false, disabledPasses: Set<String> = [],
        precision: Precision? = nil
    ) throws(ModelError) {
        try self.init(
            contentsOf: path, name: name, threadCount: threadCount, defaults: defaults, variables: variables,
            followsPaths: followsPaths, disabledPasses: disabledPasses, precision: precision,
            reading: ReadingOptions(helpers: Self.spareProcessors))
    }

    /// The same; `reading` tells how weights are read. If they are read on demand, call ``verifyWeights()`` before an output is used.
    ///
    /// - Throws: ``ModelError`` of kind `load` with the file and the cause.
    package convenience init(
        contentsOf path: String, name: String? = nil, threadCount: Int = 4, defaults: DefaultValues = DefaultValues(),
        variables: VariablesMode? = nil, followsPaths: Bool = false, disabledPasses: Set<String> = [],
        precision: Precision? = nil, reading: ReadingOptions
    ) throws(ModelError) {
        let name = name ?? ModelFolders.name(of: path)
        let loading = try ModelLoading(
            newestAt: path, name: name, defaults: defaults, followsPaths: followsPaths, reading: reading)
        try self.init(
            loading, name: name, threadCount: threadCount, variables: variables ?? loading.variables,
            passes: PassOptions(disabled: disabledPasses, precision: precision ?? loading.precision ?? .fp32),
            helpers: reading.helpers)
    }

    /// Loads a candidate. If `previous` has the same meta graph, its graph, interface and shape inference are reused, and only the
    /// weights are new.
    ///
    /// - Parameters:
    ///   - candidate: A candidate of ``ModelListing/look(at:)``.
    ///   - name: The model's name.
    ///   - threadCount: The expected number of concurrent runs.
    ///   - defaults: Values of placeholders that a request does not feed. They take precedence over those of the model's own settings.
    ///   - own: The settings of the model's folder; nil to read them.
    ///   - variables: Whether runs may assign variables. It takes precedence over the model's own settings.
    ///   - standardVariables: Whether runs may assign variables, if the model's own settings do not state it.
    ///   - precision: The numbers of weights. It takes precedence over the model's own settings, and these over those of `passes`.
    ///   - previous: The model in service.
    ///   - memory: The account of the server's memory; nil for none.
    ///   - caches: What may be kept of this model and all others.
    ///   - passes: The passes that plans go through.
    ///   - reading: How weights are read. If they are read on demand, call ``verifyWeights()`` before the model is used.
    /// - Throws: ``ModelError`` of kind `load`; its ``ModelError/failure`` tells whether to try again.
    package convenience init(
        _ candidate: ModelCandidate, name: String, threadCount: Int = 4, defaults: DefaultValues = DefaultValues(),
        own: ModelSettings? = nil, variables: VariablesMode? = nil, standardVariables: VariablesMode? = nil,
        precision: Precision? = nil, previous: Model? = nil, memory: MemoryAccount? = nil,
        caches: CacheBudget = CacheBudget(), passes: PassOptions = PassOptions(),
        reading: ReadingOptions = ReadingOptions()
    ) throws(ModelError) {
        let loading = try ModelLoading(
            candidate, name: name, defaults: defaults, own: own, previous: previous?.shared, memory: memory,
            reading: reading)
        var passes = passes
        passes.precision = precision ?? loading.precision ?? passes.precision
        try self.init(
            loading, name: name, threadCount: threadCount,
            variables: variables ?? loading.variables ?? standardVariables, caches: caches, passes: passes,
            helpers: reading.helpers)
    }

    private init(
        _ loading: ModelLoading, name: String, threadCount: Int, variables mode: VariablesMode?,
        caches: CacheBudget = CacheBudget(), passes: PassOptions, helpers: (any HelperSource)?
    ) throws(ModelError) {
        let files = loading.files
        let shared = files.graph
        self.name = name
        format = files.format
        step = files.step
        version = loading.candidate.version
        prefix = files.prefix
        classes = loading.classes
        reader = files.variables.reader
        memory = loading.memory
        assets = shared.assets
        initOps = shared.initOps
        restoredTables = shared.plan.tables
        self.shared = shared
        restored = files.variables
        let rule = VariablesRule(mode, for: shared)
        variablesMode = rule.mode
        variablesReason = rule.reason
        precision = passes.precision
        tables = ModelTables(files.variables, assets: loading.assets, path: loading.candidate.folder)
        session = Session(
            graph: shared.graph, variables: CheckpointVariables(files.variables), threadCount: threadCount,
            memory: loading.memory?.account, caches: caches,
            tables: tables, library: shared.library, readOnlyReason: rule.refusal, passes: passes, helpers: helpers)
        candidate = loading.candidate
        let offered: OfferedInterface
        do throws(ModelError) {
            offered = try OfferedInterface(shared, session, files.variables, prefix: files.prefix)
        } catch {
            // A tensor that does not verify may be the cause.
            try ModelLoading.verify(files.variables.reader, loading.candidate)
            throw error
        }
        inputs = offered.inputs
        outputs = offered.outputs
        signatures = offered.signatures
        defaultSignature = offered.defaultSignature
        notes = loading.notes + files.notes + loading.classes.notes
        warnings = loading.warnings + files.warnings + loading.classes.warnings + offered.warnings
        variables = Self.variables(of: shared.graph, files.variables)
        loading.memory?.settle()
        loadMilliseconds = Double((ContinuousClock().now - loading.start) / .microseconds(1)) / 1000
    }

    /// Verifies the weights that are read on demand and that no plan has read. What plans have read is verified.
    ///
    /// - Throws: ``ModelError`` of kind `load` for the first tensor that does not verify, or if files have changed meanwhile.
    package func verifyWeights() throws(ModelError) { try ModelLoading.verify(reader, candidate) }

    private static func variables(of graph: Graph, _ restored: RestoredVariables) -> [VariableDescription] {
        graph.nodes.compactMap { node in
            guard RestorePlan.variableOps.contains(node.op), let info = restored.info(of: node.name)
            else {
                return nil
            }
            return VariableDescription(name: node.name, dtype: info.dtype, shape: info.shape, byteCount: info.byteCount)
        }
    }
}
