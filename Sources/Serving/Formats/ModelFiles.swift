internal import Checkpoints
internal import Files

/// A model's files, opened, decoded and verified, whatever their format.
struct ModelFiles {
    /// The detected format, for messages: "TensorFlow 2 SavedModel".
    let format: String
    /// The path that the names of the checkpoint's files begin with; without a checkpoint that of the graph's file.
    let prefix: String
    /// The training step that the checkpoint's name tells.
    let step: Int?
    /// Notes on choices, for the log.
    let notes: [String]
    /// Warnings for the operator about the version.
    let warnings: [String]
    let graph: ModelGraph
    let variables: RestoredVariables
    /// The files that were read, as they were then.
    let read: [FileIdentity]

    /// Puts together what a format found, and reads the weights.
    ///
    /// - Throws: ``ModelError`` of kind `load` if the weights do not verify.
    init(
        format: String, prefix: String, step: Int? = nil, notes: [String] = [], warnings: [String] = [],
        graph: ModelGraph, graphFile: FileIdentity, reader: CheckpointReader?, _ context: LoadingContext
    ) throws(ModelError) {
        let loaded = try ModelError.loading { () throws(CheckpointError) in
            try reader?.loaded(keepingFiles: context.releasesWeights)
        }
        self.format = format
        self.prefix = prefix
        self.step = step
        self.notes = notes + graph.notes
        self.warnings = warnings + graph.warnings
        self.graph = graph
        variables = RestoredVariables(plan: graph.plan, reader: loaded)
        read = [graphFile] + (loaded?.files ?? [])
    }
}

/// The inputs of loading a model besides its files.
struct LoadingContext {
    var defaults: ModelGraph.Defaults
    /// The graph of the version before.
    var previous: ModelGraph?
    /// Whether memory of weights that no plan reads is given back.
    var releasesWeights = false

    /// The graph of a file: the one before, if the bytes are the same; else what `make` decodes.
    ///
    /// Throws what `make` throws.
    func graph(of bytes: GraphBytes, _ make: () throws(ModelError) -> ModelGraph) throws(ModelError) -> ModelGraph {
        if let previous, previous.isThat(of: bytes, defaults) { return previous }
        return try make()
    }
}
