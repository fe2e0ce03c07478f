internal import Checkpoints
internal import Files
internal import Memory
internal import Text

/// A candidate that is loaded: its files, checked and in memory.
struct ModelLoading {
    let candidate: ModelCandidate
    let files: ModelFiles
    /// The assets that are there, by their paths.
    let assets: [ExactText: FileContents]
    /// Whether runs may assign variables, as far as the model's own settings say it.
    let variables: VariablesMode?
    /// The names of classes.
    let classes: ModelClasses
    /// Notes on the choice of the candidate.
    let notes: [String]
    /// Warnings for the operator about the choice of the candidate.
    let warnings: [String]
    /// The server memory that it takes; nil if memory is not counted.
    let memory: ModelMemory?
    let start: ContinuousClock.Instant

    private static let maxLooks = 3

    /// Loads the newest of a path; looks again if it changes meanwhile.
    ///
    /// - Throws: ``ModelError`` of kind `load`.
    init(newestAt path: String, name: String, defaults: DefaultValues, followsPaths: Bool = false) throws(ModelError) {
        var looks = 1
        while true {
            let listing = try ModelListing.look(at: path, followsPaths: followsPaths)
            guard let candidate = listing.choice else {
                throw ModelError(.incomplete, "\(path): contains no model")
            }
            do throws(ModelError) {
                self = try ModelLoading(
                    candidate, name: name, defaults: defaults, previous: nil, notes: listing.notes,
                    warnings: listing.warnings)
                return
            } catch {
                guard error.failure == .changed, looks < Self.maxLooks else { throw error }
                looks += 1
            }
        }
    }

    /// Loads a candidate.
    ///
    /// - Throws: ``ModelError`` of kind `load`; of failure `changed` where whatever went wrong may come from a change of the files.
    ///
    /// `own` are the settings of the model's folder, where they were read before; `memory` is the server's account; with
    /// `releasesWeights` memory of weights that no plan reads can be given back.
    init(
        _ candidate: ModelCandidate, name: String, defaults: DefaultValues, own: ModelSettings? = nil,
        previous: ModelGraph?, notes: [String] = [], warnings: [String] = [], memory: MemoryAccount? = nil,
        releasesWeights: Bool = false
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
            let context = LoadingContext(
                defaults: ModelGraph.Defaults(own: settings.defaults, given: defaults, model: name), previous: previous,
                releasesWeights: releasesWeights)
            files = try candidate.format.open(candidate, context)
            assets = try Self.assets(of: files.graph)
            classes = try ModelClasses(
                settings.classes, in: ClassFiles(ofModel: candidate.path, in: candidate.folder),
                outputs: files.graph.outputs)
            try candidate.require(files.read + assets.values.map(\.identity) + classes.files)
        } catch {
            guard error.failure == .broken || error.failure == .incomplete else { throw error }
            guard !candidate.isUnchanged else { throw Self.foreignFile(of: candidate) ?? error }
            throw ModelError(.changed, "\(candidate.path): changed while it was read (\(error))")
        }
    }

    /// The error that a file of the candidate is not what its name says, such as a pointer of Git LFS.
    private static func foreignFile(of candidate: ModelCandidate) -> ModelError? {
        candidate.files.lazy.compactMap { file in
            ForeignFile.of(path: file.path).map { ModelError(.broken, "\(file.path): \($0)") }
        }.first
    }

    /// Reads the assets: a plan that needs them may be made when the files are gone.
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
