internal import Glibc

/// The newest checkpoint of a folder, and how it was found.
public struct CheckpointFolder: Hashable, Sendable {
    /// The path that the names of the files begin with: `FOLDER/model-1000`.
    public let prefix: String
    /// The `.meta` file that belongs to the prefix.
    public let metaPath: String
    /// The training step that the prefix ends with (`-1000`).
    public let step: Int?
    /// What had to be decided on the way, for the log.
    public let notes: [String]

    /// Finds the newest checkpoint: what `checkpoint` names; else the newest complete one that it lists; else the one with the
    /// highest step that lies in the folder. A path in `checkpoint` that leads elsewhere is looked for by its base name here: a
    /// file that anyone who trains can write decides only about files of its own folder.
    ///
    /// - Throws: ``CheckpointError`` listing what is there, if there is no complete checkpoint.
    public init(folder: String) throws(CheckpointError) {
        let listing = try CheckpointListing(folder: folder)
        guard let first = listing.items.first else {
            throw CheckpointError(.notFound, file: folder, "no checkpoint")
        }
        self.init(folder: folder, name: Self.baseName(of: first.prefix), notes: listing.warnings + listing.notes)
    }

    /// Names a checkpoint by its prefix.
    public init(prefix: String) {
        let name = Self.baseName(of: prefix)
        let folder = prefix.hasSuffix("/" + name) ? String(prefix.dropLast(name.utf8.count + 1)) : "."
        self.init(folder: folder, name: name, notes: [])
    }

    private init(folder: String, name: String, notes: [String]) {
        prefix = "\(folder)/\(name)"
        metaPath = "\(folder)/\(Self.withoutShards(name)).meta"
        step = Self.step(of: name)
        self.notes = notes
    }

    /// Whether a folder holds something that ``init(folder:)`` would find.
    public static func isCheckpoint(folder: String) -> Bool {
        guard let files = try? files(in: folder) else { return false }
        let names = Set(files)
        return TensorStores.all.contains { !$0.prefixes(among: names, in: folder).isEmpty }
    }

    /// Whether there are files of that prefix, in any format.
    public static func isCheckpoint(prefix: String) -> Bool { TensorStores.all.contains { $0.exists(prefix: prefix) } }

    /// The names of the folder's files, sorted.
    package static func files(in folder: String) throws(CheckpointError) -> [String] {
        guard let directory = opendir(folder) else {
            let code = errno
            throw CheckpointError(
                code == ENOENT || code == ENOTDIR ? .notFound : .io, file: folder,
                code == ENOENT ? "no such folder" : String(cString: strerror(code)))
        }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    static func baseName(of path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }

    /// A name without the numbers of its shards (`-?????-of-00002`): the meta graph is not sharded.
    static func withoutShards(_ name: String) -> String { ShardName.split(name)?.base ?? name }

    /// The digits after the last dash.
    package static func step(of name: String) -> Int? {
        let name = withoutShards(name)
        guard let dash = name.lastIndex(of: "-") else { return nil }
        let digits = name[name.index(after: dash)...]
        return digits.allSatisfy { ("0"..."9").contains($0) } ? Int(digits) : nil
    }
}
