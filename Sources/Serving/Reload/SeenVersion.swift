internal import Checkpoints
internal import Files

/// A version as looks have found it so far.
struct SeenVersion<Time: InstantProtocol & Sendable>: Sendable where Time.Duration == Duration {
    private(set) var candidate: ModelCandidate
    /// Since when its files are as they are.
    private(set) var since: Time
    /// Since when something is missing, whatever it was.
    private(set) var missingSince: Time?
    /// Whether a file was seen to change in place: somebody copies, TensorFlow renames.
    private(set) var isCopied = false
    /// The failure of the files in their current state.
    var failure: Failure?
    /// Whether it was said that something is missing.
    var isWaitLogged = false

    struct Failure: Sendable {
        let error: ModelError
        let kind: ModelError.LoadFailure
        let count: Int
        /// When to try again, though nothing has changed.
        let retryAt: Time?
        var isLogged: Bool

        /// Whether it is what happens when a Saver is at work: files change while they are read, or go.
        var isUsual: Bool { (kind == .changed || kind == .notThere) && count <= 3 }
    }

    init(_ candidate: ModelCandidate, at now: Time) {
        self.candidate = candidate
        since = now
        missingSince = candidate.isComplete ? nil : now
    }

    /// Takes over what a look found.
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

    /// Takes over that a load failed.
    mutating func fail(_ error: ModelError, _ kind: ModelError.LoadFailure, at now: Time, timing: ReloadTiming) {
        let count = (failure?.count ?? 0) + 1
        let passes: Set<ModelError.LoadFailure> = [.notThere, .changed, .io, .memory]
        failure = Failure(
            error: error, kind: kind, count: count,
            retryAt: passes.contains(kind) ? now.advanced(by: timing.retryDelay(after: count)) : nil,
            isLogged: failure?.isLogged ?? false)
    }

    /// Whether the failure is one of which people should know, and do not.
    var isFailureToBeLogged: Bool {
        guard let failure, !failure.isLogged else { return false }
        return !failure.isUsual && failure.kind != .incomplete
    }

    /// When it may be read, be it without a meta graph of its own if `needsNoGraph`; nil if not unless something changes.
    func dueTime(timing: ReloadTiming, needsNoGraph: Bool) -> Time? {
        if let failure { return failure.retryAt }
        guard candidate.isLoadable else { return nil }
        let isAlone = candidate.isComplete || needsNoGraph
        return since.advanced(
            by: max(isCopied ? timing.copyQuiet : timing.quiet, isAlone ? .zero : timing.graphWait))
    }

    /// Whether it could be read at once, were it not for the rule that files must be quiet.
    var isMerelyRestless: Bool { failure == nil && candidate.isComplete && candidate.isLoadable && !isCopied }
}

extension ModelCandidate {
    /// Whether reading both gives the same.
    func hasSameFiles(as other: ModelCandidate) -> Bool { path == other.path && files == other.files }

    /// Whether a file is the same as in an earlier look, but not its contents.
    fileprivate func changesInPlace(_ old: ModelCandidate) -> Bool {
        files.contains { new in
            old.files.contains {
                $0.path == new.path && $0.inode == new.inode && $0.device == new.device && $0 != new
            }
        }
    }
}
