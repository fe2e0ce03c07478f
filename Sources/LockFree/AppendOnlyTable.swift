public import Synchronization

// Safety: `buckets` is allocated and initialised for as long as the table lives, and its elements are atomic.
/// A hash table that only grows, up to a limit. Looking up takes no lock.
///
/// As nothing is removed while the table lives, a reader needs no protection from removal.
public final class AppendOnlyTable<Value: AnyObject & Sendable>: @unchecked Sendable {
    @inlinable static var bucketCount: Int { 256 }

    @usableFromInline
    final class Entry: Sendable {
        @usableFromInline let hash: UInt
        @usableFromInline let value: Value
        /// The address of the entry that was first in the bucket before; 0 for none.
        @usableFromInline let next: UInt

        @usableFromInline
        init(hash: UInt, value: Value, next: UInt) {
            self.hash = hash
            self.value = value
            self.next = next
        }
    }

    /// Each 0, or the address of a retained entry; only replaced by the address of an entry whose `next` is the old value, and
    /// freed in deinit alone.
    @usableFromInline let buckets: UnsafeMutablePointer<Atomic<UInt>>
    private let count = Atomic<Int>(0)
    private let limit: Int

    /// - Parameter limit: How many values are kept; later ones are not.
    public init(limit: Int) {
        self.limit = limit
        buckets = .allocate(capacity: Self.bucketCount)
        for index in 0..<Self.bucketCount { (buckets + index).initialize(to: Atomic(0)) }
    }

    deinit {
        for index in 0..<Self.bucketCount {
            var address = buckets[index].load(ordering: .acquiring)
            while let entry = Self.entry(at: address)?.takeRetainedValue() { address = entry.next }
        }
        buckets.deinitialize(count: Self.bucketCount)
        buckets.deallocate()
    }

    /// The value of that hash for which `matches` says so; of several the latest.
    @inlinable
    public func find(hash: UInt, where matches: (Value) -> Bool) -> Value? {
        var address = buckets[Int(hash % UInt(Self.bucketCount))].load(ordering: .acquiring)
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
    public func insert(_ value: Value, hash: UInt) {
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

    @inlinable
    static func entry(at address: UInt) -> Unmanaged<Entry>? {
        UnsafeRawPointer(bitPattern: address).map { Unmanaged<Entry>.fromOpaque($0) }
    }
}
