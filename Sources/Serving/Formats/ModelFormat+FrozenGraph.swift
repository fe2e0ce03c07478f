internal import Checkpoints
internal import Files
internal import TensorFlowProtos
internal import Text

extension ModelFormat {
    /// A graph with constants instead of variables: one file, binary or text.
    static let frozenGraph = ModelFormat(
        isThere: { path in !graphs(at: path).isEmpty },
        look: { path throws(ModelError) in
            let candidate = ModelCandidate(
                number: 1, path: path.path, folder: path.path, format: .frozenGraph, reading: graphs(at: path))
            return ModelListing(ranked: [candidate])
        },
        open: { candidate, context throws(ModelError) in
            let path = ModelPath(candidate.path)
            var constant: [(bytes: GraphBytes, meta: MetaGraphDef)] = []
            var others: [String] = []
            for file in graphs(at: path) {
                let (bytes, meta) = try ModelError.loading { () throws(CheckpointError) in
                    let bytes = try GraphBytes(path: file)
                    return (bytes, try bytes.decoded().metaGraph)
                }
                guard let meta else { continue }
                if let variable = meta.graphDef.node.first(where: { RestorePlan.variableOps.contains($0.op) }) {
                    others.append("\(file) has variables, such as \"\(variable.name)\", but no checkpoint")
                } else {
                    constant.append((bytes, meta))
                }
            }
            guard let chosen = constant.first else {
                throw ModelError(
                    .load, others.isEmpty ? "\(path.path): the graph no longer exists" : others.joined(separator: "; "))
            }
            // The same graph may exist as binary and as text.
            guard Set(constant.map { stem($0.bytes.identity.path) }).count == 1 else {
                let paths = constant.map(\.bytes.identity.path).joined(separator: ", ")
                throw ModelError(.load, "\(path.path): contains several graphs: give the path of one of \(paths)")
            }
            let graph = try context.graph(of: chosen.bytes) { () throws(ModelError) in
                try ModelGraph(chosen.meta, chosen.bytes, context.defaults)
            }
            let file = chosen.bytes.identity
            return try ModelFiles(
                format: "frozen graph", prefix: file.path, graph: graph, graphFile: file, reader: nil, context)
        })

    /// A Saver's meta graph in a folder is ignored, because its variables would be missing.
    private static func graphs(at path: ModelPath) -> [String] {
        let files =
            path.isFolder ? path.names.filter { !$0.ends(with: ".meta") }.map(path.appending) : [path.path]
        return files.filter { GraphFile.isGraph(path: $0) }
    }

    private static func stem(_ path: String) -> ExactText {
        let end = path.utf8.lastIndex(of: UInt8(ascii: ".")) ?? path.utf8.endIndex
        return ExactText(String(path[..<end]))
    }
}
