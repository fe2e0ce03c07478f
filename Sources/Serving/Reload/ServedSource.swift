internal import Checkpoints
internal import Files
internal import Text

/// A served path: a model, or a folder of models. Belongs to the thread of the ``ReloadLoop``.
final class ServedSource {
    enum Kind {
        /// Nothing exists yet.
        case unknown
        /// A model's folder or file.
        case model
        /// A folder of model folders.
        case root(RootMachine<ContinuousClock.Instant>)
    }

    let index: Int
    /// The path as given.
    let served: ModelRegistry.ServedPath
    let path: String
    private let name: String?
    var kind = Kind.unknown
    /// The models of the path.
    var models: Set<Int> = []
    var nextPoll: ContinuousClock.Instant
    var isDirty = false
    private(set) var lastLook: ContinuousClock.Instant?
    /// Whether one of its models has been loaded, so that it may be in service.
    var isServed = false
    /// The reasons why models cannot be served, by their paths.
    private var refusals: [ExactText: String] = [:]
    private let followsPaths: Bool
    /// The names that are not valid UTF-8 and were logged.
    private var unreadable: Set<String> = []
    /// The log messages of the last check.
    private(set) var notices: [String] = []
    private var footprint = Footprint()
    private(set) var folders: [String] = []

    init(
        index: Int, _ served: ModelRegistry.ServedPath, followsPaths: Bool, at now: ContinuousClock.Instant
    ) {
        self.index = index
        self.served = served
        self.followsPaths = followsPaths
        path = ModelPath(served.path).path
        name = served.name
        nextPoll = now
    }

    /// The name of a model at the path itself.
    var modelName: String { name ?? ModelFolders.name(of: path) }

    /// The user in a ``FolderWatch``, distinct from those of models.
    var watcher: Int { -1 - index }

    var isModel: Bool { if case .model = kind { true } else { false } }
    var isRoot: Bool { if case .root = kind { true } else { false } }

    var nextLook: ContinuousClock.Instant? {
        if case .root(let machine) = kind { return machine.nextLook }
        return nil
    }

    func mayHaveChanged() -> Bool { footprint.hasChanged() }

    /// The actions that bring the served models in line with the files.
    func look(_ clock: ContinuousClock, timing: ReloadTiming) -> [RootMachine<ContinuousClock.Instant>.Action] {
        isDirty = false
        notices = []
        lastLook = clock.now
        if case .unknown = kind { decide(timing) }
        guard case .root(var machine) = kind else { return [] }
        defer { kind = .root(machine) }
        do throws(ModelError) {
            let (names, others) = try ModelPlaces.subfolders(of: path)
            notice(others)
            let actions = machine.look(names, at: clock.now) { modelPath(folder($0)).isMeantAsModel }
            let present = Set(names.map { ExactText(folder($0.string)) })
            refusals = refusals.filter { present.contains($0.key) }
            let served = Set(machine.names.map { ExactText($0) }).filter {
                refusals[ExactText(folder($0.string))] == nil
            }
            follow([path] + places(of: names.subtracting(served)))
            return actions
        } catch { return machine.look(error.message, at: clock.now) }
    }

    private func notice(_ names: [String]) {
        for name in names where unreadable.insert(name).inserted {
            notices.append("\(path)/\(name): the name is not UTF-8: it is not served until it is renamed")
        }
    }

    private func modelPath(_ path: String) -> ModelPath { ModelPath(path, followsPaths: followsPaths) }

    /// The subfolders without a model, the reasons, and whether they look like models; for the log at the start.
    var strangers: [(reason: String, isProblem: Bool)] {
        guard case .root(let machine) = kind, let (names, _) = try? ModelPlaces.subfolders(of: path) else { return [] }
        let others = names.subtracting(machine.names.map { ExactText($0) }).sorted()
        return others.prefix(Self.maxWatched).compactMap { name -> (reason: String, isProblem: Bool)? in
            let place = modelPath(folder(name.string))
            do throws(ModelError) { _ = try ModelListing.look(at: place.path, followsPaths: followsPaths) } catch {
                // A SavedModel without its graph.
                return ("\(error); it is not served", place.failure != nil || place.names.contains("variables"))
            }
            return nil
        }
    }

    private static let maxWatched = 256

    /// The folders in which a model may appear.
    private func places(of names: Set<ExactText>) -> [String] {
        names.sorted().prefix(Self.maxWatched).flatMap { ModelPlaces.folders(of: folder($0.string)) }
    }

    func folder(_ name: String) -> String { "\(path)/\(name)" }

    /// Notes that a model is served.
    func accept(_ place: String) { refusals[ExactText(place)] = nil }

    /// Notes that a model cannot be served. It is tried again when something changes.
    ///
    /// - Parameters:
    ///   - place: The model's path: this one, or a folder in it.
    ///   - error: The reason.
    /// - Returns: Whether that is new.
    func refuse(_ place: String, _ error: ModelError) -> Bool {
        switch kind {
        case .root(var machine):
            machine.forget(PathText.name(of: place))
            kind = .root(machine)
        case .model: kind = .unknown
        case .unknown: break
        }
        guard refusals.updateValue(error.message, forKey: ExactText(place)) != error.message else { return false }
        // The next check decides what to watch.
        isDirty = true
        return true
    }

    /// The reason why the model with that name cannot be served; nil if none was refused.
    func refusal(of name: String) -> String? {
        refusals[ExactText(folder(name))] ?? (name == modelName ? refusals[ExactText(path)] : nil)
    }

    private func follow(_ folders: [String]) {
        self.folders = folders
        footprint.follow(folders + refusals.keys.sorted().map { ModelSettings.path(in: $0.string) })
    }

    /// Determines the kind of the path, once it exists.
    private func decide(_ timing: ReloadTiming) {
        follow(ModelPlaces.folders(of: path))
        if ModelFormat.of(modelPath(path)) != nil {
            kind = .model
        } else if let (names, others) = try? ModelPlaces.subfolders(of: path) {
            follow(folders + places(of: names))
            notice(others)
            if names.contains(where: { ModelFormat.of(modelPath(folder($0.string))) != nil }) {
                kind = .root(RootMachine(timing: timing))
            }
        }
    }
}
