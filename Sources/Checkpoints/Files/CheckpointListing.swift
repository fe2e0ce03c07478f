internal import Files
internal import Text

/// The checkpoints of a folder, according to the names of its files.
package struct CheckpointListing: Hashable, Sendable {
    /// A checkpoint.
    package struct Item: Hashable, Sendable {
        /// The common prefix of the paths of its files.
        package let prefix: String
        /// The training step at the end of the prefix.
        package let step: Int?
        /// The existing files with its tensors.
        package let parts: [String]
        /// The name of a missing file with tensors; nil if all exist.
        package let missingPart: String?
        /// The graph that was written with it; nil if it does not exist.
        package let ownGraph: String?
        /// The other meta graphs of the folder, in the order in which they are tried if it has none of its own.
        package let otherGraphs: [String]
    }

    /// The checkpoints in order of preference: the one that `checkpoint` names, those that it lists, the newest first, then the others, the
    /// highest step first.
    package let items: [Item]
    /// Notes on the choice of the first.
    package let notes: [String]
    /// Warnings for the operator, for example that the first is not the one that `checkpoint` names.
    package let warnings: [String]
    /// The reason why the first is not the one that `checkpoint` names; nil if it is.
    package let lostPointer: String?

    /// Lists a folder.
    ///
    /// - Parameters:
    ///   - folder: Its path.
    ///   - followsPaths: Whether `checkpoint` may name files of other folders.
    /// - Throws: ``CheckpointError`` of kind `notFound` that lists what exists, if there is no checkpoint; of kind `io` if the folder
    ///   cannot be read.
    package init(folder: String, followsPaths: Bool = false) throws(CheckpointError) {
        let folder = PathText.withoutTrailingSlashes(folder)
        let files = try FileNames(folder: folder)
        let names = FolderNames(files, folder)
        let present = TensorStores.prefixes(among: files, in: folder)
        let pointer = CheckpointPointer(folder, files, present: present, followsPaths: followsPaths)
        let (named, isFirstThere) = pointer.resolved
        let listed = Set(named.map { ExactText($0) })
        let others = present.map { "\(folder)/\($0)" }.filter { !listed.contains(ExactText($0)) }
        let order = { (path: String) -> (Int, String) in
            (CheckpointFolder.step(of: PathText.name(of: path)) ?? -1, path)
        }
        let ranked = named + others.sorted { order($0) > order($1) }
        guard let first = ranked.first else { throw names.nothingFound(pointer) }
        var warnings = files.unreadable.map { "\(folder)/\($0): the name is not UTF-8: it is ignored" }
        var notes: [String] = []
        let taking = ": using \(PathText.name(of: first))"
        if isFirstThere {
            notes += [pointer.remark].compactMap(\.self)
            lostPointer = nil
        } else if let fault = pointer.fault, !files.contains("checkpoint") {
            notes.append(fault + taking)
            lostPointer = fault + taking
        } else {
            let reason = (pointer.shortfall ?? pointer.fault ?? "\(folder)/checkpoint names nothing") + taking
            warnings.append(reason)
            lostPointer = reason
        }
        items = ranked.map { path in
            PathText.folder(of: path).isExactly(folder) ? names.item(PathText.name(of: path)) : Self.item(prefix: path)
        }
        self.notes = notes
        self.warnings = warnings
    }

    /// The checkpoint with a prefix, which need not exist.
    package static func item(prefix: String) -> Item {
        let folder = PathText.folder(of: prefix)
        let names = (try? FileNames(folder: folder)) ?? FileNames([])
        return FolderNames(names, folder).item(PathText.name(of: prefix))
    }
}

/// The names in a folder, indexed for look-ups of the parts of checkpoints.
private struct FolderNames {
    let folder: String
    let all: FileNames
    /// The existing shards, by prefix and number of shards.
    private let shards: [ExactText: [Int: Set<Int>]]
    /// The meta graphs by step, ascending.
    private let metas: [(name: String, step: Int)]

    init(_ names: FileNames, _ folder: String) {
        self.folder = folder
        all = names
        var shards: [ExactText: [Int: Set<Int>]] = [:]
        var metas: [(name: String, step: Int)] = []
        for name in names.sorted {
            if let stem = name.withoutEnding(".meta") {
                metas.append((name, CheckpointFolder.step(of: stem) ?? -1))
            } else if let parts = ShardName.split(name, after: ".data"), let shard = parts.shard {
                shards[ExactText(parts.base), default: [:]][parts.total, default: []].insert(shard)
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
            guard all.contains(name) || files != [name] else { return (there(name), index) }
            return (files.filter(all.contains), files.first { !all.contains($0) })
        }
        let totals = shards[ExactText(name)] ?? [:]
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
        // A name may claim any number of shards. No more are checked than exist.
        let first = (0...found.count).first { !found.contains($0) } ?? 0
        return ([index] + there(name), TensorBundle.shardPath(name, first, of: total))
    }

    private func there(_ name: String) -> [String] {
        (shards[ExactText(name)] ?? [:]).flatMap { total, found in
            found.map { TensorBundle.shardPath(name, $0, of: total) }
        }
        .sorted()
    }

    private static let maxOtherGraphs = 64

    /// The meta graphs of this and earlier steps, the newest first, then later ones.
    private func otherGraphs(_ step: Int?) -> [String] {
        let before = metas.last { $0.step <= step ?? .max }.map { last in metas.filter { $0.step <= last.step } } ?? []
        let earlier = before.reversed().prefix(Self.maxOtherGraphs)
        let later = metas.dropFirst(before.count).prefix(Self.maxOtherGraphs - earlier.count)
        return (earlier + later).map(\.name)
    }

    func nothingFound(_ pointer: CheckpointPointer) -> CheckpointError {
        let files = all.sorted + all.unreadable
        let seen =
            files.isEmpty ? "nothing" : files.prefix(10).joined(separator: ", ") + (files.count > 10 ? ", ..." : "")
        let hint = files.contains("checkpoint.txt") ? " (rename checkpoint.txt to checkpoint)" : ""
        let fault = all.contains("checkpoint") ? pointer.shortfall ?? pointer.fault : nil
        let reason = fault.map { "; \($0)" } ?? ""
        return CheckpointError(
            .notFound, file: folder,
            "no checkpoint: there is no .index file here; expected checkpoint, PREFIX.meta, PREFIX.index and "
                + "PREFIX.data-00000-of-00001, found \(seen)\(hint)\(reason)")
    }
}
