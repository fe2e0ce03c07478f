/// The rules for which version is loaded next, which ones are in service, and which ones are removed.
extension ReloadMachine {
    /// The numbers of all existing or loaded versions that the policy wants, the best first.
    private var preference: [Int] {
        let numbers = Set(seen.keys).union(loaded.keys).filter(isSelected).sorted(by: >)
        guard let first, numbers.contains(first) else { return numbers }
        return [first] + numbers.filter { $0 != first }
    }

    private func isSelected(_ number: Int) -> Bool {
        guard case .numbers(let numbers) = policy.selection else { return true }
        return numbers.contains(number) || policy.labelledNumbers.contains(number)
    }

    /// The version that should be in service. If the current one has just disappeared, no older one is chosen, because it may come back.
    private var first: Int? {
        guard let wanted, isSelected(wanted) else { return nil }
        if let current, wanted < current, let since = loaded[current]?.absentSince,
            !hasPassed(timing.grace, since: since)
        {
            return nil
        }
        return wanted
    }

    func hasPassed(_ duration: Duration, since: Time) -> Bool { since.duration(to: now) >= duration }

    /// The versions that may be loaded, the best first. With the policy `latest`, none that is worse than a loaded one.
    private var eligible: [Int] {
        guard case .latest(let count) = policy.selection else { return preference }
        var places = policy.latestCount(of: count)
        var result: [Int] = []
        for number in preference where places > 0 {
            // After going back to an older version, the newer ones are not loaded while the next save is in progress.
            if let first, number > first, current != nil, loaded[first] == nil, loaded[number] == nil { continue }
            result.append(number)
            if loaded[number] != nil { places -= 1 }
        }
        return result + policy.labelledNumbers.sorted(by: >).filter { !result.contains($0) }
    }

    // MARK: - The next load

    /// The version to load now.
    var dueCandidate: ModelCandidate? {
        guard !isUnloaded, loading == nil, absence == nil else { return nil }
        for number in eligible {
            guard let version = seen[number], !isLoaded(version), isDue(version) else { continue }
            return version.candidate
        }
        return nil
    }

    /// Whether a version is loaded with its current files and settings.
    private func isLoaded(_ version: SeenVersion<Time>) -> Bool {
        guard let load = loaded[version.candidate.number]?.load, load.serial > lastOutdated else { return false }
        return load.candidate.hasSameFiles(as: version.candidate)
    }

    private func isDue(_ version: SeenVersion<Time>) -> Bool {
        if isForced, version.failure == nil { return version.candidate.isLoadable }
        if let time = dueTime(version), time <= now { return true }
        return isImpatient && version.isMerelyRestless
    }

    private func dueTime(_ version: SeenVersion<Time>) -> Time? {
        // If a version without a meta graph of its own is in service, others do not wait for theirs.
        let needsNoGraph = loaded.values.contains { !$0.load.candidate.isComplete }
        return version.dueTime(timing: timing, needsNoGraph: needsNoGraph)
    }

    private var isImpatient: Bool { impatientSince.map { hasPassed(timing.patience, since: $0) } ?? false }

    /// Whether files changed or disappeared while they were read, so that the result of the load is not final.
    var isAboutToRetry: Bool {
        absence == nil
            && eligible.contains { number in
                guard let version = seen[number], !isLoaded(version), let failure = version.failure else {
                    return false
                }
                return failure.retryAt != nil && failure.isUsual
            }
    }

    mutating func updateImpatience() {
        guard !isUnloaded, loading == nil, absence == nil else { return impatientSince = nil }
        let isWaiting = eligible.contains { number in
            seen[number].map { !isLoaded($0) && $0.isMerelyRestless } ?? false
        }
        impatientSince = isWaiting ? impatientSince ?? now : nil
    }

    /// The time of the next rule that depends on time, if nothing happens before.
    var nextTime: Time? {
        guard !isUnloaded else { return nil }
        var times = [warnings.next(after: timing.notice), pointerTime].compactMap(\.self)
        if let absence, !absence.isLogged { times.append(absence.since.advanced(by: absenceNotice)) }
        if let impatientSince { times.append(impatientSince.advanced(by: timing.patience)) }
        for version in eligible.compactMap({ seen[$0] }) where !isLoaded(version) {
            if let time = dueTime(version) { times.append(time) }
            if let since = version.missingSince, !version.isWaitLogged {
                times.append(since.advanced(by: timing.notice))
            }
        }
        for since in loaded.values.compactMap(\.absentSince) { times.append(since.advanced(by: timing.grace)) }
        return times.filter { $0 > now }.min()
    }

    // MARK: - What serves

    /// Chooses the version for requests that name none: the wanted one if it is loaded, otherwise a newer one that has just been loaded, otherwise
    /// the current one. A version that the policy no longer wants stays until one that it wants is loaded.
    mutating func chooseCurrent(loaded new: Int?) {
        if let first, loaded[first] != nil { return current = first }
        if let new, !policy.labelledNumbers.contains(new), current.map({ $0 < new }) ?? true { return current = new }
        if let current, loaded[current] != nil, isSelected(current) { return }
        if let best = preference.first(where: { loaded[$0] != nil }) { return current = best }
        current = current.flatMap { loaded[$0] == nil ? nil : $0 } ?? loaded.keys.max()
    }

    /// With the policy `latest`, retires surplus versions. With numbers, retires other versions, if one of the numbers is in service.
    mutating func dropSurplus() {
        if case .numbers = policy.selection, let current, isSelected(current) {
            for number in loaded.keys.filter({ !isSelected($0) }) { retire(number) }
        }
        guard case .latest(let count) = policy.selection else { return }
        let others = preference.filter { loaded[$0] != nil && $0 != current && !policy.labelledNumbers.contains($0) }
        for number in others.dropFirst(policy.latestCount(of: count) - (current == nil ? 0 : 1)) { retire(number) }
    }

    /// With the policy `all`, retires versions that have been missing for a while, but never the last one.
    mutating func dropAbsent() {
        guard case .all = policy.selection else { return }
        for (number, version) in loaded where loaded.count > 1 {
            guard let since = version.absentSince, hasPassed(timing.grace, since: since) else { continue }
            retire(number)
        }
    }

    mutating func retire(_ number: Int) {
        guard let version = loaded.removeValue(forKey: number) else { return }
        retiring.append(version.load)
        if current == number { current = nil }
    }

    // MARK: - How it stands

    /// The missing parts of the version that should be in service.
    var awaited: (number: Int, missing: String)? {
        guard absence == nil, let number = first ?? preference.first, let version = seen[number], !isLoaded(version)
        else { return nil }
        if let failure = version.failure, failure.kind == .incomplete { return (number, failure.error.message) }
        return version.candidate.missing.map { (number, $0) }
    }

    /// The reason why files are not loaded.
    var currentError: ModelError? {
        if let absence { return absence.error }
        return eligible.lazy.compactMap { seen[$0] }.first { !isLoaded($0) && $0.failure != nil }?.failure?.error
    }

    /// The reply to a load request.
    var outcome: Result<Int, ModelError> {
        if let error = currentError { return .failure(error) }
        if let current { return .success(current) }
        if let awaited, let version = seen[awaited.number] {
            return .failure(ModelError(.incomplete, "\(version.candidate.path): waiting for \(awaited.missing)"))
        }
        let found = seen.keys.sorted().map(String.init).joined(separator: ", ")
        return .failure(ModelError(.incomplete, "none of the requested versions exists; found \(found)"))
    }
}
