internal import Checkpoints
internal import Files
internal import Glibc

/// Finds model folders.
public enum ModelFolders {
    /// The models that a path means: itself, or the folders and files in it.
    ///
    /// - Throws: ``ModelError`` of kind `load` if there is none.
    public static func find(in path: String) throws(ModelError) -> [String] {
        let own = ModelPath(path)
        if ModelFormat.of(own) != nil { return [own.path] }
        let found = own.names.filter { !$0.hasPrefix(".") }.map(own.appending).filter {
            let path = ModelPath($0)
            return path.isFolder && ModelFormat.of(path) != nil
        }
        guard found.isEmpty else { return found }
        try ModelError.loading { () throws(CheckpointError) in
            // Either says what it is not.
            if FileIdentity.exists(own.path) { _ = try GraphFile(path: own.path) }
            _ = try CheckpointFolder(folder: own.path)
        }
        return []
    }

    /// A path's own name: a folder's last component, a file's without what follows the last dot.
    package static func name(of path: String) -> String {
        let own = ModelPath(path)
        if let name = own.path.split(separator: "/").last, name != ".", name != ".." {
            guard !own.isFolder, let dot = name.lastIndex(of: "."), dot != name.startIndex,
                [".pb", ".pbtxt", ".meta", ".index"].contains(String(name[dot...]))
            else { return String(name) }
            return String(name[..<dot])
        }
        guard let resolved = realpath(path, nil) else { return "model" }
        defer { free(resolved) }
        return String(cString: resolved).split(separator: "/").last.map(String.init) ?? "model"
    }
}
