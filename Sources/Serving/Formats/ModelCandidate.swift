internal import Checkpoints
package import Files
internal import Text

/// A version of a model that lies in files, as a look at their names and stats tells: nothing is decoded.
package struct ModelCandidate: Hashable, Sendable {
    /// The number of its folder, else the training step, else 1.
    package let number: Int
    /// The file to open: a checkpoint's prefix, or the file of a SavedModel or graph.
    package let path: String
    /// Every file that loading will read, by path. Two looks that give equal files found the same contents.
    package let files: [FileIdentity]
    /// The missing files, in words; nil if all required files exist, by their names.
    package let missing: String?
    /// Whether it can be loaded without what is missing: a checkpoint without a `.meta` takes another graph of its folder that fits.
    package let isLoadable: Bool

    /// The number of its folder, where it is one of numbered versions.
    let version: Int?
    /// The path of the model as given.
    let folder: String
    let format: Format

    /// The formats of single models.
    enum Format: Hashable, Sendable {
        case checkpoint, savedModel, frozenGraph

        /// Opens a candidate of the format.
        func open(_ candidate: ModelCandidate, _ context: LoadingContext) throws(ModelError) -> ModelFiles {
            switch self {
            case .checkpoint: try ModelFormat.checkpoint.open(candidate, context)
            case .savedModel: try ModelFormat.savedModel.open(candidate, context)
            case .frozenGraph: try ModelFormat.frozenGraph.open(candidate, context)
            }
        }
    }

    /// - Parameters:
    ///   - number: See ``number``.
    ///   - path: See ``path``.
    ///   - folder: What was given as the model's path.
    ///   - format: The format.
    ///   - reading: The paths of the files that will be read.
    ///   - missing: See ``missing``.
    ///   - isLoadable: See ``isLoadable``.
    init(
        number: Int, path: String, folder: String, format: Format, reading: [String], missing: String? = nil,
        isLoadable: Bool = true
    ) {
        self.init(
            number: number, path: path, folder: folder, format: format, files: Self.identities(reading, folder, path),
            missing: missing, isLoadable: isLoadable)
    }

    init(
        number: Int, path: String, folder: String, format: Format, files: [FileIdentity], missing: String?,
        isLoadable: Bool, version: Int? = nil
    ) {
        self.number = number
        self.path = path
        self.folder = folder
        self.format = format
        self.files = files
        self.missing = missing
        self.isLoadable = isLoadable
        self.version = version
    }

    /// The same as one of numbered versions.
    func numbered(_ version: Int, in folder: String) -> ModelCandidate {
        ModelCandidate(
            number: version, path: path, folder: folder, format: format,
            files: Self.identities(files.map(\.path), folder, path), missing: missing, isLoadable: isLoadable,
            version: version)
    }

    private static func identities(_ paths: [String], _ folder: String, _ model: String) -> [FileIdentity] {
        let classes = ClassFiles(ofModel: model, in: folder).paths(try? ModelSettings(folder: folder))
        return Set((paths + classes).map { ExactText($0) }).sorted().compactMap { FileIdentity(path: $0.string) }
    }

    /// Whether all that must be there is, by its name: of a checkpoint `.meta`, `.index` and all shards.
    package var isComplete: Bool { missing == nil }

    /// The size of the files.
    package var byteCount: Int { files.reduce(0) { $0.addingReportingOverflow($1.size).partialValue } }

    /// Whether the files are still those that were looked at.
    package var isUnchanged: Bool { files.allSatisfy { FileIdentity(path: $0.path) == $0 } }

    /// Checks that what was read is what was looked at.
    ///
    /// - Throws: ``ModelError`` of failure `changed`.
    func require(_ read: [FileIdentity]) throws(ModelError) {
        for file in read {
            guard let seen = files.first(where: { $0.path.isExactly(file.path) }), seen != file else { continue }
            throw ModelError(.changed, "\(file.path): changed while the model was read")
        }
    }
}

/// The contents of a model's path at one moment.
package struct ModelListing: Hashable, Sendable {
    /// In the order in which they are to be taken: the latest first, then what is served where it cannot be loaded.
    package let ranked: [ModelCandidate]
    /// Notes on choices, for the log.
    package let notes: [String]
    /// Warnings for the operator, whichever version serves: for example, that the named version is not used.
    package let warnings: [String]
    /// Why the first is not what a `checkpoint` file names; nil where it is, and where formats have no such file.
    package let lostPointer: String?

    /// By number, ascending: all prefixes of a checkpoint's folder, all numbered versions, or the only one. Each number once.
    package let candidates: [ModelCandidate]

    /// The version that is served by default: the one that `checkpoint` names, even if it is older, otherwise the highest number.
    package var latest: ModelCandidate? { ranked.first }

    /// The first that can be loaded; if none can, the first, so that its error is told.
    package var choice: ModelCandidate? { ranked.first { $0.isLoadable } ?? ranked.first }

    init(ranked: [ModelCandidate], notes: [String] = [], warnings: [String] = [], lostPointer: String? = nil) {
        self.ranked = ranked
        var warnings = warnings
        var byNumber: [Int: ModelCandidate] = [:]
        for candidate in ranked {
            // Several may end in the same step, or in none.
            if byNumber[candidate.number] == nil { byNumber[candidate.number] = candidate }
        }
        candidates = byNumber.values.sorted { $0.number < $1.number }
        if let first = ranked.first, !first.isLoadable, let choice = ranked.first(where: { $0.isLoadable }) {
            warnings.append("\(first.path) is incomplete (no \(first.missing ?? "files")): using \(choice.path)")
        }
        self.notes = notes
        self.lostPointer = lostPointer
        self.warnings = warnings
    }

    /// Looks at a path: reads names, stats, and the few bytes that tell formats apart.
    ///
    /// - Parameters:
    ///   - path: A folder, a file or a prefix.
    ///   - followsPaths: Whether a `checkpoint` file may name files of other folders.
    /// - Returns: What can be opened there, the first choice first.
    /// - Throws: ``ModelError`` of kind `load`; its ``ModelError/failure`` is `notThere` if the path is gone, `io` if it cannot be
    ///   read, `incomplete` or `broken` if what is there is no model, or none yet.
    package static func look(at path: String, followsPaths: Bool = false) throws(ModelError) -> ModelListing {
        if let fault = RemotePath.fault(of: path) { throw ModelError(.broken, fault) }
        let path = ModelPath(path, followsPaths: followsPaths)
        if let failure = path.failure, !FileIdentity.exists(path.path) { throw ModelError(failure) }
        // A path that looks like nothing gives the checkpoint's error, which lists what is there.
        guard let format = ModelFormat.of(path) else {
            if path.isGone { throw ModelError(.notThere, "\(path.path): no such file or folder") }
            if let foreign = path.foreign { throw ModelError(.broken, foreign.message) }
            return try ModelFormat.checkpoint.look(path)
        }
        let listing = try format.look(path)
        guard let warning = ModelFormat.passedOver(at: path) else { return listing }
        return ModelListing(ranked: listing.ranked, notes: listing.notes, warnings: listing.warnings + [warning])
    }
}
