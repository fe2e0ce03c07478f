/// Decides when each version of one model is loaded, and which loaded versions stay.
///
/// It consists of a state and rules, without files, threads or a clock. The times passed to it must not decrease. Its owner checks the model's
/// path, at ``nextLook`` at the latest, and reports the result; calls ``nextLoad(at:)`` whenever a load can be made, and reports its result;
/// and performs the actions.
struct ReloadMachine<Time: InstantProtocol & Sendable>: Sendable where Time.Duration == Duration {
    /// An action for the loop.
    enum Action: Hashable, Sendable {
        /// Log a notice.
        case log(ReloadNotice)
        /// Publish ``ReloadMachine/view``, because it has changed.
        case publish
        /// Reply to load requests: with the number of the version in service, or the error.
        case reply(Result<Int, ModelError>)
    }

    /// A load to perform.
    struct Load: Hashable, Sendable {
        /// Distinguishes loads of the same version.
        let serial: Int
        let candidate: ModelCandidate
    }

    /// A loaded version.
    struct Loaded: Sendable {
        let load: Load
        /// The time since it is missing although others exist.
        var absentSince: Time?
    }

    private(set) var policy: VersionPolicy
    let timing: ReloadTiming
    /// The time of the last event.
    private(set) var now: Time

    /// The versions that the last successful check found, by number.
    var seen: [Int: SeenVersion<Time>] = [:]
    /// The version that should be in service, according to the last check.
    var wanted: Int?
    var loaded: [Int: Loaded] = [:]
    /// The version that serves requests that name none.
    var current: Int?
    var loading: Load?
    /// Versions that are no longer in service, but that requests may still use.
    var retiring: [Load] = []
    /// Versions that were freed, the oldest first.
    var ended: [VersionState] = []
    /// The reason why the model is missing.
    var absence: Absence?
    var isUnloaded = false
    var record = ReloadRecord()
    /// The warnings of the last successful check.
    private var listingWarnings: [String] = []
    var warnings = StandingWarnings<Time>()
    private(set) var pointer = PointerWait<Time>()
    /// The time since a version waits for its files to be quiet.
    var impatientSince: Time?
    /// The time of the next check, at the latest; nil if only changes matter.
    private(set) var nextLook: Time?
    private var request: Request?
    private var serial = 0
    /// Loads up to this one were made with outdated settings.
    private(set) var lastOutdated = 0
    private var published: View?

    struct Absence: Sendable {
        let error: ModelError
        let since: Time
        var isLogged = false
    }

    /// A request for a load, which does not wait for quiet files.
    private enum Request {
        /// Nothing has been checked since.
        case new
        case looked
    }

    /// Makes a machine without knowledge, which needs a check.
    init(policy: VersionPolicy, timing: ReloadTiming, at now: Time) {
        self.policy = policy
        self.timing = timing
        self.now = now
        nextLook = now
    }

    // MARK: - What happens

    /// A check found versions.
    mutating func look(_ listing: ModelListing, at now: Time) -> [Action] {
        self.now = now
        var actions: [Action] = []
        if let absence, absence.isLogged { actions.append(.log(.back)) }
        absence = nil
        var next: [Int: SeenVersion<Time>] = [:]
        for candidate in listing.candidates {
            // Of two versions with the same number, the one that should be in service counts.
            if let latest = listing.latest, latest.number == candidate.number, latest != candidate { continue }
            var version = seen[candidate.number] ?? SeenVersion(candidate, at: now)
            version.update(candidate, at: now)
            next[candidate.number] = version
        }
        seen = next
        pointer.update(listing, at: now)
        if !isWaitingForPointer {
            wanted = listing.latest?.number
            listingWarnings = listing.warnings + pointer.warnings(of: listing)
        }
        for (number, version) in loaded {
            loaded[number]?.absentSince = seen[number] == nil ? version.absentSince ?? now : nil
        }
        dropAbsent()
        return actions + settle(hasLooked: true)
    }

    /// A check found nothing: the path does not exist, cannot be read, or contains no model.
    mutating func look(_ error: ModelError, at now: Time) -> [Action] {
        self.now = now
        absence = Absence(error: error, since: absence?.since ?? now, isLogged: absence?.isLogged ?? false)
        return settle(hasLooked: true)
    }

    /// The load to make now, if there is one. It counts as begun.
    mutating func nextLoad(at now: Time) -> (load: Load, actions: [Action])? {
        self.now = now
        guard let candidate = dueCandidate else { return nil }
        serial += 1
        let load = Load(serial: serial, candidate: candidate)
        loading = load
        impatientSince = nil
        return (load, settle())
    }

    /// A load ended.
    mutating func finish(_ load: Load, _ result: Result<Void, ModelError>, at now: Time) -> [Action] {
        self.now = now
        guard loading == load else { return [] }
        loading = nil
        var actions: [Action] = []
        switch result {
        case .success: take(load)
        case .failure(let error): actions += note(error, of: load)
        }
        actions += settle(hasLoaded: loaded[load.candidate.number] != nil)
        // Files may have changed meanwhile.
        nextLook = now
        return actions
    }

    /// A request to load the newest version now.
    mutating func load(at now: Time) -> [Action] {
        self.now = now
        isUnloaded = false
        request = .new
        for number in seen.keys { seen[number]?.failure = nil }
        let actions = settle()
        nextLook = now
        return actions
    }

    /// A request to unload everything, until ``load(at:)``.
    mutating func unload(at now: Time) -> [Action] {
        self.now = now
        isUnloaded = true
        for number in loaded.keys.sorted() { retire(number) }
        return settle()
    }

    /// A retired version is no longer in use.
    mutating func released(serial: Int, at now: Time) -> [Action] {
        self.now = now
        guard let index = retiring.firstIndex(where: { $0.serial == serial }) else { return [] }
        let number = retiring.remove(at: index).candidate.number
        ended.removeAll { $0.number == number }
        ended.append(VersionState(number: number, phase: .ended))
        if ended.count > Self.maxEnded { ended.removeFirst() }
        return settle()
    }

    /// Sets another policy. A version that it does not want stays in service until one that it wants is loaded.
    ///
    /// - Parameters:
    ///   - policy: The policy.
    ///   - reloads: Whether the loaded versions have outdated settings.
    ///   - now: The time.
    /// - Returns: The actions. The view is published in any case.
    mutating func reconfigure(_ policy: VersionPolicy, reloads: Bool, at now: Time) -> [Action] {
        self.now = now
        self.policy = policy
        if reloads {
            lastOutdated = serial
            for number in seen.keys { seen[number]?.failure = nil }
        }
        if !isUnloaded { chooseCurrent(loaded: nil) }
        dropSurplus()
        published = nil
        let actions = settle()
        nextLook = now
        return actions
    }

    // MARK: - What follows

    private mutating func take(_ load: Load) {
        let number = load.candidate.number
        record.successCount += 1
        retire(number)
        loaded[number] = Loaded(load: load)
        ended.removeAll { $0.number == number }
        if isUnloaded { return retire(number) }
        chooseCurrent(loaded: number)
        dropSurplus()
    }

    private mutating func note(_ error: ModelError, of load: Load) -> [Action] {
        let kind = error.failure ?? .broken
        record.failureCounts[kind, default: 0] += 1
        let number = load.candidate.number
        // Files that have changed since will be noticed by themselves.
        guard var version = seen[number], version.candidate.hasSameFiles(as: load.candidate) else { return [] }
        version.fail(error, kind, at: now, timing: timing)
        let isToBeLogged = version.isFailureToBeLogged
        if isToBeLogged { version.failure?.isLogged = true }
        seen[number] = version
        return isToBeLogged ? [.log(.failed(load.candidate, error, serving: current))] : []
    }

    /// Updates the derived state.
    private mutating func settle(hasLooked: Bool = false, hasLoaded: Bool = false) -> [Action] {
        if hasLooked, request != nil { request = .looked }
        if !isUnloaded { chooseCurrent(loaded: nil) }
        updateImpatience()
        warnings.update(listingWarnings + missingVersions, at: now)
        var actions = notices(hasLoaded: hasLoaded)
        record.lastError = currentError?.message
        record.waitingFor = isUnloaded ? nil : awaited?.missing
        if request == .looked, loading == nil, dueCandidate == nil, !isAboutToRetry {
            request = nil
            actions += shortfall()
            actions.append(.reply(outcome))
        }
        let view = view
        if view != published {
            published = view
            actions.insert(.publish, at: 0)
        }
        nextLook = nextTime
        return actions
    }

    /// Whether files are read without waiting for them to be quiet.
    var isForced: Bool { request != nil }
}
