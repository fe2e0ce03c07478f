internal import Checkpoints
internal import Files
internal import Glibc
internal import Text

/// The places of a model's files, for watching.
enum ModelPlaces {
    private static let maxVersions = 64

    /// The folders in which files of a model may appear: its own, those of its versions, and those of their weights.
    ///
    /// - Parameters:
    ///   - path: The model's path.
    ///   - listing: The listing of the path, whose files may be in other folders.
    /// - Returns: The folders.
    static func folders(of path: String, _ listing: ModelListing? = nil) -> [String] {
        let own = ownFolders(of: path)
        let known = Set(own.map { ExactText($0) })
        let files = listing?.candidates.flatMap(\.files).prefix(maxFiles) ?? []
        let others = Set(files.map { ExactText(PathText.folder(of: $0.path)) }).subtracting(known)
        return own + others.sorted().prefix(maxOthers).map(\.string)
    }

    /// The folder of a model's settings: its own folder; for a checkpoint's prefix, the folder of its files.
    static func settingsFolder(of path: String) -> String {
        CheckpointFolder.prefix(ofFile: path).map(PathText.folder(of:)) ?? path
    }

    private static let maxFiles = 10_000
    private static let maxOthers = 64

    private static func ownFolders(of path: String) -> [String] {
        guard let names = try? CheckpointFolder.files(in: path) else {
            // A file, a prefix, or nothing: changes are visible in the parent folder.
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

    /// The names of the subfolders of a folder, without those that begin with a dot.
    ///
    /// - Parameter path: The folder.
    /// - Returns: The names, and the escaped names that are not valid UTF-8.
    /// - Throws: ``ModelError`` of kind `load` if the folder cannot be read.
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
