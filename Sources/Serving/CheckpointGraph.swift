internal import Checkpoints
internal import TensorFlowProtos
internal import Tensors

/// The graph that belongs to a checkpoint.
///
/// It is the checkpoint's own `.meta`. Where there is none (`write_meta_graph=False`, TensorFlow 2's checkpoints) it is the newest
/// older one whose variables are all in the checkpoint; else any other graph of the folder for which that holds.
struct CheckpointGraph {
    let path: String
    let meta: MetaGraphDef
    /// What had to be decided.
    let notes: [String]

    /// The file's name without the folder.
    var fileName: Substring { path.split(separator: "/").last ?? "" }

    /// - Throws: ``CheckpointError`` if there is no graph that fits, saying why those that are there do not.
    init(of location: CheckpointFolder, _ reader: CheckpointReader) throws(CheckpointError) {
        if MappedFile.exists(location.metaPath) {
            path = location.metaPath
            meta = try Self.read(path)
            notes = []
            return
        }
        let folder = String(
            location.metaPath[..<(location.metaPath.lastIndex(of: "/") ?? location.metaPath.startIndex)])
        var misfits: [String] = []
        for name in Self.candidates(in: folder, step: location.step) {
            do throws(CheckpointError) {
                let meta = try Self.read("\(folder)/\(name)")
                if let misfit = Self.misfit(meta, reader) {
                    misfits.append("\(name) does not fit: \(misfit)")
                    continue
                }
                path = "\(folder)/\(name)"
                self.meta = meta
                notes = ["\(location.metaPath) is not there: taking the graph of \(name), whose variables fit"]
                return
            } catch { misfits.append("\(name) cannot be read: \(error.reason)") }
        }
        let reasons = misfits.isEmpty ? "" : "; " + misfits.joined(separator: "; ")
        throw CheckpointError(.notFound, file: location.metaPath, "no such file" + reasons)
    }

    private static func read(_ path: String) throws(CheckpointError) -> MetaGraphDef {
        guard let meta = try GraphFile(path: path).metaGraph, !meta.graphDef.node.isEmpty else {
            throw CheckpointError(.malformed, file: path, "the meta graph has no nodes")
        }
        return meta
    }

    private static let mostCandidates = 64

    /// Meta graphs of this step and before, the newest first; then later ones; then other graphs.
    private static func candidates(in folder: String, step: Int?) -> [String] {
        let names = (try? CheckpointFolder.files(in: folder)) ?? []
        let metas = names.filter { $0.hasSuffix(".meta") }
        let rank = { (name: String) -> (Int, Int) in
            let own = CheckpointFolder.step(of: String(name.dropLast(5))) ?? -1
            return own <= step ?? .max ? (0, -own) : (1, own)
        }
        let others = names.filter { !$0.hasSuffix(".meta") && GraphFile.isGraph(path: "\(folder)/\($0)") }
        return Array((metas.sorted { rank($0) < rank($1) } + others).prefix(mostCandidates))
    }

    /// Why a graph is not that of the checkpoint; nil if it is.
    private static func misfit(_ meta: MetaGraphDef, _ reader: CheckpointReader) -> String? {
        let restored = RestoredVariables(plan: ModelFiles.plan(of: meta), reader: reader)
        var count = 0
        for node in meta.graphDef.node where RestorePlan.variableOps.contains(node.op) {
            let source = restored.plan.sources[node.name]
            // A variable that the Saver does not restore (a local one) tells nothing.
            if restored.plan.isExplicit, source == nil { continue }
            guard let info = restored.info(of: node.name) else {
                return "the checkpoint lacks the variable \"\(node.name)\""
            }
            let shape = node.attr["shape"].map { PartialShape(decoding: $0.shape) } ?? .unknown
            let dtype = node.attr["dtype"].flatMap { DataType(protoNumber: $0.type) }
            guard dtype == info.dtype, source?.slice.isEmpty == false || shape.admits(info.shape) else {
                let declared = "\(dtype?.name ?? "?") \(shape)"
                return "variable \"\(node.name)\" is \(declared) there, \(info.dtype) \(info.shape) in the checkpoint"
            }
            count += 1
        }
        return count == 0 ? "it has no variables" : nil
    }
}
