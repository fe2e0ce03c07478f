internal import Text

/// Decides which folders of a served root are models. Like ``ReloadMachine``: rules only.
struct RootMachine<Time: InstantProtocol & Sendable>: Sendable where Time.Duration == Duration {
    enum Action: Hashable, Sendable {
        /// Serve the folder with that name.
        case add(String)
        /// Stop serving the folder.
        case remove(String)
        /// All folders have disappeared, probably by mistake: keep serving them, and log a warning.
        case warn(String)
        /// The folders are back.
        case back
    }

    private let timing: ReloadTiming
    /// The served folders, and the times since they are missing.
    private var served: [ExactText: Time?] = [:]
    private var allGone: (since: Time, isLogged: Bool)?
    /// The time of the next check, at the latest; nil if only changes matter.
    private(set) var nextLook: Time?

    init(timing: ReloadTiming) { self.timing = timing }

    /// The names of the served folders, sorted.
    var names: [String] { served.keys.sorted().map(\.string) }

    /// Notes that a folder could not be served. It is tried again at each check.
    mutating func forget(_ name: String) { served.removeValue(forKey: ExactText(name)) }

    /// A check found folders. `holdsModel` returns whether a folder that is not served yet contains a model, or a part of one.
    mutating func look(_ folders: Set<ExactText>, at now: Time, holdsModel: (String) -> Bool) -> [Action] {
        nextLook = nil
        let added = folders.sorted().filter { served[$0] == nil && holdsModel($0.string) }
        if !served.isEmpty, served.keys.allSatisfy({ !folders.contains($0) }), added.isEmpty {
            return lost("none of its model folders exists", at: now)
        }
        var actions = found()
        for name in served.keys.sorted() {
            guard !folders.contains(name) else {
                served[name] = .some(nil)
                continue
            }
            guard let since = served[name] ?? nil else {
                served[name] = now
                wake(now.advanced(by: timing.grace))
                continue
            }
            if since.duration(to: now) >= timing.grace {
                served[name] = nil
                actions.append(.remove(name.string))
            } else {
                wake(since.advanced(by: timing.grace))
            }
        }
        for name in added {
            served[name] = .some(nil)
            actions.append(.add(name.string))
        }
        return actions
    }

    /// A check found nothing: the root does not exist or cannot be read.
    mutating func look(_ reason: String, at now: Time) -> [Action] {
        nextLook = nil
        return lost(reason, at: now)
    }

    private mutating func lost(_ reason: String, at now: Time) -> [Action] {
        guard !served.isEmpty else { return [] }
        // If all folders were missing, one that comes back later than the others is not removed.
        for name in served.keys { served[name] = .some(nil) }
        let gone = allGone ?? (now, false)
        allGone = gone
        if gone.isLogged { return [] }
        guard gone.since.duration(to: now) >= timing.grace else {
            wake(gone.since.advanced(by: timing.grace))
            return []
        }
        allGone?.isLogged = true
        return [.warn(reason)]
    }

    private mutating func found() -> [Action] {
        defer { allGone = nil }
        return allGone?.isLogged == true ? [.back] : []
    }

    private mutating func wake(_ time: Time) { nextLook = min(nextLook ?? time, time) }
}
