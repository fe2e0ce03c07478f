internal import Synchronization

/// A hash table that only grows, up to a limit. Looking up takes no lock.
///
/// As nothing is removed while the table lives, a reader needs no protection from removal.
package final class AppendOnlyTable<Value: AnyObject & Sendable>: Sendable {
    private static var bucketCount: Int { 256 }

    private final class Entry: Sendable {
        let hash: UInt
        let value: Value
        /// The address of the entry that was first in the bucket before; 0 for none.
        let next: UInt

        init(hash: UInt, value: Value, next: UInt) {
            self.hash = hash
            self.value = value
            self.next = next
        }
    }

    private final class Bucket: Sendable {
        /// 0, or the address of a retained entry.
        // Safety: only replaced by the address of an entry whose `next` is the old value; freed in the table's deinit alone.
        let first = Atomic<UInt>(0)
    }

    private let buckets = (0..<bucketCount).map { _ in Bucket() }
    private let count = Atomic<Int>(0)
    private let limit: Int

    /// - Parameter limit: How many values are kept; later ones are not.
    package init(limit: Int) { self.limit = limit }

    deinit {
        for bucket in buckets {
            var address = bucket.first.load(ordering: .acquiring)
            while let entry = Self.entry(at: address)?.takeRetainedValue() { address = entry.next }
        }
    }

    /// The value of that hash for which `matches` says so; of several the latest.
    package func find(hash: UInt, where matches: (Value) -> Bool) -> Value? {
        var address = buckets[Int(hash % UInt(Self.bucketCount))].first.load(ordering: .acquiring)
        while let current = Self.entry(at: address) {
            let found: (next: UInt, value: Value?) = current._withUnsafeGuaranteedRef { entry in
                (entry.next, entry.hash == hash && matches(entry.value) ? entry.value : nil)
            }
            if let value = found.value { return value }
            address = found.next
        }
        return nil
    }

    /// Adds a value, if there is room. Two threads may both add one for the same key: the later is found.
    package func insert(_ value: Value, hash: UInt) {
        guard count.wrappingAdd(1, ordering: .relaxed).oldValue < limit else { return }
        let bucket = buckets[Int(hash % UInt(Self.bucketCount))]
        var expected = bucket.first.load(ordering: .acquiring)
        while true {
            let entry = Unmanaged.passRetained(Entry(hash: hash, value: value, next: expected))
            let (exchanged, original) = bucket.first.compareExchange(
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
