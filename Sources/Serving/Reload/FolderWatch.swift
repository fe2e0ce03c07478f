internal import Glibc

/// Reports changes in folders, by inotify. For one thread.
///
/// Writes to files that stay open are not reported. Callers that need them check the files.
final class FolderWatch {
    /// The users whose folders have changed.
    enum Changes: Equatable {
        case of(Set<Int>)
        /// There were more changes than the kernel stores, so any folder may have changed.
        case any
    }

    private let descriptor: Int32
    private var users: [Int32: Set<Int>] = [:]
    private var folders: [Int: Set<Int32>] = [:]
    private var buffer = [UInt8](repeating: 0, count: 1 << 16)

    private static let mask = [
        IN_CREATE, IN_MOVED_TO, IN_MOVED_FROM, IN_DELETE, IN_CLOSE_WRITE, IN_ATTRIB, IN_DELETE_SELF, IN_MOVE_SELF,
        IN_ONLYDIR,
    ].reduce(UInt32(0)) { $0 | UInt32($1) }

    /// Returns nil if the kernel has no instances left, or no inotify.
    init?() {
        descriptor = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        if descriptor < 0 { return nil }
    }

    deinit { close(descriptor) }

    /// The descriptor to wait for.
    var polled: pollfd { pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0) }

    /// Replaces the folders that are watched for a user. Missing folders are skipped.
    ///
    /// - Returns: Whether a folder is new, so that earlier changes in it were missed; and whether all could be watched.
    func watch(_ paths: [String], for user: Int) -> (isNew: Bool, isComplete: Bool) {
        var watched: Set<Int32> = []
        var isComplete = true
        for path in paths {
            let number = inotify_add_watch(descriptor, path, Self.mask)
            if number >= 0 { watched.insert(number) } else if errno == ENOSPC || errno == ENOMEM { isComplete = false }
        }
        let old = folders[user] ?? []
        folders[user] = watched
        for number in watched { users[number, default: []].insert(user) }
        for number in old.subtracting(watched) { drop(number, user) }
        return (!watched.isSubset(of: old), isComplete)
    }

    /// Stops watching for a user.
    func forget(_ user: Int) { for number in folders.removeValue(forKey: user) ?? [] { drop(number, user) } }

    private func drop(_ number: Int32, _ user: Int) {
        users[number]?.remove(user)
        guard users[number]?.isEmpty == true else { return }
        users[number] = nil
        inotify_rm_watch(descriptor, number)
    }

    /// The changes since the last call.
    func changes() -> Changes {
        var changed: Set<Int> = []
        var isOverflown = false
        while true {
            let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            buffer.withUnsafeBytes { bytes in
                var offset = 0
                let headerBytes = MemoryLayout<inotify_event>.size
                while offset + headerBytes <= count {
                    let event = bytes.loadUnaligned(fromByteOffset: offset, as: inotify_event.self)
                    if event.mask & UInt32(IN_Q_OVERFLOW) != 0 { isOverflown = true }
                    changed.formUnion(users[event.wd] ?? [])
                    if event.mask & UInt32(IN_IGNORED) != 0 { lose(event.wd) }
                    offset += headerBytes + Int(event.len)
                }
            }
        }
        return isOverflown ? .any : .of(changed)
    }

    /// The kernel has dropped a watch, because its folder was removed.
    private func lose(_ number: Int32) {
        for user in users.removeValue(forKey: number) ?? [] { folders[user]?.remove(number) }
    }
}
