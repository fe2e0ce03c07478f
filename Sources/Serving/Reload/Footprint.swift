internal import Files

/// Inodes, sizes and modification times of some paths, which show cheaply that nothing has changed there.
///
/// Something may change within the same tick of the kernel's clock as it was looked at, and have the same time. So what has
/// changed counts as changed once more at the next look, which is later than that tick.
struct Footprint {
    private var paths: [String] = []
    private var identities: [FileIdentity?]?
    private var isCalm = false

    /// Looks at these from now on; they count as changed.
    mutating func follow(_ paths: [String]) {
        guard paths != self.paths else { return }
        self.paths = paths
        identities = nil
    }

    /// Whether something may have changed since this was asked last.
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
