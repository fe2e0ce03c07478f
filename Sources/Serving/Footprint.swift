internal import Glibc

/// What tells cheaply that nothing has changed in some places: their inodes, sizes and times of writing.
///
/// Something may change within the same tick of the kernel's clock as it was looked at, and have the same time. So what has
/// changed counts as changed once more at the next look, which is later than that tick.
struct Footprint {
    private struct Stamp: Hashable {
        let device: UInt64
        let inode: UInt64
        let size: Int
        let seconds: Int
        let nanoseconds: Int

        init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            device = UInt64(status.st_dev)
            inode = UInt64(status.st_ino)
            size = Int(status.st_size)
            seconds = status.st_mtim.tv_sec
            nanoseconds = status.st_mtim.tv_nsec
        }
    }

    private var paths: [String] = []
    private var stamps: [Stamp?]?
    private var isCalm = false

    /// Looks at these from now on; they count as changed.
    mutating func follow(_ paths: [String]) {
        guard paths != self.paths else { return }
        self.paths = paths
        stamps = nil
    }

    /// Whether something may have changed since this was asked last.
    mutating func hasChanged() -> Bool {
        let new = paths.map { Stamp($0) }
        guard new == stamps else {
            stamps = new
            isCalm = false
            return true
        }
        defer { isCalm = true }
        return !isCalm
    }
}
