internal import Logging

/// A model that is kept up to date: its rules, its versions, and what is shown of them. Belongs to the thread of the ``ReloadLoop``.
final class WatchedModel {
    typealias Machine = ReloadMachine<ContinuousClock.Instant>

    let id: Int
    let path: String
    /// The index of the served path that it belongs to.
    let source: Int
    let served: ServedModel
    private let policy: VersionPolicy
    private let defaults: DefaultValues
    private(set) var machine: Machine
    private(set) var versions: [Int: ModelVersion] = [:]
    private var listing: ModelListing?
    private var footprint = Footprint()
    private(set) var folders: [String] = []
    private let turn = VersionSplit.Turn()
    private var notes: [String] = []
    private var warnings: [String] = []
    private let logger: Logger
    private let isInRoot: Bool
    private var isSilentlyAbsent = false
    /// Who waits for a load.
    var replies: [RepositoryReply] = []
    /// When to ask the footprint.
    var nextPoll: ContinuousClock.Instant
    /// Whether something happened in its folders.
    var isDirty = false
    private(set) var lastLook: ContinuousClock.Instant?

    init(
        id: Int, path: String, source: ServedSource, served: ServedModel, settings: ModelSettings,
        _ configuration: ModelRegistry.Configuration, at now: ContinuousClock.Instant
    ) {
        self.id = id
        self.path = path
        self.source = source.index
        isInRoot = source.isRoot
        self.served = served
        policy = settings.policy(configuration.versions)
        // The folder's own are read with each version.
        defaults = configuration.defaults.merging(configuration.models[served.name]?.defaults)
        var logger = configuration.logger
        logger[metadataKey: "model"] = "\(served.name)"
        self.logger = logger
        machine = Machine(policy: policy, timing: configuration.timing, at: now)
        nextPoll = now
    }

    var name: String { served.name }

    /// When to look again, at the latest.
    var nextLook: ContinuousClock.Instant? { machine.nextLook }

    /// Whether something may have changed, by a look that costs little.
    func mayHaveChanged() -> Bool { footprint.hasChanged() }

    /// Looks at the files.
    func look(_ clock: ContinuousClock) -> [Machine.Action] {
        isDirty = false
        let actions: [Machine.Action]
        do throws(ModelError) {
            let listing = try ModelListing.look(at: path)
            self.listing = listing
            actions = machine.look(listing, at: clock.now)
        } catch { actions = machine.look(error, at: clock.now) }
        lastLook = clock.now
        folders = ModelPlaces.folders(of: path)
        footprint.follow(ModelPlaces.footprint(of: path, folders: folders, listing))
        return actions
    }

    /// The load to make now, if there is one.
    func nextLoad(
        _ configuration: ModelRegistry.Configuration, at now: ContinuousClock.Instant
    ) -> (job: LoadJob, actions: [Machine.Action])? {
        let isForced = machine.isForced
        guard let (load, actions) = machine.nextLoad(at: now) else { return nil }
        var mustFit = false
        if case .latest = policy.selection { mustFit = !isForced }
        let job = LoadJob(
            model: id, load: load, name: name, defaults: defaults, configuration: configuration,
            previous: machine.view.current.flatMap { versions[$0.serial]?.model }, mustFit: mustFit)
        return (job, actions)
    }

    /// Takes over what became of a load.
    func finish(
        _ job: LoadJob, _ result: Result<ModelVersion, ModelError>, at now: ContinuousClock.Instant
    ) -> [Machine.Action] {
        if case .success(let version) = result {
            versions[job.load.serial] = version
            tell(version.model)
        }
        return machine.finish(job.load, result.map { _ in () }, at: now)
    }

    private func tell(_ model: Model) {
        for note in model.notes where !notes.contains(note) { logger.notice("\(note)") }
        notes = model.notes
        for warning in model.warnings where !warnings.contains(warning) { logger.warning("\(warning)") }
        warnings = model.warnings
        logger.info(
            "loaded",
            metadata: [
                "format": "\(model.format)", "prefix": "\(model.prefix)",
                "version": "\(model.version.map(String.init) ?? "none")",
                "step": "\(model.step.map(String.init) ?? "none")", "ms": "\(Int(model.loadMilliseconds.rounded()))",
            ])
    }

    func released(serial: Int, at now: ContinuousClock.Instant) -> [Machine.Action] {
        machine.released(serial: serial, at: now)
    }

    func load(at now: ContinuousClock.Instant) -> [Machine.Action] { machine.load(at: now) }
    func unload(at now: ContinuousClock.Instant) -> [Machine.Action] { machine.unload(at: now) }

    /// Says something of the files, but not that a folder of a served folder is gone: that is said once for all of them.
    func log(_ notice: ReloadNotice) {
        switch notice {
        case .absent(let error, _) where isInRoot && error.failure == .notThere: isSilentlyAbsent = true
        case .back where isSilentlyAbsent: isSilentlyAbsent = false
        default: logger.log(level: notice.level, "\(notice.message)")
        }
    }

    /// Shows what the rules say.
    ///
    /// - Returns: The versions that do not serve any more.
    func publish() -> [(serial: Int, version: ModelVersion)] {
        let view = machine.view
        let shown = view.versions.compactMap { versions[$0.serial] }
        let current = view.current.flatMap { versions[$0.serial] }
        let labels = view.labels.compactMapValues { versions[$0.serial] }
        served.publish(
            VersionSet(
                shown, current: current, labels: labels, states: view.states, record: view.record,
                isUnloaded: view.isUnloaded, warnings: view.warnings, split: split(labels, current)))
        return takeVersions(except: Set(view.versions.map(\.serial)))
    }

    private func split(_ labels: [String: ModelVersion], _ current: ModelVersion?) -> VersionSplit? {
        let shares = policy.split.compactMap { share in
            labels[share.label].map { (version: $0, percent: share.percent) }
        }
        guard let current, !shares.isEmpty else { return nil }
        return VersionSplit(shares, rest: current, turn: turn)
    }

    /// Shows nothing any more: the model is not served under its name.
    func close() -> [(serial: Int, version: ModelVersion)] {
        served.publish(VersionSet([], current: nil))
        return takeVersions(except: [])
    }

    private func takeVersions(except kept: Set<Int>) -> [(serial: Int, version: ModelVersion)] {
        let gone = versions.filter { !kept.contains($0.key) }
        for serial in gone.keys { versions[serial] = nil }
        return gone.map { ($0.key, $0.value) }
    }
}
