internal import Checkpoints
internal import Files

/// A model's files of any format, opened, decoded and verified.
struct ModelFiles {
    /// The detected format, for messages: "TensorFlow 2 SavedModel".
    let format: String
    /// The prefix of the checkpoint; without a checkpoint, the path of the graph's file.
    let prefix: String
    /// The training step in the checkpoint's name.
    let step: Int?
    /// Notes on choices, for the log.
    let notes: [String]
    /// Warnings for the operator about the version.
    let warnings: [String]
    let graph: ModelGraph
    let variables: RestoredVariables
    /// The files that were read, with their states.
    let read: [FileIdentity]

    /// Combines the parts that a format found, and reads the weights.
    ///
    /// - Throws: ``ModelError`` of kind `load` if the weights do not verify.
    init(
        format: String, prefix: String, step: Int? = nil, notes: [String] = [], warnings: [String] = [],
        graph: ModelGraph, graphFile: FileIdentity, reader: CheckpointReader?, _ context: LoadingContext
    ) throws(ModelError) {
        let loaded = try ModelError.loading { () throws(CheckpointError) in
            try reader?.loaded(context.reading)
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
    /// The graph of the previous version.
    var previous: ModelGraph?
    /// How weights are read.
    var reading = ReadingOptions()

    /// The graph of a file: the previous one if the bytes are the same, otherwise the graph that `make` decodes.
    ///
    /// - Throws: The errors of `make`.
    func graph(of bytes: GraphBytes, _ make: () throws(ModelError) -> ModelGraph) throws(ModelError) -> ModelGraph {
        if let previous, previous.isThat(of: bytes, defaults) { return previous }
        return try make()
    }
}
