internal import Checkpoints
internal import Files
internal import Glibc

/// A way in which TensorFlow leaves a model in files; one file here a format.
struct ModelFormat: Sendable {
    /// Whether a path looks like it: names, and the beginnings of files, are looked at, nothing is decoded.
    let isThere: @Sendable (ModelPath) -> Bool
    /// Lists what can be opened.
    ///
    /// - Throws: ``ModelError`` of kind `load`.
    let look: @Sendable (ModelPath) throws(ModelError) -> ModelListing
    /// Opens, decodes and verifies a candidate of its own.
    ///
    /// - Throws: ``ModelError`` of kind `load` naming file and cause.
    let open: @Sendable (ModelCandidate, LoadingContext) throws(ModelError) -> ModelFiles

    /// The formats of one model, in the order in which they are tried: a new one is a line here. A folder may well look like
    /// several: a SavedModel's `variables` are a checkpoint, and a checkpoint may lie beside a frozen graph.
    static let single: [ModelFormat] = [savedModel, checkpoint, frozenGraph]

    private static let all = single + [versions, incompleteCheckpoint]

    /// The format of what is at a path; nil if it is none.
    static func of(_ path: ModelPath, among formats: [ModelFormat] = all) -> ModelFormat? {
        formats.first { $0.isThere(path) }
    }
}

/// A path that may be that of a model, and what lies there.
struct ModelPath: Sendable {
    /// Without a slash at its end.
    let path: String
    /// Whether it is a folder; else a file, or a checkpoint's prefix.
    let isFolder: Bool
    /// The names in the folder, sorted.
    let names: [String]
    /// Why a folder cannot be read.
    let failure: CheckpointError?
    /// Whether a `checkpoint` file may name files of other folders.
    let followsPaths: Bool

    /// - Parameters:
    ///   - path: A folder, a file or a prefix; a `checkpoint` file stands for its folder.
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

    /// Something in the folder.
    func appending(_ name: String) -> String { "\(path)/\(name)" }

    /// Whether nothing is there, and nothing whose name begins so, in a folder that can be read.
    var isGone: Bool {
        var status = stat()
        guard stat(path, &status) != 0, errno == ENOENT || errno == ENOTDIR else { return false }
        let name = PathText.name(of: path)
        let beside = ModelPath(PathText.folder(of: path))
        return beside.failure == nil && !beside.names.contains { $0.begins(with: name) }
    }
}

extension ModelError {
    /// The result of `body`; its error becomes an error of loading.
    static func loading<Result>(_ body: () throws(CheckpointError) -> Result) throws(ModelError) -> Result {
        do throws(CheckpointError) { return try body() } catch { throw ModelError(error) }
    }
}
