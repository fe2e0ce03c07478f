internal import Checkpoints
internal import Files
internal import Memory
internal import Tensors
internal import Text

/// A loaded candidate: its files, verified and in memory.
struct ModelLoading {
    let candidate: ModelCandidate
    let files: ModelFiles
    /// The existing assets, by path.
    let assets: [ExactText: FileContents]
    /// Whether runs may assign variables, if the model's own settings state it.
    let variables: VariablesMode?
    /// The numbers of weights, if the model's own settings state it.
    let precision: Precision?
    /// The names of classes.
    let classes: ModelClasses
    /// Notes on the choice of the candidate.
    let notes: [String]
    /// Warnings for the operator about the choice of the candidate.
    let warnings: [String]
    /// The server memory of the model; nil if memory is not counted.
    let memory: ModelMemory?
    let start: ContinuousClock.Instant

    private static let maxLooks = 3

    /// Loads the newest candidate at a path. Tries again if it changes meanwhile.
    ///
    /// - Throws: ``ModelError`` of kind `load`.
    init(
        newestAt path: String, name: String, defaults: DefaultValues, followsPaths: Bool = false,
        reading: ReadingOptions = ReadingOptions()
    ) throws(ModelError) {
        var looks = 1
        while true {
            let listing = try ModelListing.look(at: path, followsPaths: followsPaths)
            guard let candidate = listing.choice else {
                throw ModelError(.incomplete, "\(path): contains no model")
            }
            do throws(ModelError) {
                self = try ModelLoading(
                    candidate, name: name, defaults: defaults, previous: nil, notes: listing.notes,
                    warnings: listing.warnings, reading: reading)
                return
            } catch {
                guard error.failure == .changed, looks < Self.maxLooks else { throw error }
                looks += 1
            }
        }
    }

    /// Loads a candidate.
    ///
    /// - Throws: ``ModelError`` of kind `load`; of failure `changed` if a change of the files may be the cause.
    ///
    /// `own` are the settings of the model's folder, where they were read before; `memory` is the server's account; `reading` tells how
    /// weights are read.
    init(
        _ candidate: ModelCandidate, name: String, defaults: DefaultValues, own: ModelSettings? = nil,
        previous: ModelGraph?, notes: [String] = [], warnings: [String] = [], memory: MemoryAccount? = nil,
        reading: ReadingOptions = ReadingOptions()
    ) throws(ModelError) {
        start = ContinuousClock().now
        self.candidate = candidate
        self.notes = notes
        self.warnings = warnings
        do throws(ModelError) {
            try AvailableMemory.now().require(for: candidate)
            self.memory = try memory.map { account throws(ModelError) in try ModelMemory(candidate, account) }
            let settings = if let own { own } else { try ModelSettings(folder: candidate.folder) }
            variables = settings.variables
            precision = settings.precision
            let context = LoadingContext(
                defaults: ModelGraph.Defaults(own: settings.defaults, given: defaults, model: name), previous: previous,
                reading: reading)
            files = try candidate.format.open(candidate, context)
            assets = try Self.assets(of: files.graph)
            classes = try ModelClasses(
                settings.classes, in: ClassFiles(ofModel: candidate.path, in: candidate.folder),
                outputs: files.graph.outputs)
            try candidate.require(files.read + assets.values.map(\.identity) + classes.files)
        } catch { throw Self.cause(of: error, candidate) }
    }

    /// Verifies the weights that are read on demand, as far as they were not read yet.
    ///
    /// - Throws: ``ModelError`` of kind `load`, as the load does for weights that are read at once.
    static func verify(_ reader: CheckpointReader?, _ candidate: ModelCandidate) throws(ModelError) {
        do throws(ModelError) {
            try ModelError.loading { () throws(CheckpointError) in try reader?.verifyRest() }
        } catch { throw cause(of: error, candidate) }
    }

    /// The error, or what is behind it: a change of the files, a file of another kind.
    private static func cause(of error: ModelError, _ candidate: ModelCandidate) -> ModelError {
        guard error.failure == .broken || error.failure == .incomplete else { return error }
        guard !candidate.isUnchanged else { return foreignFile(of: candidate) ?? error }
        return ModelError(.changed, "\(candidate.path): changed while it was read (\(error))")
    }

    /// The error if a file of the candidate is of another kind than its name says, such as a Git LFS pointer.
    private static func foreignFile(of candidate: ModelCandidate) -> ModelError? {
        candidate.files.lazy.compactMap { file in
            ForeignFile.of(path: file.path).map { ModelError(.broken, "\(file.path): \($0)") }
        }.first
    }

    /// Reads the assets, because a plan that needs them may be made after the files are deleted.
    private static func assets(of graph: ModelGraph) throws(ModelError) -> [ExactText: FileContents] {
        var assets: [ExactText: FileContents] = [:]
        for path in Set(graph.assets.values.map { ExactText($0) }) where FileIdentity.exists(path.string) {
            assets[path] = try ModelError.loading { () throws(CheckpointError) in
                try FileContents(path: path.string)
            }
        }
        return assets
    }
}
