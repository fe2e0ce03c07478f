internal import Synchronization

/// The shared budget of the process's caches: programs, callables, prepared calls. If it is exceeded, the least recently used entries are
/// evicted.
///
/// Entries are kept in the order in which they were added. If the entry to evict was used since it was added or last considered,
/// it moves to the end instead. Marking an entry as used takes no lock.
package final class CacheBudget: Sendable {
    /// The kinds of entries.
    package enum Kind: Int, CaseIterable, Sendable {
        /// Graphs compiled for feeds and fetches, with their folded constants and their first program.
        case callables
        /// Callables compiled for shapes of the feeds, with their folded constants.
        case programs
        /// Resolved names of requests.
        case calls

        /// For metrics.
        package var label: String { "\(self)" }
    }

    /// The default limit.
    package static let standardBytes = 32 << 20

    private let limit: Atomic<Int>
    private let ring = Mutex(Ring())
    private let account: MemoryAccount?

    /// - Parameters:
    ///   - limitBytes: The maximum size of all entries together, without those that are never evicted.
    ///   - account: The account that counts the entries; nil for none.
    package init(limitBytes: Int = CacheBudget.standardBytes, account: MemoryAccount? = nil) {
        limit = Atomic(limitBytes)
        self.account = account
    }

    /// The limit for all entries together. Entries beyond it are evicted when the next entry is added.
    package var limitBytes: Int {
        get { limit.load(ordering: .relaxed) }
        set { limit.store(newValue, ordering: .relaxed) }
    }

    /// The bytes of the entries of a kind, including those that are never evicted.
    package func usedBytes(for kind: Kind) -> Int { ring.withLock { $0.bytes[kind.rawValue] } }

    /// The number of evicted entries of a kind.
    package func evictionCount(for kind: Kind) -> Int { ring.withLock { $0.evictions[kind.rawValue] } }

    /// Adds an entry that can be found now. This may evict others.
    ///
    /// - Parameters:
    ///   - entry: The entry.
    ///   - isKept: Whether it is never evicted. It does not count against the limit then.
    package func add(_ entry: CacheEntry, isKept: Bool = false) {
        account?.note(entry.byteCount, for: .caches)
        let victims = ring.withLock { ring in
            ring.add(entry, isKept: isKept)
            return isKept ? [] : ring.makeRoom(limitBytes, besides: entry)
        }
        // Outside of the lock, because freeing an entry may remove others.
        for victim in victims {
            account?.give(victim.byteCount, for: .caches)
            victim.evict()
        }
    }

    /// Increases the size of an entry, if it is present.
    package func grow(_ entry: CacheEntry, by byteCount: Int) {
        if ring.withLock({ $0.grow(entry, by: byteCount) }) { account?.note(byteCount, for: .caches) }
    }

    /// Removes an entry that can no longer be found, if it is present.
    package func remove(_ entry: CacheEntry) {
        if ring.withLock({ $0.remove(entry) }) { account?.give(entry.byteCount, for: .caches) }
    }

    /// The entries, linked in their order. The dictionary owns them, so that releasing many entries does not recurse.
    // Safety: links are followed under the budget's lock alone, and lead only to entries that `entries` keeps.
    private struct Ring: @unchecked Sendable {
        var entries: [ObjectIdentifier: CacheEntry] = [:]
        var bytes = Kind.allCases.map { _ in 0 }
        var evictions = Kind.allCases.map { _ in 0 }
        /// The bytes of entries that may be evicted.
        var passingBytes = 0
        unowned(unsafe) var oldest: CacheEntry?
        unowned(unsafe) var newest: CacheEntry?

        mutating func add(_ entry: CacheEntry, isKept: Bool) {
            guard entries.updateValue(entry, forKey: ObjectIdentifier(entry)) == nil else { return }
            bytes[entry.kind.rawValue] += entry.byteCount
            entry.isKept = isKept
            guard !isKept else { return }
            passingBytes += entry.byteCount
            append(entry)
        }

        mutating func grow(_ entry: CacheEntry, by byteCount: Int) -> Bool {
            guard entries[ObjectIdentifier(entry)] != nil else { return false }
            entry.byteCount += byteCount
            bytes[entry.kind.rawValue] += byteCount
            if !entry.isKept { passingBytes += byteCount }
            return true
        }

        mutating func remove(_ entry: CacheEntry) -> Bool {
            guard entries.removeValue(forKey: ObjectIdentifier(entry)) != nil else { return false }
            bytes[entry.kind.rawValue] -= entry.byteCount
            guard !entry.isKept else { return true }
            passingBytes -= entry.byteCount
            unlink(entry)
            return true
        }

        /// Removes the least recently used entries until the others fit.
        mutating func makeRoom(_ limit: Int, besides new: CacheEntry) -> [CacheEntry] {
            var victims: [CacheEntry] = []
            // Each entry is skipped twice at most, so that concurrent use of entries cannot make this endless.
            var passes = 2 * entries.count
            while passingBytes > limit, let entry = oldest, entry !== new || newest !== new {
                passes -= 1
                if entry === new || passes > 0 && entry.takeMark() {
                    unlink(entry)
                    append(entry)
                } else if remove(entry) {
                    evictions[entry.kind.rawValue] += 1
                    victims.append(entry)
                }
            }
            return victims
        }

        private mutating func append(_ entry: CacheEntry) {
            entry.previous = newest
            entry.next = nil
            if let newest { newest.next = entry } else { oldest = entry }
            newest = entry
        }

        private mutating func unlink(_ entry: CacheEntry) {
            if let previous = entry.previous { previous.next = entry.next } else { oldest = entry.next }
            if let next = entry.next { next.previous = entry.previous } else { newest = entry.previous }
            entry.previous = nil
            entry.next = nil
        }
    }
}

/// An entry of a cache.
// Safety: the links, `isKept` and `byteCount` are changed under the budget's lock alone, the last only while the budget has the entry;
// it is read outside of the lock before and after.
open class CacheEntry: @unchecked Sendable {
    package final let kind: CacheBudget.Kind
    /// Its approximate bytes.
    package fileprivate(set) final var byteCount: Int
    private final let isMarked = Atomic<Bool>(false)
    fileprivate final var isKept = false
    fileprivate final unowned(unsafe) var previous: CacheEntry?
    fileprivate final unowned(unsafe) var next: CacheEntry?

    package init(_ kind: CacheBudget.Kind, byteCount: Int) {
        self.kind = kind
        self.byteCount = byteCount
    }

    /// Marks the entry as used.
    @inline(__always)
    package final func mark() {
        // If it is marked already, nothing is written, which spares other processors' caches.
        if !isMarked.load(ordering: .relaxed) { isMarked.store(true, ordering: .relaxed) }
    }

    /// Whether it was used since the last call. Clears the mark.
    fileprivate final func takeMark() -> Bool {
        isMarked.load(ordering: .relaxed) && isMarked.exchange(false, ordering: .relaxed)
    }

    /// Removes the entry from its cache. Called by the budget, after it has released the entry.
    open func evict() {}
}
