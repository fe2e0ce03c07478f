internal import Checkpoints
internal import Files
internal import Glibc
internal import Text

/// Where a model's files lie, for watching.
enum ModelPlaces {
    private static let maxVersions = 64

    /// The folders in which files of a model may appear: its own, those of its versions, and of either the weights'.
    ///
    /// - Parameters:
    ///   - path: The model's path.
    ///   - listing: What was found there: files may lie in other folders.
    /// - Returns: The folders.
    static func folders(of path: String, _ listing: ModelListing? = nil) -> [String] {
        let own = ownFolders(of: path)
        let known = Set(own.map { ExactText($0) })
        let files = listing?.candidates.flatMap(\.files).prefix(maxFiles) ?? []
        let others = Set(files.map { ExactText(PathText.folder(of: $0.path)) }).subtracting(known)
        return own + others.sorted().prefix(maxOthers).map(\.string)
    }

    /// The folder in which a model's settings are: its own; of a checkpoint's prefix that of its files.
    static func settingsFolder(of path: String) -> String {
        CheckpointFolder.prefix(ofFile: path).map(PathText.folder(of:)) ?? path
    }

    private static let maxFiles = 10_000
    private static let maxOthers = 64

    private static func ownFolders(of path: String) -> [String] {
        guard let names = try? CheckpointFolder.files(in: path) else {
            // A file, a prefix, or nothing: what is to be seen is seen in the folder above.
            return [PathText.folder(of: path)]
        }
        var folders = isLink(path) ? [path, PathText.folder(of: path)] : [path]
        if names.contains("variables") { folders.append("\(path)/variables") }
        let numbers = names.compactMap { name in Int(name).map { (number: $0, name: name) } }
        for version in numbers.sorted(by: { $0.number > $1.number }).prefix(maxVersions) {
            folders.append("\(path)/\(version.name)")
            folders.append("\(path)/\(version.name)/variables")
        }
        return folders
    }

    private static func isLink(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
    }

    /// The paths whose status shows whether a model may have changed.
    static func footprint(of path: String, folders: [String], _ listing: ModelListing?) -> [String] {
        [path] + folders + ["\(path)/checkpoint"] + (listing?.candidates.flatMap { $0.files.map(\.path) } ?? [])
    }

    /// The names of the folders in a folder; those that begin with a dot are left out.
    ///
    /// - Parameter path: The folder.
    /// - Returns: The names, and those, escaped, that are not UTF-8.
    /// - Throws: ``ModelError`` of kind `load` if it cannot be read.
    static func subfolders(of path: String) throws(ModelError) -> (names: Set<ExactText>, unreadable: [String]) {
        let all = try ModelError.loading { () throws(CheckpointError) in try FileNames(folder: path) }
        let folders = all.sorted.filter { !$0.begins(with: ".") && isFolder("\(path)/\($0)") }
        return (Set(folders.map { ExactText($0) }), all.unreadable)
    }

    static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
