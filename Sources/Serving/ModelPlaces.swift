internal import Checkpoints
internal import Files
internal import Glibc

/// Where a model's files lie, for watching.
enum ModelPlaces {
    private static let mostVersions = 64

    /// The folders in which files of a model may appear: its own, those of its versions, and of either the weights'.
    static func folders(of path: String) -> [String] {
        guard let names = try? CheckpointFolder.files(in: path) else {
            // A file, a prefix, or nothing: what is to be seen is seen in the folder above.
            return [above(path)]
        }
        var folders = isLink(path) ? [path, above(path)] : [path]
        if names.contains("variables") { folders.append("\(path)/variables") }
        let numbers = names.compactMap { name in Int(name).map { (number: $0, name: name) } }
        for version in numbers.sorted(by: { $0.number > $1.number }).prefix(mostVersions) {
            folders.append("\(path)/\(version.name)")
            folders.append("\(path)/\(version.name)/variables")
        }
        return folders
    }

    private static func above(_ path: String) -> String {
        path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    }

    private static func isLink(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
    }

    /// What to stat to find out whether a model may have changed.
    static func footprint(of path: String, folders: [String], _ listing: ModelListing?) -> [String] {
        [path] + folders + ["\(path)/checkpoint"] + (listing?.candidates.flatMap { $0.files.map(\.path) } ?? [])
    }

    /// The names of the folders in a folder; those that begin with a dot are left out.
    ///
    /// - Throws: ``ModelError`` of kind `load` if it cannot be read.
    static func subfolders(of path: String) throws(ModelError) -> Set<String> {
        let names = try ModelError.loading { () throws(CheckpointError) in try CheckpointFolder.files(in: path) }
        return Set(names.filter { !$0.hasPrefix(".") && isFolder("\(path)/\($0)") })
    }

    static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
