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
        let turn = links.enter()
        defer { links.leave(turn) }
        var link = links.first(hash: hash)
        while link != 0 {
            // Safety: insert(_:hash:) puts only values of this type in. The table keeps the value while the reader is counted.
            let value = Unmanaged<Value>.fromOpaque(links.value(of: link))
            if value._withUnsafeGuaranteedRef({ matches($0) }) {
                links.retain(value.toOpaque())
                return value.takeRetainedValue()
            }
            link = links.next(after: link, hash: hash)
        }
        return nil
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
        // Safety: retained as long as the link; the value is Sendable.
        nonisolated(unsafe) let value: Unmanaged<AnyObject>
        /// The address of the previous first link of the bucket; 0 for none.
        let next: Atomic<UInt>

        init(hash: UInt, value: any AnyObject & Sendable, next: UInt) {
            self.hash = hash
            self.value = Unmanaged.passRetained(value as AnyObject)
            self.next = Atomic(next)
        }

        deinit { value.release() }
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

    func removeAll() -> [AnyObject] {
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
        return removed.map { $0.value.takeUnretainedValue() }
    }

    /// Counts a reader in. Links and values stay until it leaves.
    @usableFromInline
    func enter() -> Int { readers.enter() }

    /// Not inlined: a reference that is taken before must not be moved behind this.
    @inline(never) @usableFromInline
    func leave(_ turn: Int) { readers.leave(turn) }

    /// The address of the latest link with a hash; 0 if there is none.
    @usableFromInline
    func first(hash: UInt) -> UInt {
        Self.find(hash, from: buckets[Int(hash % UInt(Self.bucketCount))].load(ordering: .sequentiallyConsistent))
    }

    /// The address of the link with a hash before that one; 0 if there is none.
    @usableFromInline
    func next(after address: UInt, hash: UInt) -> UInt {
        guard let link = Self.link(at: address) else { return 0 }
        return Self.find(hash, from: link._withUnsafeGuaranteedRef { $0.next.load(ordering: .sequentiallyConsistent) })
    }

    private static func find(_ hash: UInt, from first: UInt) -> UInt {
        var address = first
        while let current = link(at: address) {
            let (isIt, next) = current._withUnsafeGuaranteedRef { link in
                (link.hash == hash, link.next.load(ordering: .sequentiallyConsistent))
            }
            if isIt { break }
            address = next
        }
        return address
    }

    /// The address of a link's value.
    @usableFromInline
    func value(of address: UInt) -> UnsafeRawPointer {
        // Safety: the address is not 0, and the link is kept while the reader is counted.
        Unmanaged<Link>.fromOpaque(UnsafeRawPointer(bitPattern: address).unsafelyUnwrapped)._withUnsafeGuaranteedRef {
            UnsafeRawPointer($0.value.toOpaque())
        }
    }

    /// Takes a reference. A separate call, so that it is taken before the reader is counted out.
    @usableFromInline @inline(never)
    func retain(_ value: UnsafeRawPointer) { _ = Unmanaged<AnyObject>.fromOpaque(value).retain() }

    var values: [AnyObject] {
        changes.withLock { _ in
            (0..<buckets.count).flatMap { index in
                var values: [AnyObject] = []
                var address = buckets[index].load(ordering: .acquiring)
                while let link = Self.link(at: address)?.takeUnretainedValue() {
                    values.append(link.value.takeUnretainedValue())
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
            guard
                current._withUnsafeGuaranteedRef({ $0.value.toOpaque() == Unmanaged.passUnretained(value).toOpaque() })
            else {
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
