internal import Checkpoints

extension ModelFormat {
    /// What a Saver left: a checkpoint of any format, and the meta graph that was written with it.
    static let checkpoint = ModelFormat(
        isThere: { path in
            path.isFolder ? CheckpointFolder.isCheckpoint(folder: path.path) : prefix(ofFile: path.path) != nil
        },
        open: { path throws(ModelError) in
            let (location, reader, graph) = try ModelError.loading { () throws(CheckpointError) in
                let location =
                    path.isFolder
                    ? try CheckpointFolder(folder: path.path)
                    : CheckpointFolder(prefix: prefix(ofFile: path.path) ?? path.path)
                let reader = try CheckpointReader(prefix: location.prefix)
                return (location, reader, try CheckpointGraph(of: location, reader))
            }
            let source = ModelFiles.Source(
                format: "\(reader.format) with the graph of \(graph.fileName)", prefix: location.prefix,
                step: location.step, notes: location.notes + graph.notes)
            return try ModelFiles(source, meta: graph.meta, metaPath: graph.path, reader: reader)
        })

    /// The prefix of the checkpoint that a path means: itself, or one of the checkpoint's files.
    private static func prefix(ofFile path: String) -> String? {
        if CheckpointFolder.isCheckpoint(prefix: path) { return path }
        for suffix in [".index", ".meta"] where path.hasSuffix(suffix) {
            let prefix = String(path.dropLast(suffix.count))
            return CheckpointFolder.isCheckpoint(prefix: prefix) ? prefix : nil
        }
        return nil
    }
}
