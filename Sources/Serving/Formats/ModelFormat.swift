internal import Checkpoints
internal import Files
internal import Glibc

/// A format in which TensorFlow stores models. Each format has one source file here.
struct ModelFormat: Sendable {
    /// Whether a path looks like the format. Checks names and the beginnings of files, and decodes nothing.
    let isThere: @Sendable (ModelPath) -> Bool
    /// Lists the candidates.
    ///
    /// - Throws: ``ModelError`` of kind `load`.
    let look: @Sendable (ModelPath) throws(ModelError) -> ModelListing
    /// Opens, decodes and verifies a candidate of the format.
    ///
    /// - Throws: ``ModelError`` of kind `load` with the file and the cause.
    let open: @Sendable (ModelCandidate, LoadingContext) throws(ModelError) -> ModelFiles

    /// The formats of one model, in the order in which they are tried. To add one, add a line here. A folder may look like several formats: a
    /// SavedModel's `variables` are a checkpoint, and a frozen graph may be beside a checkpoint.
    static let single: [ModelFormat] = [savedModel, checkpoint, frozenGraph]

    private static let all = single + [versions, incompleteCheckpoint]

    /// The format at a path; nil if there is none.
    static func of(_ path: ModelPath, among formats: [ModelFormat] = all) -> ModelFormat? {
        formats.first { $0.isThere(path) }
    }
}

/// A path that may contain a model, and its contents.
struct ModelPath: Sendable {
    /// The path, without a trailing slash.
    let path: String
    /// Whether it is a folder. Otherwise it is a file, or a checkpoint's prefix.
    let isFolder: Bool
    /// The names in the folder, sorted.
    let names: [String]
    /// The reason why a folder cannot be read.
    let failure: CheckpointError?
    /// Whether a `checkpoint` file may name files of other folders.
    let followsPaths: Bool

    /// - Parameters:
    ///   - path: A folder, a file or a prefix. A `checkpoint` file means its folder.
    ///   - followsPaths: Whether a `checkpoint` file may name files of other folders.
    init(_ path: String, followsPaths: Bool = false) {
        let path = PathText.withoutTrailingSlashes(path)
        let isPointer = PathText.name(of: path).isExactly("checkpoint") && FileIdentity.exists(path)
        self.path = isPointer ? PathText.folder(of: path) : path
        self.followsPaths = followsPaths
        do throws(CheckpointError) {
            names = try CheckpointFolder.files(in: self.path)
            isFolder = true
            failure = nil
        } catch {
            names = []
            isFolder = false
            failure = error.kind == .notFound ? nil : error
        }
    }

    /// The path of an entry of the folder.
    func appending(_ name: String) -> String { "\(path)/\(name)" }

    /// Whether nothing exists at the path, or with the path as prefix, although the folder can be read.
    var isGone: Bool {
        var status = stat()
        guard stat(path, &status) != 0, errno == ENOENT || errno == ENOTDIR else { return false }
        let name = PathText.name(of: path)
        let beside = ModelPath(PathText.folder(of: path))
        return beside.failure == nil && !beside.names.contains { $0.begins(with: name) }
    }
}

extension ModelError {
    /// The result of `body`. Converts its error to an error of loading.
    static func loading<Result>(_ body: () throws(CheckpointError) -> Result) throws(ModelError) -> Result {
        do throws(CheckpointError) { return try body() } catch { throw ModelError(error) }
    }
}
