internal import Checkpoints
internal import Glibc
internal import Tensors

/// The models that are served, by name.
public struct ModelSet: Sendable {
    /// All models, by name.
    public let models: [Model]
    /// The model for requests that name none, if there is one: that of the configuration, or the only one.
    public let defaultModel: Model?
    private let byName: [String: Model]

    /// - Throws: ``ModelError`` of kind `load` if two models have one name, or the default is not among them.
    public init(_ models: [Model], defaultName: String? = nil) throws(ModelError) {
        self.models = models.sorted { $0.name < $1.name }
        byName = Dictionary(models.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        guard byName.count == models.count else {
            throw ModelError(.load, "two models have the same name: \(self.models.map(\.name).joined(separator: ", "))")
        }
        if let defaultName, byName[defaultName] == nil {
            throw ModelError(
                .load,
                "the default model \"\(defaultName)\" is not among \(self.models.map(\.name).joined(separator: ", "))")
        }
        defaultModel = defaultName.flatMap { [byName] in byName[$0] } ?? (models.count == 1 ? models[0] : nil)
    }

    /// The model of that name.
    public func model(named name: String) -> Model? { byName[name] }

    /// The names nearest to one that is not there.
    package func nearestNames(to name: String) -> [String] { NearestNames.of(name, among: byName.keys) }
}

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
        try ModelError.loading { () throws(CheckpointError) in _ = try CheckpointFolder(folder: own.path) }
        return []
    }

    /// A path's own name: a folder's last component, a file's without what follows the last dot.
    static func name(of path: String) -> String {
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
