/// The checkpoints of a folder, as the names of its files tell.
package struct CheckpointListing: Hashable, Sendable {
    /// One of them.
    package struct Item: Hashable, Sendable {
        /// The path that the names of its files begin with.
        package let prefix: String
        /// The training step that the prefix ends with.
        package let step: Int?
        /// The files with its tensors that are there.
        package let parts: [String]
        /// The name of a file with tensors that is not there; nil if all are.
        package let missingPart: String?
        /// The graph that was written with it; nil where that is not there.
        package let ownGraph: String?
        /// The meta graphs of the folder in the order in which they are tried where it has none of its own.
        package let otherGraphs: [String]
    }

    /// In the order in which they are to be taken: what `checkpoint` names, what it lists, the newest first; then the others, the
    /// highest step first.
    package let items: [Item]
    /// What had to be decided for the first to be the first.
    package let notes: [String]
    /// What an operator must know: the first is not what `checkpoint` names.
    package let warnings: [String]

    /// Lists a folder. A path in `checkpoint` that leads elsewhere is looked for by its base name here: a file that anyone who trains
    /// can write decides only about files of its own folder.
    ///
    /// - Throws: ``CheckpointError`` of kind `notFound` listing what is there, if no checkpoint is; of kind `io` if the folder cannot
    ///   be read.
    package init(folder: String) throws(CheckpointError) {
        let names = FolderNames(try CheckpointFolder.files(in: folder), folder)
        var notes: [String] = []
        var warnings: [String] = []
        let named = Self.named(in: names, &warnings)
        let present = TensorStores.prefixes(among: names.all, in: folder)
        let set = Set(present)
        var ranked: [String] = []
        for name in named.map(CheckpointFolder.baseName) where set.contains(name) && !ranked.contains(name) {
            ranked.append(name)
        }
        let order = { (name: String) -> (Int, String) in (CheckpointFolder.step(of: name) ?? -1, name) }
        let listed = Set(ranked)
        ranked += present.filter { !listed.contains($0) }.sorted { order($0) > order($1) }
        guard let first = ranked.first else { throw names.nothingFound(named: named.first, warnings) }
        if let wanted = named.first {
            if CheckpointFolder.baseName(of: wanted) != first {
                warnings.append("\(folder)/checkpoint names \(wanted), which is not there: taking \(first)")
            }
        } else {
            notes.append("\(folder) has no usable checkpoint file: taking \(first)")
        }
        items = ranked.map { names.item($0) }
        self.notes = notes
        self.warnings = warnings
    }

    /// The checkpoint of a prefix, whether or not it is there.
    package static func item(prefix: String) -> Item {
        let location = CheckpointFolder(prefix: prefix)
        let name = CheckpointFolder.baseName(of: prefix)
        let folder = String(location.prefix.dropLast(name.utf8.count + 1))
        return FolderNames((try? CheckpointFolder.files(in: folder)) ?? [], folder).item(name)
    }

    /// The prefixes that the `checkpoint` file names, as it writes them.
    private static func named(in names: FolderNames, _ warnings: inout [String]) -> [String] {
        guard names.all.contains("checkpoint") else { return [] }
        do throws(CheckpointError) {
            let state = try CheckpointState(contentsOf: "\(names.folder)/checkpoint")
            if state.modelCheckpointPath == nil {
                warnings.append("\(names.folder)/checkpoint names no model_checkpoint_path")
            }
            return [state.modelCheckpointPath].compactMap(\.self) + state.allModelCheckpointPaths.reversed()
        } catch {
            warnings.append("\(error)")
            return []
        }
    }
}

/// The names in a folder, made ready for looking up checkpoints' parts.
private struct FolderNames {
    let folder: String
    let all: Set<String>
    /// The shards that are there: by prefix and number of shards.
    private let shards: [String: [Int: Set<Int>]]
    /// The meta graphs by step, ascending.
    private let metas: [(name: String, step: Int)]

    init(_ names: [String], _ folder: String) {
        self.folder = folder
        all = Set(names)
        var shards: [String: [Int: Set<Int>]] = [:]
        var metas: [(name: String, step: Int)] = []
        for name in names {
            if name.hasSuffix(".meta") {
                metas.append((name, CheckpointFolder.step(of: String(name.dropLast(5))) ?? -1))
            } else if let parts = ShardName.split(name, after: ".data"), let shard = parts.shard {
                shards[parts.base, default: [:]][parts.total, default: []].insert(shard)
            }
        }
        self.shards = shards
        self.metas = metas.sorted { ($0.step, $0.name) < ($1.step, $1.name) }
    }

    func item(_ name: String) -> CheckpointListing.Item {
        let path = { (name: String) in "\(folder)/\(name)" }
        let step = CheckpointFolder.step(of: name)
        let meta = CheckpointFolder.withoutShards(name) + ".meta"
        let own = all.contains(meta) ? meta : nil
        let (parts, missing) = parts(of: name)
        return CheckpointListing.Item(
            prefix: path(name), step: step, parts: parts.map(path), missingPart: missing, ownGraph: own.map(path),
            otherGraphs: own == nil ? otherGraphs(step).map(path) : [])
    }

    private func parts(of name: String) -> (there: [String], missing: String?) {
        let index = name + ".index"
        guard all.contains(index) else {
            // A V1 checkpoint.
            let files = SlicedTensors.paths(of: name)
            guard all.contains(where: { $0 == name }) || files != [name] else { return (there(name), index) }
            return (files.filter(all.contains), files.first { !all.contains($0) })
        }
        let totals = shards[name] ?? [:]
        let complete = totals.filter { $0.value.count >= $0.key }
        if !complete.isEmpty {
            let files = complete.keys.sorted().flatMap { total in
                (0..<total).map { TensorBundle.shardPath(name, $0, of: total) }
            }
            return ([index] + files, nil)
        }
        guard let (total, found) = totals.min(by: { $0.key < $1.key }) else {
            return ([index], TensorBundle.shardPath(name, 0, of: 1))
        }
        // A name may claim any number of shards: no more are looked at than are there.
        let first = (0...found.count).first { !found.contains($0) } ?? 0
        return ([index] + there(name), TensorBundle.shardPath(name, first, of: total))
    }

    private func there(_ name: String) -> [String] {
        (shards[name] ?? [:]).flatMap { total, found in found.map { TensorBundle.shardPath(name, $0, of: total) } }
            .sorted()
    }

    private static let mostOtherGraphs = 64

    /// Meta graphs of this step and before, the newest first; then later ones.
    private func otherGraphs(_ step: Int?) -> [String] {
        let before = metas.last { $0.step <= step ?? .max }.map { last in metas.filter { $0.step <= last.step } } ?? []
        let earlier = before.reversed().prefix(Self.mostOtherGraphs)
        let later = metas.dropFirst(before.count).prefix(Self.mostOtherGraphs - earlier.count)
        return (earlier + later).map(\.name)
    }

    func nothingFound(named: String?, _ notes: [String]) -> CheckpointError {
        let files = all.sorted()
        let seen =
            files.isEmpty ? "nothing" : files.prefix(10).joined(separator: ", ") + (files.count > 10 ? ", ..." : "")
        let wanted = named.map { "the checkpoint file names \($0), and " } ?? ""
        let hint =
            files.contains("checkpoint.txt") ? " (rename checkpoint.txt to checkpoint)" : ""
        let reasons = notes.isEmpty ? "" : " (" + notes.joined(separator: "; ") + ")"
        return CheckpointError(
            .notFound, file: folder,
            "no checkpoint: \(wanted)there is no .index file here; expected checkpoint, PREFIX.meta, PREFIX.index and "
                + "PREFIX.data-00000-of-00001, found \(seen)\(hint)\(reasons)")
    }
}
