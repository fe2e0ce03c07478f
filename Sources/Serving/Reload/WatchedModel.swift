internal import Files
internal import Logging
internal import Settings
internal import Threads

/// A model that is kept up to date: its rules, its versions, and its published state. Belongs to the thread of the ``ReloadLoop``.
final class WatchedModel {
    typealias Machine = ReloadMachine<ContinuousClock.Instant>

    let id: Int
    let path: String
    /// The index of the served path that it belongs to.
    let source: Int
    let served: ServedModel
    /// The last valid settings in the model's folder.
    private(set) var own: ModelSettings
    private var ownFile: SettledFile
    private var configuration: ModelRegistry.Configuration
    private var policy: VersionPolicy
    private var defaults: DefaultValues
    private(set) var machine: Machine
    private(set) var versions: [Int: ModelVersion] = [:]
    private var listing: ModelListing?
    private var footprint = Footprint()
    private(set) var folders: [String] = []
    private var loadStart: ContinuousClock.Instant?
    private let turn = VersionSplit.Turn()
    /// The statistics of each configured label. They stay when versions change.
    private var labelStatistics: [String: LabelStatistics] = [:]
    private var notes: [String] = []
    private var warnings: [String] = []
    private let logger: Logger
    private let isInRoot: Bool
    private let followsPaths: Bool
    private var isSilentlyAbsent = false
    /// The callbacks of requests that wait for a load.
    var replies: [RepositoryReply] = []
    /// The time of the next check of the footprint.
    var nextPoll: ContinuousClock.Instant
    /// Whether something has changed in its folders.
    var isDirty = false
    private(set) var lastLook: ContinuousClock.Instant?

    /// - Throws: ``ModelError`` for invalid settings in the model's folder.
    init(
        id: Int, path: String, source: ServedSource, name: String, _ configuration: ModelRegistry.Configuration,
        at now: ContinuousClock.Instant
    ) throws(ModelError) {
        self.id = id
        self.path = path
        self.source = source.index
        isInRoot = source.isRoot
        self.configuration = configuration
        followsPaths = configuration.followsPaths
        let folder = ModelPlaces.settingsFolder(of: path)
        // Its identity is taken before it is read, so that a change in between is noticed later.
        ownFile = SettledFile(ModelSettings.path(in: folder))
        own = try ModelSettings(folder: folder)
        let settings = configuration.settings(of: name, own: own)
        served = ServedModel(name: name, settings, configuration)
        policy = settings.policy(configuration.versions)
        labelStatistics = Self.statistics(of: policy, [:])
        defaults = configuration.defaults.merging(configuration.models[served.name]?.defaults)
        var logger = configuration.logger
        logger[metadataKey: "model"] = "\(served.name)"
        self.logger = logger
        machine = Machine(policy: policy, timing: configuration.timing, at: now)
        nextPoll = now
    }

    var name: String { served.name }

    /// The time of the next check, at the latest.
    var nextLook: ContinuousClock.Instant? {
        guard let first = machine.nextLook, let second = ownFile.nextLook else {
            return machine.nextLook ?? ownFile.nextLook
        }
        return min(first, second)
    }

    /// Whether something may have changed, by a cheap check.
    func mayHaveChanged() -> Bool { footprint.hasChanged() }

    /// Checks the files.
    func look(_ clock: ContinuousClock) -> [Machine.Action] {
        isDirty = false
        var actions: [Machine.Action] = []
        if ownFile.hasChanged(at: clock.now) { actions = readSettings(at: clock.now) }
        do throws(ModelError) {
            let listing = try ModelListing.look(at: path, followsPaths: followsPaths)
            self.listing = listing
            actions += machine.look(listing, at: clock.now)
        } catch { actions += machine.look(error, at: clock.now) }
        lastLook = clock.now
        folders = ModelPlaces.folders(of: path, listing)
        footprint.follow(ModelPlaces.footprint(of: path, folders: folders, listing) + [ownFile.path])
        return actions
    }

    /// Reads the settings in the model's folder again. Invalid settings change nothing.
    func readSettings(at now: ContinuousClock.Instant) -> [Machine.Action] {
        ownFile.accept()
        // If the folder does not exist, the model stays in service.
        guard FileIdentity(anythingAt: path) != nil else { return [] }
        let new: ModelSettings
        do throws(ModelError) { new = try ModelSettings(folder: ModelPlaces.settingsFolder(of: path)) } catch {
            logger.error("settings not applied: \(error)")
            return []
        }
        let changes = own.changes(to: new)
        guard !changes.isEmpty else { return [] }
        for change in changes {
            logger.notice(
                "setting changed", metadata: ["key": "\(change.key)", "old": "\(change.old)", "new": "\(change.new)"])
        }
        own = new
        return apply(reloads: changes.contains { $0.effect == .reload }, at: now)
    }

    /// Applies the settings for all models, and those for this model.
    func reconfigure(
        _ new: ModelRegistry.Configuration, at now: ContinuousClock.Instant
    ) -> [Machine.Action] {
        let reloads = new.reloads(name, after: configuration)
        configuration = new
        return apply(reloads: reloads, at: now)
    }

    private func apply(reloads: Bool, at now: ContinuousClock.Instant) -> [Machine.Action] {
        let settings = configuration.settings(of: name, own: own)
        served.apply(settings, configuration)
        policy = settings.policy(configuration.versions)
        defaults = configuration.defaults.merging(configuration.models[name]?.defaults)
        labelStatistics = Self.statistics(of: policy, labelStatistics)
        return machine.reconfigure(policy, reloads: reloads, at: now)
    }

    private static func statistics(
        of policy: VersionPolicy, _ known: [String: LabelStatistics]
    ) -> [String: LabelStatistics] {
        Dictionary(uniqueKeysWithValues: policy.labels.keys.map { ($0, known[$0] ?? LabelStatistics(label: $0)) })
    }

    /// The load to make now, if there is one.
    ///
    /// - Parameters:
    ///   - now: The time.
    ///   - helpers: The source of helpers; nil for a load that gives way to requests.
    /// - Returns: The load, and what the rules want besides.
    func nextLoad(
        at now: ContinuousClock.Instant, helpers: (any HelperSource)?
    ) -> (job: LoadJob, actions: [Machine.Action])? {
        let isForced = machine.isForced
        guard let (load, actions) = machine.nextLoad(at: now) else { return nil }
        var mustFit = false
        // With other settings, the model may support other requests.
        let isOutdated = machine.view.current.map { $0.serial <= machine.lastOutdated } ?? false
        if case .latest = policy.selection { mustFit = !isForced && !isOutdated }
        loadStart = now
        let job = LoadJob(
            model: id, load: load, name: name, defaults: defaults, own: own, configuration: configuration,
            previous: machine.view.current.flatMap { versions[$0.serial]?.model }, mustFit: mustFit,
            helpers: helpers)
        return (job, actions)
    }

    /// Applies the result of a load.
    func finish(
        _ job: LoadJob, _ result: Result<ModelVersion, ModelError>, at now: ContinuousClock.Instant
    ) -> [Machine.Action] {
        if case .success(let version) = result {
            versions[job.load.serial] = version
            if let loadStart {
                served.loadTimes.record(Int(clamping: Int64(loadStart.duration(to: now) / .nanoseconds(1))))
            }
            tell(version)
        }
        return machine.finish(job.load, result.map { _ in () }, at: now)
    }

    private func tell(_ version: ModelVersion) {
        let model = version.model
        for note in model.notes where !notes.contains(note) { logger.notice("\(note)") }
        notes = model.notes
        for warning in version.warnings where !warnings.contains(warning) { logger.warning("\(warning)") }
        warnings = version.warnings
        var metadata: Logger.Metadata = [
            "format": "\(model.format)", "prefix": "\(model.prefix)",
            "version": .stringConvertible(version.number),
            "ms": .stringConvertible(Int(version.loadMilliseconds.rounded())),
        ]
        if let step = model.step { metadata["step"] = .stringConvertible(step) }
        logger.info("loaded", metadata: metadata)
    }

    func released(serial: Int, at now: ContinuousClock.Instant) -> [Machine.Action] {
        machine.released(serial: serial, at: now)
    }

    /// Loads the newest version on request.
    func load(by asker: String, at now: ContinuousClock.Instant) -> [Machine.Action] {
        logger.notice("loaded by request", metadata: ["by": "\(asker)"])
        return load(at: now)
    }

    func load(at now: ContinuousClock.Instant) -> [Machine.Action] { machine.load(at: now) }

    /// Unloads all versions on request.
    func unload(by asker: String, at now: ContinuousClock.Instant) -> [Machine.Action] {
        logger.notice("unloaded by request", metadata: ["by": "\(asker)"])
        return machine.unload(at: now)
    }

    /// Logs a notice, except that a subfolder of a served folder is missing, which is logged once for all of them.
    func log(_ notice: ReloadNotice) {
        switch notice {
        case .absent(let error, _) where isInRoot && error.failure == .notThere: isSilentlyAbsent = true
        case .back where isSilentlyAbsent: isSilentlyAbsent = false
        default: logger.log(level: notice.level, "\(notice.message)")
        }
    }

    /// Publishes the state of the rules.
    ///
    /// - Returns: The versions that are no longer in service.
    func publish() -> [(serial: Int, version: ModelVersion)] {
        let view = machine.view
        let shown = view.versions.compactMap { versions[$0.serial] }
        let current = view.current.flatMap { versions[$0.serial] }
        let labels = view.labels.compactMapValues { versions[$0.serial] }
        served.publish(
            VersionSet(
                shown, current: current, labels: labels, states: view.states, record: view.record,
                isUnloaded: view.isUnloaded, labelStatistics: labelStatistics, warnings: view.warnings,
                split: split(labels, current)))
        return takeVersions(except: Set(view.versions.map(\.serial)))
    }

    private func split(_ labels: [String: ModelVersion], _ current: ModelVersion?) -> VersionSplit? {
        let shares = policy.split.compactMap { share in
            labels[share.label].map {
                VersionSplit.Share($0, percent: share.percent, label: labelStatistics[share.label])
            }
        }
        guard let current, !shares.isEmpty else { return nil }
        return VersionSplit(shares, rest: current, turn: turn)
    }

    /// Publishes that the model is no longer served.
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
