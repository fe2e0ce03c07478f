/// A path that is served: a model, or a folder of them. Belongs to the thread of the ``ReloadLoop``.
final class ServedSource {
    enum Kind {
        /// Nothing was there yet.
        case unknown
        /// A model's folder or file.
        case model
        /// A folder of model folders.
        case root(RootMachine<ContinuousClock.Instant>)
    }

    let index: Int
    /// What was given.
    let served: ModelRegistry.ServedPath
    let path: String
    private let name: String?
    var kind = Kind.unknown
    /// The models that it brought.
    var models: Set<Int> = []
    var nextPoll: ContinuousClock.Instant
    var isDirty = false
    private(set) var lastLook: ContinuousClock.Instant?
    /// Whether one of its models has been loaded: it may serve.
    var isServed = false
    /// Why models cannot be served, by the path of each.
    private var refusals: [String: String] = [:]
    private var footprint = Footprint()
    private(set) var folders: [String] = []

    init(index: Int, _ served: ModelRegistry.ServedPath, at now: ContinuousClock.Instant) {
        self.index = index
        self.served = served
        path = ModelPath(served.path).path
        name = served.name
        nextPoll = now
    }

    /// The name that a model at the path itself gets.
    var modelName: String { name ?? ModelFolders.name(of: path) }

    /// What for a ``FolderWatch`` tells it from models.
    var watcher: Int { -1 - index }

    var isModel: Bool { if case .model = kind { true } else { false } }
    var isRoot: Bool { if case .root = kind { true } else { false } }

    var nextLook: ContinuousClock.Instant? {
        if case .root(let machine) = kind { return machine.nextLook }
        return nil
    }

    func mayHaveChanged() -> Bool { footprint.hasChanged() }

    /// What is to be done to serve what is there.
    func look(_ clock: ContinuousClock, timing: ReloadTiming) -> [RootMachine<ContinuousClock.Instant>.Action] {
        isDirty = false
        lastLook = clock.now
        if case .unknown = kind { decide(timing) }
        guard case .root(var machine) = kind else { return [] }
        defer { kind = .root(machine) }
        do throws(ModelError) {
            let names = try ModelPlaces.subfolders(of: path)
            let actions = machine.look(names, at: clock.now) { ModelFormat.of(ModelPath(folder($0))) != nil }
            refusals = refusals.filter { refusal in names.contains { folder($0) == refusal.key } }
            let served = Set(machine.names).filter { refusals[folder($0)] == nil }
            follow([path] + places(of: names.subtracting(served)))
            return actions
        } catch { return machine.look(error.message, at: clock.now) }
    }

    private static let mostWatched = 256

    /// Where files may appear that make models of folders.
    private func places(of names: Set<String>) -> [String] {
        names.sorted().prefix(Self.mostWatched).flatMap { ModelPlaces.folders(of: folder($0)) }
    }

    func folder(_ name: String) -> String { "\(path)/\(name)" }

    /// Takes over that a model is served.
    func accept(_ place: String) { refusals[place] = nil }

    /// Takes over that a model cannot be served as it is. It is tried again when something changes.
    ///
    /// - Parameters:
    ///   - place: The model's path: this one, or a folder in it.
    ///   - error: Why not.
    /// - Returns: Whether that is new.
    func refuse(_ place: String, _ error: ModelError) -> Bool {
        switch kind {
        case .root(var machine):
            machine.forget(String(place.dropFirst(path.count + 1)))
            kind = .root(machine)
        case .model: kind = .unknown
        case .unknown: break
        }
        guard refusals.updateValue(error.message, forKey: place) != error.message else { return false }
        // What to follow is decided when it is looked at again.
        isDirty = true
        return true
    }

    /// Why the model of that name cannot be served; nil where none has been refused.
    func refusal(of name: String) -> String? { refusals[folder(name)] ?? (name == modelName ? refusals[path] : nil) }

    private func follow(_ folders: [String]) {
        self.folders = folders
        footprint.follow(folders + refusals.keys.sorted().map(ModelSettings.path(in:)))
    }

    /// Finds out what the path is, once there is something.
    private func decide(_ timing: ReloadTiming) {
        follow(ModelPlaces.folders(of: path))
        if ModelFormat.of(ModelPath(path)) != nil {
            kind = .model
        } else if let names = try? ModelPlaces.subfolders(of: path) {
            follow(folders + places(of: names))
            if names.contains(where: { ModelFormat.of(ModelPath(folder($0))) != nil }) {
                kind = .root(RootMachine(timing: timing))
            }
        }
    }
}
