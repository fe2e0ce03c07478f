/// Notices about lasting conditions, each of which is logged once.
extension ReloadMachine {
    /// How long the model must be missing before that is logged.
    var absenceNotice: Duration { current == nil ? timing.notice : timing.grace * 2 }

    /// The notices for conditions that have lasted for a while.
    ///
    /// - Parameter hasLoaded: Whether a version has just been loaded. Notices about it are logged immediately.
    /// - Returns: Actions of the kind `log`.
    mutating func notices(hasLoaded: Bool) -> [Action] {
        guard !isUnloaded else { return [] }
        var actions = warnings.tell(at: now, after: hasLoaded ? .zero : timing.notice).map {
            Action.log(.warning($0))
        }
        if let absence, hasPassed(absenceNotice, since: absence.since) {
            actions += tellAbsence()
        } else if let awaited, let version = seen[awaited.number],
            hasPassed(timing.notice, since: version.missingSince ?? version.since)
        {
            actions += tellWait()
        }
        return actions
    }

    /// The reason why a load request does not get the wanted version, unless it was logged before.
    mutating func shortfall() -> [Action] {
        guard !isUnloaded else { return [] }
        return tellAbsence() + (current == nil ? tellWait() : [])
    }

    private mutating func tellAbsence() -> [Action] {
        guard let absence, !absence.isLogged else { return [] }
        self.absence?.isLogged = true
        return [.log(.absent(absence.error, serving: current))]
    }

    private mutating func tellWait() -> [Action] {
        guard absence == nil, let awaited, let version = seen[awaited.number], !version.isWaitLogged else { return [] }
        seen[awaited.number]?.isWaitLogged = true
        if let failure = version.failure {
            return [.log(.failed(version.candidate, failure.error, serving: current))]
        }
        return [.log(.waiting(awaited.missing, version.candidate, serving: current))]
    }

    /// The versions that labels or the policy name, but that do not exist.
    var missingVersions: [String] {
        guard absence == nil, !seen.isEmpty else { return [] }
        let known = Set(seen.keys).union(loaded.keys)
        let found = "found " + known.sorted().map(String.init).joined(separator: ", ")
        var texts: [String] = []
        for (label, target) in policy.labels.sorted(by: { $0.key < $1.key }) {
            guard case .number(let number) = target, !known.contains(number) else { continue }
            let share = policy.split.contains { $0.label == label } ? "; its share goes to the latest" : ""
            texts.append("label \"\(label)\": version \(number) does not exist; \(found)\(share)")
        }
        if case .numbers(let numbers) = policy.selection {
            let missing = numbers.subtracting(known).sorted().map(String.init).joined(separator: ", ")
            if !missing.isEmpty { texts.append("versions: no version \(missing); \(found)") }
        }
        return texts
    }
}

/// Warnings for the operator while a condition lasts. Each is logged once, when the condition has lasted for a while.
struct StandingWarnings<Time: InstantProtocol & Sendable>: Sendable where Time.Duration == Duration {
    private struct Item: Sendable {
        let text: String
        let since: Time
        var isLogged = false
    }

    private var items: [Item] = []

    /// The warnings that were logged and still apply.
    var logged: [String] { items.filter(\.isLogged).map(\.text) }

    /// Sets the current warnings.
    mutating func update(_ texts: [String], at now: Time) {
        items = texts.map { text in items.first { $0.text == text } ?? Item(text: text, since: now) }
    }

    /// The warnings to log now, because they have lasted for a while.
    mutating func tell(at now: Time, after time: Duration) -> [String] {
        var texts: [String] = []
        for index in items.indices where !items[index].isLogged && items[index].since.duration(to: now) >= time {
            items[index].isLogged = true
            texts.append(items[index].text)
        }
        return texts
    }

    /// The time when the next warning is due.
    func next(after time: Duration) -> Time? { items.filter { !$0.isLogged }.map { $0.since.advanced(by: time) }.min() }
}
