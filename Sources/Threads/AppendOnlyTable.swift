internal import Synchronization

/// A hash table that only grows, up to a limit. Look-ups take no lock.
///
/// Nothing is removed while the table exists, so readers need no protection from removal. Only the interface is generic.
package struct AppendOnlyTable<Value: AnyObject & Sendable>: Sendable {
    @usableFromInline let chains: Chains

    /// - Parameter limit: The maximum number of values. Later ones are not added.
    package init(limit: Int) { chains = Chains(limit: limit) }

    /// The value with that hash for which `matches` returns true; the latest if there are several.
    @inlinable @inline(__always)
    package func find(hash: UInt, where matches: (Value) -> Bool) -> Value? {
        // Safety: insert(_:hash:) puts only values of this type in.
        chains.find(hash: hash) { matches(unsafeDowncast($0, to: Value.self)) }.map {
            unsafeDowncast($0, to: Value.self)
        }
    }

    /// All values, in no order.
    package var values: [Value] {
        // Safety: as above.
        chains.values.map { unsafeDowncast($0, to: Value.self) }
    }

    /// Adds a value, if there is room. If two threads add a value for the same key, look-ups find the later one.
    @inlinable @inline(__always)
    package func insert(_ value: Value, hash: UInt) { chains.insert(value, hash: hash) }
}

/// Buckets of entries. Each entry links to the previous first entry of its bucket.
@usableFromInline
final class Chains: Sendable {
    private static let bucketCount = 256

    private final class Entry: Sendable {
        let hash: UInt
        let value: any AnyObject & Sendable
        /// The address of the previous first entry of the bucket; 0 for none.
        let next: UInt

        init(hash: UInt, value: any AnyObject & Sendable, next: UInt) {
            self.hash = hash
            self.value = value
            self.next = next
        }
    }

    /// Each 0, or the address of the bucket's first entry, which is retained.
    // Safety: only replaced by the address of an entry whose `next` is the old value; freed in the deinit below alone.
    private let buckets = AtomicAddresses(count: bucketCount)
    private let count = Atomic<Int>(0)
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    deinit {
        for index in 0..<buckets.count {
            var address = buckets[index].load(ordering: .acquiring)
            while let entry = Self.entry(at: address)?.takeRetainedValue() { address = entry.next }
        }
    }

    @usableFromInline
    func find(hash: UInt, where matches: (AnyObject) -> Bool) -> AnyObject? {
        var address = buckets[Int(hash % UInt(Self.bucketCount))].load(ordering: .acquiring)
        while let current = Self.entry(at: address) {
            let (next, value) = current._withUnsafeGuaranteedRef { entry -> (UInt, AnyObject?) in
                guard entry.hash == hash, matches(entry.value) else { return (entry.next, nil) }
                return (entry.next, entry.value as AnyObject)
            }
            if let value { return value }
            address = next
        }
        return nil
    }

    var values: [any AnyObject & Sendable] {
        (0..<buckets.count).flatMap { index in
            var values: [any AnyObject & Sendable] = []
            var address = buckets[index].load(ordering: .acquiring)
            while let entry = Self.entry(at: address)?.takeUnretainedValue() {
                values.append(entry.value)
                address = entry.next
            }
            return values
        }
    }

    @usableFromInline
    func insert(_ value: any AnyObject & Sendable, hash: UInt) {
        guard count.wrappingAdd(1, ordering: .relaxed).oldValue < limit else { return }
        let bucket = Int(hash % UInt(Self.bucketCount))
        var expected = buckets[bucket].load(ordering: .acquiring)
        while true {
            let entry = Unmanaged.passRetained(Entry(hash: hash, value: value, next: expected))
            let (exchanged, original) = buckets[bucket].compareExchange(
                expected: expected, desired: UInt(bitPattern: entry.toOpaque()), ordering: .acquiringAndReleasing)
            if exchanged { return }
            entry.release()
            expected = original
        }
    }

    private static func entry(at address: UInt) -> Unmanaged<Entry>? {
        UnsafeRawPointer(bitPattern: address).map { Unmanaged<Entry>.fromOpaque($0) }
    }
}
