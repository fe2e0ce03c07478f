internal import Checkpoints
internal import Files
internal import Glibc

/// Finds model folders.
public enum ModelFolders {
    /// The models at a path: the path itself, or the folders and files in it.
    ///
    /// - Throws: ``ModelError`` of kind `load` if there is none.
    public static func find(in path: String) throws(ModelError) -> [String] {
        if let fault = RemotePath.fault(of: path) { throw ModelError(.broken, fault) }
        let own = ModelPath(path)
        if ModelFormat.of(own) != nil { return [own.path] }
        let found = own.names.filter { !$0.begins(with: ".") }.map(own.appending).filter {
            let path = ModelPath($0)
            return path.isFolder && ModelFormat.of(path) != nil
        }
        guard found.isEmpty else { return found }
        if let foreign = own.foreign { throw ModelError(.broken, foreign.message) }
        if let error = nestedModels(in: own) { throw error }
        try ModelError.loading { () throws(CheckpointError) in
            // Either error says what the path is not.
            if FileIdentity.exists(own.path) { _ = try GraphFile(path: own.path) }
            _ = try CheckpointFolder(folder: own.path)
        }
        return []
    }

    /// The model name of a path. A folder has its own name. A checkpoint's prefix and the files of a checkpoint or SavedModel have the name of
    /// their folder, a frozen graph the name of its file without the ending. The folder of a numbered version has the name of its parent
    /// folder.
    package static func name(of path: String) -> String {
        let own = ModelPath(path)
        guard !own.isFolder else { return folderName(own) }
        let name = PathText.name(of: own.path)
        if CheckpointFolder.prefix(ofFile: own.path) != nil || ModelFormat.isSavedModel(fileNamed: name) {
            return folderName(ModelPath(PathText.folder(of: own.path)))
        }
        return [".pb", ".pbtxt", ".meta", ".index"].lazy.compactMap { name.withoutEnding($0) }.first { !$0.isEmpty }
            ?? (name == "." || name == ".." ? folderName(own) : name)
    }

    private static func folderName(_ folder: ModelPath) -> String {
        if let parent = parent(ofVersion: folder) { return parent }
        if let name = PathText.components(of: folder.path).last, name != ".", name != ".." { return name }
        return resolvedName(of: folder.path) ?? "model"
    }

    /// The name of the parent of a version's folder; nil if it is not a version's folder.
    private static func parent(ofVersion own: ModelPath) -> String? {
        let name = PathText.components(of: own.path).last ?? ""
        guard !name.isEmpty, name.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            ModelFormat.of(own, among: ModelFormat.single) != nil
        else { return nil }
        return resolvedName(of: own.appending(".."))
    }

    private static func resolvedName(of path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return PathText.components(of: String(cString: resolved)).last
    }
}
