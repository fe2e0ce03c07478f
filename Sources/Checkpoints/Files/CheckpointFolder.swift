internal import Files

/// The newest checkpoint of a folder, and how it was found.
public struct CheckpointFolder: Hashable, Sendable {
    /// The common prefix of the paths of the files: `FOLDER/model-1000`.
    public let prefix: String
    /// The `.meta` file that belongs to the prefix.
    public let metaPath: String
    /// The training step that the prefix ends with (`-1000`).
    public let step: Int?
    /// Notes on choices, for the log.
    public let notes: [String]

    /// Finds the newest checkpoint: the one that `checkpoint` names, otherwise the newest complete one that it lists, otherwise the one with
    /// the highest step in the folder. A path in `checkpoint` that leads out of the folder is searched by its base name in the folder. The file
    /// is not trusted, so it only selects files of its own folder.
    ///
    /// - Throws: ``CheckpointError`` that lists what exists, if there is no complete checkpoint.
    public init(folder: String) throws(CheckpointError) {
        let listing = try CheckpointListing(folder: folder)
        guard let first = listing.items.first else {
            throw CheckpointError(.notFound, file: folder, "no checkpoint")
        }
        self.init(prefix: first.prefix, notes: listing.warnings + listing.notes)
    }

    /// The checkpoint with a prefix.
    public init(prefix: String) { self.init(prefix: prefix, notes: []) }

    private init(prefix: String, notes: [String]) {
        let folder = PathText.folder(of: prefix)
        let name = PathText.name(of: prefix)
        self.prefix = "\(folder)/\(name)"
        metaPath = "\(folder)/\(Self.withoutShards(name)).meta"
        step = Self.step(of: name)
        self.notes = notes
    }

    /// Whether a folder contains something that ``init(folder:)`` would find.
    public static func isCheckpoint(folder: String) -> Bool {
        guard let names = try? FileNames(folder: folder) else { return false }
        return TensorStores.all.contains { !$0.prefixes(among: names, in: folder).isEmpty }
    }

    /// Whether files with that prefix exist, in any format.
    public static func isCheckpoint(prefix: String) -> Bool { TensorStores.all.contains { $0.exists(prefix: prefix) } }

    /// The prefix of the checkpoint at a path: the path itself, or the prefix of a file of the checkpoint.
    ///
    /// - Parameter path: `model-7`, or `model-7.index`, `model-7.data-00000-of-00001`, `model-7.meta`.
    /// - Returns: nil if there is no such checkpoint.
    package static func prefix(ofFile path: String) -> String? {
        var prefixes = [".index", ".meta"].compactMap { path.withoutEnding($0) }
        if let parts = ShardName.split(path, after: ".data") { prefixes.append(parts.base) }
        if let parts = ShardName.split(path), parts.shard != nil {
            prefixes.append("\(parts.base)-?????-of-\(ShardName.padded(parts.total))")
        }
        return (prefixes + [path]).first(where: isCheckpoint(prefix:))
    }

    /// The names of the folder's files that are valid UTF-8, sorted.
    package static func files(in folder: String) throws(CheckpointError) -> [String] {
        try FileNames(folder: folder).sorted
    }

    /// A name without its shard numbers (`-?????-of-00002`). The meta graph is not sharded.
    static func withoutShards(_ name: String) -> String { ShardName.split(name)?.base ?? name }

    /// The digits after the last dash.
    package static func step(of name: String) -> Int? {
        let name = withoutShards(name).utf8
        guard let dash = name.lastIndex(of: UInt8(ascii: "-")) else { return nil }
        let digits = name[name.index(after: dash)...]
        let isNumber = digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return isNumber ? Int(Substring(digits)) : nil
    }
}
