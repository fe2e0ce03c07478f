/// A small file that is checked repeatedly. It reports a change when the file has stayed the same for a while, so that a file that is
/// written in two steps is not read in between.
package struct SettledFile: Sendable {
    package let path: String
    /// How long a file must stay unchanged before a change counts.
    private static let quiet = Duration.milliseconds(250)
    /// How long a file must be missing before that counts. A swap by two renames does not count.
    private static let grace = Duration.seconds(1)

    /// The state that was reported last.
    private var known: FileIdentity?
    private var seen: FileIdentity?
    private var since: ContinuousClock.Instant?
    /// The time of the next check, at the latest; nil if only changes matter.
    package private(set) var nextLook: ContinuousClock.Instant?

    /// A file whose current state counts as known.
    package init(_ path: String) {
        self.path = path
        known = FileIdentity(path: path)
        seen = known
    }

    /// Checks the file.
    ///
    /// - Returns: Whether the file has changed since the last report and has settled. Each change is reported once.
    package mutating func hasChanged(at now: ContinuousClock.Instant) -> Bool {
        let found = FileIdentity(path: path)
        if found != seen {
            seen = found
            since = now
        }
        nextLook = nil
        guard found != known, let since else { return false }
        let rest = since.advanced(by: found == nil ? Self.grace : Self.quiet)
        guard rest <= now else {
            nextLook = rest
            return false
        }
        known = found
        return true
    }

    /// Marks the current state as known, because the caller is about to read the file.
    package mutating func accept() {
        known = FileIdentity(path: path)
        seen = known
        nextLook = nil
    }
}
