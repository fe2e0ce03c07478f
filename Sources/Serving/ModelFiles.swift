internal import Checkpoints
internal import Graphs
internal import TensorFlowProtos

/// A model's files, opened, decoded and verified, whatever their format.
struct ModelFiles {
    /// What the files were taken for, for people: "TensorFlow 2 SavedModel".
    var format: String
    /// The path that the names of the checkpoint's files begin with; without a checkpoint that of the graph's file.
    let prefix: String
    /// The training step that the checkpoint's name tells.
    let step: Int?
    /// The number of the version's folder.
    var version: Int?
    /// What had to be decided, for the log.
    var notes: [String]
    /// The meta graph without what ``graph`` has: signatures, collections, saver.
    let meta: MetaGraphDef
    let graph: Graph
    let variables: RestoredVariables
    /// The paths of asset files by the name of the tensor that is the path.
    let assets: [String: String]
    /// The ops that initialise tables after the variables are restored.
    let initOps: [String]

    /// Puts together what a format found.
    ///
    /// - Parameters:
    ///   - source: Where graph and weights come from.
    ///   - meta: The meta graph.
    ///   - metaPath: Its file, for messages.
    ///   - reader: The weights; nil where there are none.
    ///   - assets: See ``assets``.
    ///   - initOps: See ``initOps``.
    /// - Throws: ``ModelError`` of kind `load`, also if the weights do not verify.
    init(
        _ source: Source, meta: MetaGraphDef, metaPath: String, reader: CheckpointReader?,
        assets: [String: String] = [:],
        initOps: [String] = []
    ) throws(ModelError) {
        guard !meta.graphDef.node.isEmpty else { throw ModelError(.load, "\(metaPath): the graph has no nodes") }
        try ModelError.loading { () throws(CheckpointError) in try reader?.verify() }
        variables = RestoredVariables(plan: Self.plan(of: meta, initOps: initOps), reader: reader)
        do throws(GraphError) {
            graph = try Graph(meta.graphDef, ops: meta.metaInfoDef.strippedOpList)
        } catch { throw ModelError(.load, "\(metaPath): \(error)") }
        format = source.format
        prefix = source.prefix
        step = source.step
        notes = source.notes
        self.meta = meta
        self.assets = assets
        self.initOps = initOps
    }

    /// What a format tells of itself.
    struct Source {
        var format: String
        var prefix: String
        var step: Int?
        var notes: [String] = []
    }

    /// How a meta graph's variables are restored.
    static func plan(of meta: MetaGraphDef, initOps: [String] = []) -> RestorePlan {
        RestorePlan(graph: meta.graphDef, saver: meta.hasSaverDef ? meta.saverDef : nil, initOps: initOps)
    }

    /// Opens what is at a path: a model's folder, or a file of it.
    ///
    /// - Throws: ``ModelError`` of kind `load` naming file and cause.
    init(path: String) throws(ModelError) {
        let path = ModelPath(path)
        // A path that looks like nothing gives the checkpoint's error, which lists what is there.
        self = try (ModelFormat.of(path) ?? .checkpoint).open(path)
    }
}
