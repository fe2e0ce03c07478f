internal import Checkpoints
internal import TensorFlowProtos

extension ModelFormat {
    /// A graph in which constants stand for the variables: one file, binary or text.
    static let frozenGraph = ModelFormat(
        isThere: { path in !graphs(at: path).isEmpty },
        open: { path throws(ModelError) in
            let files = graphs(at: path)
            var constant: [(path: String, meta: MetaGraphDef)] = []
            var others: [String] = []
            for file in files {
                guard
                    let meta = try ModelError.loading({ () throws(CheckpointError) in
                        try GraphFile(path: file).metaGraph
                    })
                else { continue }
                if let variable = meta.graphDef.node.first(where: { RestorePlan.variableOps.contains($0.op) }) {
                    others.append("\(file) has variables, such as \"\(variable.name)\", and no checkpoint is with it")
                } else {
                    constant.append((file, meta))
                }
            }
            guard let chosen = constant.first else { throw ModelError(.load, others.joined(separator: "; ")) }
            // The same graph may well lie there as binary and as text.
            guard Set(constant.map { stem($0.path) }).count == 1 else {
                throw ModelError(
                    .load,
                    "\(path.path): holds several graphs: give the path of one of \(constant.map(\.path).joined(separator: ", "))"
                )
            }
            let source = ModelFiles.Source(format: "frozen graph", prefix: chosen.path)
            return try ModelFiles(source, meta: chosen.meta, metaPath: chosen.path, reader: nil)
        })

    private static func graphs(at path: ModelPath) -> [String] {
        let files = path.isFolder ? path.names.map(path.appending) : [path.path]
        return files.filter { GraphFile.isGraph(path: $0) }
    }

    private static func stem(_ path: String) -> Substring { path.lastIndex(of: ".").map { path[..<$0] } ?? path[...] }
}
