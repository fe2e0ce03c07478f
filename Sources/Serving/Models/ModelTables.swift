internal import Checkpoints
internal import Execution
internal import Files
internal import Glibc
internal import Operations
internal import Planning
internal import Tensors
internal import Text

/// The contents of a model's tables that are not in the graph: tensors of the checkpoint, and vocabulary files.
///
/// A graph can only read a SavedModel's assets, and files in the model's own folder.
struct ModelTables: TableSource {
    private let variables: RestoredVariables
    private let assets: [ExactText: FileContents]
    private let folder: String

    /// - Parameters:
    ///   - variables: The checkpoint.
    ///   - assets: The existing assets, by path.
    ///   - path: The model's path: a folder, or a file in it.
    init(_ variables: RestoredVariables, assets: [ExactText: FileContents], path: String) {
        self.variables = variables
        self.assets = assets
        folder = path
    }

    func restored(_ table: TableReference) throws(OpError) -> (keys: Tensor, values: Tensor)? {
        guard let source = variables.plan.tables[table.node], let reader = variables.reader else { return nil }
        do throws(CheckpointError) {
            return (
                try reader.tensor(named: source.keys.key, slice: source.keys.slice),
                try reader.tensor(named: source.values.key, slice: source.values.slice)
            )
        } catch { throw OpError(.missingVariable, "table \"\(table.name)\": \(error)") }
    }

    func content(ofFile path: String) throws(OpError) -> [UInt8] {
        // It was read with the model, because the file may belong to another version by now.
        if let asset = assets[ExactText(path)] { return withExtendedLifetime(asset) { Array(asset.bytes) } }
        guard let allowed = allowedPath(path) else {
            throw OpError(
                .notFound,
                "the graph reads the file \"\(path)\": put it, under that name, into the model's folder or its assets")
        }
        do throws(CheckpointError) {
            let file = try FileContents(path: allowed)
            return withExtendedLifetime(file) { Array(file.bytes) }
        } catch { throw OpError(.notFound, "\(error)") }
    }

    /// The file with that name in the model's folder; nil if there is none.
    private func allowedPath(_ path: String) -> String? {
        guard let name = PathText.components(of: path).last, name != "..", let root = Self.resolved(folder) else {
            return nil
        }
        let parent = PathText.components(of: root).dropLast().joined(separator: "/")
        // If the model is a file, its folder is the file's folder.
        for place in ["\(root)/\(name)", "\(root)/assets/\(name)", "/\(parent)/\(name)"] {
            guard let file = Self.resolved(place) else { continue }
            let isBeside = !Self.isFolder(root) && file.begins(with: "/\(parent)/")
            if file.begins(with: root + "/") || isBeside { return file }
        }
        return nil
    }

    /// The path without links; nil if it does not exist.
    private static func resolved(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
