internal import Synchronization

/// The shared budget of the process's caches: programs, callables, prepared calls. If it is exceeded, the least recently used entries are
/// evicted.
///
/// Entries stand in the order in which they came. One that is about to go and was used since it came, or since it was looked at last,
/// goes behind the others instead. Noting that an entry was used takes no lock.
package final class CacheBudget: Sendable {
    /// The kinds of entries.
    package enum Kind: Int, CaseIterable, Sendable {
        /// Graphs compiled for feeds and fetches, with what is folded into them and their first program.
        case callables
        /// Callables compiled for shapes of the feeds, with what is folded into them.
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
    ///   - limitBytes: What all entries may take together, those apart that are kept for good.
    ///   - account: Where what is kept is counted; nil for nowhere.
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

    /// How many entries of a kind had to go.
    package func evictionCount(for kind: Kind) -> Int { ring.withLock { $0.evictions[kind.rawValue] } }

    /// Adds an entry that can be found now. Others may have to go for it.
    ///
    /// - Parameters:
    ///   - entry: The entry.
    ///   - isKept: Whether it is kept for good: then it does not count against the limit.
    package func add(_ entry: CacheEntry, isKept: Bool = false) {
        account?.note(entry.byteCount, for: .caches)
        let victims = ring.withLock { ring in
            ring.add(entry, isKept: isKept)
            return isKept ? [] : ring.makeRoom(limitBytes, besides: entry)
        }
        // Out of the lock: what goes with an entry may remove others.
        for victim in victims {
            account?.give(victim.byteCount, for: .caches)
            victim.evict()
        }
    }

    /// Counts more for an entry, if it is there.
    package func grow(_ entry: CacheEntry, by byteCount: Int) {
        if ring.withLock({ $0.grow(entry, by: byteCount) }) { account?.note(byteCount, for: .caches) }
    }

    /// Removes an entry that cannot be found any more, if it is there.
    package func remove(_ entry: CacheEntry) {
        if ring.withLock({ $0.remove(entry) }) { account?.give(entry.byteCount, for: .caches) }
    }

    /// The entries, linked in their order. The dictionary keeps them, so that letting go of many is no recursion.
    // Safety: links are followed under the budget's lock alone, and lead only to entries that `entries` keeps.
    private struct Ring: @unchecked Sendable {
        var entries: [ObjectIdentifier: CacheEntry] = [:]
        var bytes = Kind.allCases.map { _ in 0 }
        var evictions = Kind.allCases.map { _ in 0 }
        /// The bytes of entries that may go.
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

        /// Takes out what was unused longest, until the others fit.
        mutating func makeRoom(_ limit: Int, besides new: CacheEntry) -> [CacheEntry] {
            var victims: [CacheEntry] = []
            // Each is passed over twice at most: whoever uses entries at the same time cannot make this endless.
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

/// Something that a cache keeps.
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

    /// Notes that it was used.
    @inline(__always)
    package final func mark() {
        // Where it is noted already, no other processor is disturbed.
        if !isMarked.load(ordering: .relaxed) { isMarked.store(true, ordering: .relaxed) }
    }

    /// Whether it was used since it was last asked.
    fileprivate final func takeMark() -> Bool {
        isMarked.load(ordering: .relaxed) && isMarked.exchange(false, ordering: .relaxed)
    }

    /// Takes it out of its cache. Called by the budget, which does not keep it any more.
    open func evict() {}
}
