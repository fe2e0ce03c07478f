/// A small file that is looked at again and again: tells when its contents are other ones, and have been for a while. Somebody who
/// writes it in two steps is not read in between.
package struct SettledFile: Sendable {
    package let path: String
    /// How long a file must have stayed as it is.
    private static let quiet = Duration.milliseconds(250)
    /// How long a file must be gone before that counts: a swap by two renames is no gap.
    private static let grace = Duration.seconds(1)

    /// The state that was told last.
    private var known: FileIdentity?
    private var seen: FileIdentity?
    private var since: ContinuousClock.Instant?
    /// When to look again, at the latest; nil if only changes matter.
    package private(set) var nextLook: ContinuousClock.Instant?

    /// A file that is known as it is now.
    package init(_ path: String) {
        self.path = path
        known = FileIdentity(path: path)
        seen = known
    }

    /// Looks at the file.
    ///
    /// - Returns: Whether it has changed since that was told last, and has come to rest. Told once.
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

    /// Takes the file as it is now for known: somebody is about to read it.
    package mutating func accept() {
        known = FileIdentity(path: path)
        seen = known
        nextLook = nil
    }
}
