internal import Files

/// Inodes, sizes and modification times of some paths, for a cheap check whether anything has changed.
///
/// A file may change within the same tick of the kernel's clock as a check, and so keep its time. A changed path therefore counts as changed
/// once more at the next check, which is later than that tick.
struct Footprint {
    private var paths: [String] = []
    private var identities: [FileIdentity?]?
    private var isCalm = false

    /// Replaces the paths. They count as changed.
    mutating func follow(_ paths: [String]) {
        guard paths != self.paths else { return }
        self.paths = paths
        identities = nil
    }

    /// Whether anything may have changed since the last call.
    mutating func hasChanged() -> Bool {
        let new = paths.map { FileIdentity(anythingAt: $0) }
        guard new == identities else {
            identities = new
            isCalm = false
            return true
        }
        defer { isCalm = true }
        return !isCalm
    }
}
