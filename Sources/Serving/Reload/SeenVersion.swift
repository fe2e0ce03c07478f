internal import Checkpoints
internal import Files

/// A version, as the checks so far have found it.
struct SeenVersion<Time: InstantProtocol & Sendable>: Sendable where Time.Duration == Duration {
    private(set) var candidate: ModelCandidate
    /// The time since its files are unchanged.
    private(set) var since: Time
    /// The time since any file is missing.
    private(set) var missingSince: Time?
    /// Whether a file changed in place. Copying does that, TensorFlow renames files.
    private(set) var isCopied = false
    /// The failure of the files in their current state.
    var failure: Failure?
    /// Whether it was logged that files are missing.
    var isWaitLogged = false

    struct Failure: Sendable {
        let error: ModelError
        let kind: ModelError.LoadFailure
        let count: Int
        /// The time of the next attempt even if nothing has changed.
        let retryAt: Time?
        var isLogged: Bool

        /// Whether the failure is usual while a Saver writes: files change while they are read, or disappear.
        var isUsual: Bool { (kind == .changed || kind == .notThere) && count <= 3 }
    }

    init(_ candidate: ModelCandidate, at now: Time) {
        self.candidate = candidate
        since = now
        missingSince = candidate.isComplete ? nil : now
    }

    /// Applies the result of a check.
    mutating func update(_ new: ModelCandidate, at now: Time) {
        missingSince = new.isComplete ? nil : missingSince ?? now
        guard !new.hasSameFiles(as: candidate) else {
            candidate = new
            return
        }
        isCopied = isCopied && candidate.path == new.path || new.changesInPlace(candidate)
        candidate = new
        since = now
        failure = nil
    }

    /// Records a failed load.
    mutating func fail(_ error: ModelError, _ kind: ModelError.LoadFailure, at now: Time, timing: ReloadTiming) {
        let count = (failure?.count ?? 0) + 1
        let passes: Set<ModelError.LoadFailure> = [.notThere, .changed, .io, .memory]
        failure = Failure(
            error: error, kind: kind, count: count,
            retryAt: passes.contains(kind) ? now.advanced(by: timing.retryDelay(after: count)) : nil,
            isLogged: failure?.isLogged ?? false)
    }

    /// Whether the failure must be logged, and has not been.
    var isFailureToBeLogged: Bool {
        guard let failure, !failure.isLogged else { return false }
        return !failure.isUsual && failure.kind != .incomplete
    }

    /// The time when it may be read, if `needsNoGraph` without a meta graph of its own; nil if not before it changes.
    func dueTime(timing: ReloadTiming, needsNoGraph: Bool) -> Time? {
        if let failure { return failure.retryAt }
        guard candidate.isLoadable else { return nil }
        let isAlone = candidate.isComplete || needsNoGraph
        return since.advanced(
            by: max(isCopied ? timing.copyQuiet : timing.quiet, isAlone ? .zero : timing.graphWait))
    }

    /// Whether only the rule that files must be quiet prevents reading it.
    var isMerelyRestless: Bool { failure == nil && candidate.isComplete && candidate.isLoadable && !isCopied }
}

extension ModelCandidate {
    /// Whether both have the same contents.
    func hasSameFiles(as other: ModelCandidate) -> Bool { path == other.path && files == other.files }

    /// Whether a file is the same as in an earlier check, but its contents are not.
    fileprivate func changesInPlace(_ old: ModelCandidate) -> Bool {
        files.contains { new in
            old.files.contains {
                $0.path == new.path && $0.inode == new.inode && $0.device == new.device && $0 != new
            }
        }
    }
}
