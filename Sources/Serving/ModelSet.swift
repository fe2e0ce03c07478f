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
    /// The folders of models that a path means: itself, or the folders in it.
    ///
    /// - Throws: ``ModelError`` of kind `load` if there is none.
    public static func find(in path: String) throws(ModelError) -> [String] {
        let path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        if CheckpointFolder.isCheckpoint(folder: path) { return [path] }
        let found = subfolders(of: path).filter { CheckpointFolder.isCheckpoint(folder: $0) }
        guard found.isEmpty else { return found }
        do throws(CheckpointError) { _ = try CheckpointFolder(folder: path) } catch { throw ModelError(error) }
        return []
    }

    /// A folder's own name.
    static func name(of folder: String) -> String {
        if let name = folder.split(separator: "/").last, name != ".", name != ".." { return String(name) }
        guard let resolved = realpath(folder, nil) else { return "model" }
        defer { free(resolved) }
        return String(cString: resolved).split(separator: "/").last.map(String.init) ?? "model"
    }

    private static func subfolders(of path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append("\(path)/\(name)") }
        }
        return names.sorted()
    }
}
