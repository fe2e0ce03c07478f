internal import Checkpoints
internal import Files
internal import TensorFlowProtos
internal import Tensors

/// The graph that belongs to a checkpoint.
///
/// This is the checkpoint's own `.meta`. If there is none (`write_meta_graph=False`, TensorFlow 2's checkpoints), it is the newest older one
/// whose variables are all in the checkpoint, otherwise any other such graph of the folder.
struct CheckpointGraph {
    let graph: ModelGraph
    let file: FileIdentity
    /// Notes on the choice of the graph.
    let notes: [String]

    /// The file's name without the folder.
    var fileName: String { PathText.name(of: file.path) }

    /// - Throws: ``ModelError`` of kind `load` if no graph fits, with the reason for each.
    init(
        of location: CheckpointFolder, _ reader: CheckpointReader, _ context: LoadingContext
    ) throws(ModelError) {
        if FileIdentity.exists(location.metaPath) {
            let bytes = try ModelError.loading { () throws(CheckpointError) in
                try GraphBytes(path: location.metaPath)
            }
            graph = try context.graph(of: bytes) { () throws(ModelError) in
                try ModelGraph(try Self.decode(bytes), bytes, context.defaults)
            }
            file = bytes.identity
            notes = []
            return
        }
        var misfits: [String] = []
        for path in Self.candidates(location) {
            let name = PathText.name(of: path)
            do throws(ModelError) {
                let bytes = try ModelError.loading { () throws(CheckpointError) in try GraphBytes(path: path) }
                let meta = try Self.decode(bytes)
                if let misfit = Self.misfit(meta, reader) {
                    misfits.append("\(name) does not match: \(misfit)")
                    continue
                }
                graph = try context.graph(of: bytes) { () throws(ModelError) in
                    try ModelGraph(meta, bytes, context.defaults)
                }
                file = bytes.identity
                notes = ["\(location.metaPath) does not exist: using the graph of \(name), whose variables match"]
                return
            } catch { misfits.append("\(name) cannot be read: \(error)") }
        }
        let reasons =
            misfits.isEmpty
            ? ", and the folder has no other graph: without a graph, the tensors can be inspected, but not served"
            : "; " + misfits.joined(separator: "; ")
        throw ModelError(.incomplete, "\(location.metaPath): no such file" + reasons)
    }

    private static func decode(_ bytes: GraphBytes) throws(ModelError) -> MetaGraphDef {
        let path = bytes.identity.path
        let decoded = try ModelError.loading { () throws(CheckpointError) in try bytes.decoded().metaGraph }
        guard let meta = decoded, !meta.graphDef.node.isEmpty else {
            throw ModelError(.load, "\(path): the meta graph has no nodes")
        }
        guard !isCutOff(meta) else {
            throw ModelError(
                .incomplete,
                "\(path): is cut off after the graph: the SaverDef and the collections of a Saver are missing"
            )
        }
        return meta
    }

    /// Whether the graph has a Saver's nodes, but none of the data that follows the graph in the file. No checksum covers the file, and it can
    /// be decoded if it is cut off at the end of a field.
    private static func isCutOff(_ meta: MetaGraphDef) -> Bool {
        !meta.hasSaverDef && meta.collectionDef.isEmpty && meta.signatureDef.isEmpty && meta.assetFileDef.isEmpty
            && !meta.hasObjectGraphDef && meta.hasMetaInfoDef
            && meta.graphDef.node.contains { $0.op == "RestoreV2" || $0.op == "Restore" || $0.op == "RestoreSlice" }
    }

    private static let maxCandidates = 64

    /// The meta graphs of this and earlier steps, the newest first, then later ones, then other graphs.
    private static func candidates(_ location: CheckpointFolder) -> [String] {
        let metas = CheckpointListing.item(prefix: location.prefix).otherGraphs
        guard metas.count < maxCandidates else { return metas }
        let folder = PathText.folder(of: location.prefix)
        let names = (try? CheckpointFolder.files(in: folder)) ?? []
        let others = names.filter { !$0.ends(with: ".meta") }.map { "\(folder)/\($0)" }.filter(GraphFile.isGraph)
        return Array((metas + others).prefix(maxCandidates))
    }

    /// The reason why a graph does not fit the checkpoint; nil if it does.
    private static func misfit(_ meta: MetaGraphDef, _ reader: CheckpointReader) -> String? {
        let restored = RestoredVariables(plan: ModelGraph.plan(of: meta), reader: reader)
        var count = 0
        for node in meta.graphDef.node where RestorePlan.variableOps.contains(node.op) {
            let source = restored.plan.sources[node.name]
            // A variable that the Saver does not restore (a local one) is ignored.
            if restored.plan.isExplicit, source == nil { continue }
            guard let info = restored.info(of: node.name) else {
                return "the checkpoint lacks the variable \"\(node.name)\""
            }
            let shape = node.attr["shape"].map { PartialShape(decoding: $0.shape) } ?? .unknown
            let dtype = node.attr["dtype"].flatMap { DataType(protoNumber: $0.type) }
            let isReshaped = source?.isReshaped == true && shape.known?.elementCount == info.shape.elementCount
            guard dtype == info.dtype, source?.slice.isEmpty == false || isReshaped || shape.admits(info.shape) else {
                let declared = "\(dtype?.name ?? "?") \(shape)"
                return
                    "variable \"\(node.name)\" is \(declared) in the graph, but \(info.dtype) \(info.shape) in the checkpoint"
            }
            count += 1
        }
        return count == 0 ? "it has no variables" : nil
    }
}
