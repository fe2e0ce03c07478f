internal import Checkpoints
package import Files
internal import Text

/// A version of a model in files, according to their names and status. Nothing is decoded.
package struct ModelCandidate: Hashable, Sendable {
    /// The number of its folder, otherwise the training step, otherwise 1.
    package let number: Int
    /// The file to open: a checkpoint's prefix, or the file of a SavedModel or graph.
    package let path: String
    /// All files that loading will read, by path. Equal files have equal contents.
    package let files: [FileIdentity]
    /// The missing files, in words; nil if all required files exist, by their names.
    package let missing: String?
    /// Whether it can be loaded despite missing files: a checkpoint without a `.meta` uses another graph of its folder that fits.
    package let isLoadable: Bool

    /// The number of its folder, if it is one of numbered versions.
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
    ///   - folder: The model's path as given.
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

    /// The same candidate as one of numbered versions.
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

    /// Whether all required files exist, by name: for a checkpoint `.meta`, `.index` and all shards.
    package var isComplete: Bool { missing == nil }

    /// The total size of the files.
    package var byteCount: Int { files.reduce(0) { $0.addingReportingOverflow($1.size).partialValue } }

    /// Whether the files have not changed since they were listed.
    package var isUnchanged: Bool { files.allSatisfy { FileIdentity(path: $0.path) == $0 } }

    /// Checks that the files that were read are those that were listed.
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
    /// The candidates in order of preference: the latest first, then those to serve if it cannot be loaded.
    package let ranked: [ModelCandidate]
    /// Notes on choices, for the log.
    package let notes: [String]
    /// Warnings for the operator that do not depend on the served version: for example, that the named version is not used.
    package let warnings: [String]
    /// The reason why the first is not the one that a `checkpoint` file names; nil if it is, or the format has no such file.
    package let lostPointer: String?

    /// The candidates by number, ascending, each number once: all prefixes of a checkpoint's folder, all numbered versions, or the only one.
    package let candidates: [ModelCandidate]

    /// The version that is served by default: the one that `checkpoint` names, even if it is older, otherwise the highest number.
    package var latest: ModelCandidate? { ranked.first }

    /// The first that can be loaded; if none can, the first, so that its error is reported.
    package var choice: ModelCandidate? { ranked.first { $0.isLoadable } ?? ranked.first }

    init(ranked: [ModelCandidate], notes: [String] = [], warnings: [String] = [], lostPointer: String? = nil) {
        self.ranked = ranked
        var warnings = warnings
        var byNumber: [Int: ModelCandidate] = [:]
        for candidate in ranked {
            // Several prefixes may end with the same step, or with none.
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

    /// Examines a path: reads names, status, and the few bytes that distinguish formats.
    ///
    /// - Parameters:
    ///   - path: A folder, a file or a prefix.
    ///   - followsPaths: Whether a `checkpoint` file may name files of other folders.
    /// - Returns: The candidates, the first choice first.
    /// - Throws: ``ModelError`` of kind `load`. Its ``ModelError/failure`` is `notThere` if the path does not exist, `io` if it cannot be
    ///   read, `incomplete` or `broken` if it contains no model, or none yet.
    package static func look(at path: String, followsPaths: Bool = false) throws(ModelError) -> ModelListing {
        if let fault = RemotePath.fault(of: path) { throw ModelError(.broken, fault) }
        let path = ModelPath(path, followsPaths: followsPaths)
        if let failure = path.failure, !FileIdentity.exists(path.path) { throw ModelError(failure) }
        // A path of no known format gets the checkpoint's error, which lists what exists.
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
