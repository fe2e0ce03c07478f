internal import Synchronization

/// A hash table whose values can be removed. Look-ups take no lock; adding and removing do.
///
/// A look-up returns a reference of its own to the value. Only the interface is generic.
package struct EvictingTable<Value: AnyObject & Sendable>: Sendable {
    @usableFromInline let links = Links()

    /// A table without values.
    package init() {}

    /// The value with that hash for which `matches` returns true; the latest if there are several.
    @inlinable @inline(__always)
    package func find(hash: UInt, where matches: (Value) -> Bool) -> Value? {
        // Safety: insert(_:hash:) puts only values of this type in.
        links.find(hash: hash) { matches(unsafeDowncast($0, to: Value.self)) }.map {
            unsafeDowncast($0, to: Value.self)
        }
    }

    /// All values, in no order.
    package var values: [Value] {
        // Safety: as above.
        links.values.map { unsafeDowncast($0, to: Value.self) }
    }

    /// Adds a value. If two threads add a value for the same key, look-ups find the later one.
    package func insert(_ value: Value, hash: UInt) { links.insert(value, hash: hash) }

    /// Removes a value, if it is present.
    package func remove(_ value: Value, hash: UInt) { links.remove(value, hash: hash) }

    /// Removes all values.
    ///
    /// - Returns: The removed values, each once.
    package func removeAll() -> [Value] {
        // Safety: as above.
        links.removeAll().map { unsafeDowncast($0, to: Value.self) }
    }
}

/// Buckets of links. Each link leads to the previous first link of its bucket.
@usableFromInline
final class Links: Sendable {
    private static let bucketCount = 256

    private final class Link: Sendable {
        let hash: UInt
        let value: any AnyObject & Sendable
        /// The address of the previous first link of the bucket; 0 for none.
        let next: Atomic<UInt>

        init(hash: UInt, value: any AnyObject & Sendable, next: UInt) {
            self.hash = hash
            self.value = value
            self.next = Atomic(next)
        }
    }

    /// Each 0, or the address of the bucket's first link, which is retained.
    // Safety: replaced under `changes` alone. A link that was taken out is released when no reader can be at it any more.
    private let buckets = AtomicAddresses(count: bucketCount)
    private let readers = Readers()
    // The number is not used. An empty value would have the address of the lock's own header, and the thread sanitizer would report
    // each use of the lock as a race with it.
    private let changes = Locked(0)

    init() {}

    deinit { _ = removeAll() }

    func removeAll() -> [any AnyObject & Sendable] {
        // Released outside of the lock, because freeing a value may take long.
        var removed: [Link] = []
        changes.withLock { _ in
            let first = (0..<buckets.count).map { buckets[$0].exchange(0, ordering: .sequentiallyConsistent) }
            readers.waitForAll()
            for var address in first {
                while let link = Self.link(at: address)?.takeRetainedValue() {
                    address = link.next.load(ordering: .relaxed)
                    removed.append(link)
                }
            }
        }
        return removed.map(\.value)
    }

    @usableFromInline
    func find(hash: UInt, where matches: (AnyObject) -> Bool) -> AnyObject? {
        let turn = readers.enter()
        defer { readers.leave(turn) }
        return search(hash: hash, where: matches)
    }

    /// A separate call, so that the reference is taken before the reader is counted out.
    @inline(never)
    private func search(hash: UInt, where matches: (AnyObject) -> Bool) -> AnyObject? {
        var address = buckets[Int(hash % UInt(Self.bucketCount))].load(ordering: .sequentiallyConsistent)
        while let current = Self.link(at: address) {
            let (next, value) = current._withUnsafeGuaranteedRef { link -> (UInt, AnyObject?) in
                guard link.hash == hash, matches(link.value) else {
                    return (link.next.load(ordering: .sequentiallyConsistent), nil)
                }
                return (0, link.value as AnyObject)
            }
            if let value { return value }
            address = next
        }
        return nil
    }

    var values: [any AnyObject & Sendable] {
        changes.withLock { _ in
            (0..<buckets.count).flatMap { index in
                var values: [any AnyObject & Sendable] = []
                var address = buckets[index].load(ordering: .acquiring)
                while let link = Self.link(at: address)?.takeUnretainedValue() {
                    values.append(link.value)
                    address = link.next.load(ordering: .relaxed)
                }
                return values
            }
        }
    }

    func insert(_ value: any AnyObject & Sendable, hash: UInt) {
        let bucket = Int(hash % UInt(Self.bucketCount))
        changes.withLock { _ in
            let first = buckets[bucket].load(ordering: .relaxed)
            let link = Unmanaged.passRetained(Link(hash: hash, value: value, next: first))
            buckets[bucket].store(UInt(bitPattern: link.toOpaque()), ordering: .sequentiallyConsistent)
        }
    }

    func remove(_ value: AnyObject, hash: UInt) {
        // Released outside of the lock, because freeing a value may take long.
        var removed: Unmanaged<Link>?
        changes.withLock { _ in
            removed = takeOut(value, bucket: Int(hash % UInt(Self.bucketCount)))
            if removed != nil { readers.waitForAll() }
        }
        removed?.release()
    }

    private func takeOut(_ value: AnyObject, bucket: Int) -> Unmanaged<Link>? {
        var previous: Unmanaged<Link>?
        var address = buckets[bucket].load(ordering: .relaxed)
        while let current = Self.link(at: address) {
            let next = current._withUnsafeGuaranteedRef { $0.next.load(ordering: .relaxed) }
            guard current._withUnsafeGuaranteedRef({ $0.value as AnyObject === value }) else {
                previous = current
                address = next
                continue
            }
            if let previous {
                previous._withUnsafeGuaranteedRef { $0.next.store(next, ordering: .sequentiallyConsistent) }
            } else {
                buckets[bucket].store(next, ordering: .sequentiallyConsistent)
            }
            return current
        }
        return nil
    }

    private static func link(at address: UInt) -> Unmanaged<Link>? {
        UnsafeRawPointer(bitPattern: address).map { Unmanaged<Link>.fromOpaque($0) }
    }
}
