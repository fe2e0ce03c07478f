internal import Checkpoints
internal import Files

extension ModelFormat {
    /// The files of a Saver: a checkpoint of any format, and its meta graph.
    static let checkpoint = ModelFormat(
        isThere: { path in
            path.isFolder
                ? CheckpointFolder.isCheckpoint(folder: path.path) : CheckpointFolder.prefix(ofFile: path.path) != nil
        },
        look: { path throws(ModelError) in
            guard path.isFolder else {
                let prefix = CheckpointFolder.prefix(ofFile: path.path) ?? path.path
                let item = CheckpointListing.item(prefix: prefix)
                return ModelListing(ranked: [candidate(item, PathText.folder(of: prefix))])
            }
            let listing = try ModelError.loading { () throws(CheckpointError) in
                try CheckpointListing(folder: path.path, followsPaths: path.followsPaths)
            }
            return ModelListing(
                ranked: listing.items.map { candidate($0, path.path) }, notes: listing.notes,
                warnings: listing.warnings, lostPointer: listing.lostPointer)
        },
        open: { candidate, context throws(ModelError) in
            let location = CheckpointFolder(prefix: candidate.path)
            let reader = try ModelError.loading { () throws(CheckpointError) in
                try CheckpointReader(prefix: location.prefix)
            }
            let graph = try CheckpointGraph(of: location, reader, context)
            return try ModelFiles(
                format: "\(reader.format) with the graph of \(graph.fileName)", prefix: location.prefix,
                step: location.step, notes: graph.notes, graph: graph.graph, graphFile: graph.file, reader: reader,
                context)
        })

    private static func candidate(_ item: CheckpointListing.Item, _ folder: String) -> ModelCandidate {
        // The graph that will be tried first if the checkpoint has none of its own.
        let graph = item.ownGraph ?? item.otherGraphs.first
        let missing = item.missingPart ?? (item.ownGraph == nil ? PathText.name(of: item.prefix) + ".meta" : nil)
        return ModelCandidate(
            number: item.step ?? 1, path: item.prefix, folder: folder, format: .checkpoint,
            reading: item.parts + [graph].compactMap(\.self), missing: missing, isLoadable: item.missingPart == nil)
    }

    /// An incomplete checkpoint. It is not ignored: the error states what is missing.
    static let incompleteCheckpoint = ModelFormat(
        isThere: { path in
            path.names.contains { $0 == "checkpoint" || $0.ends(with: ".index") || $0.ends(with: ".meta") }
        },
        look: checkpoint.look, open: checkpoint.open)
}
