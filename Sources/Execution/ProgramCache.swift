internal import Synchronization
internal import Tensors

/// The programs of one callable, by the shapes of the feeds. Looking one up takes no lock.
///
/// Programs are only ever added, up to ``limit``; what comes after is made anew each time. So a reader needs no protection
/// from removal: an entry lives as long as the cache.
final class ProgramCache: Sendable {
    private static let bucketCount = 256
    /// How many programs are kept.
    private static let limit = 2048

    private final class Entry: Sendable {
        /// For each feed its rank, then its dimensions.
        let key: [Int]
        let hash: UInt
        let program: Program
        /// The address of the entry that was first in the bucket before; 0 for none.
        let next: UInt

        init(key: [Int], hash: UInt, program: Program, next: UInt) {
            self.key = key
            self.hash = hash
            self.program = program
            self.next = next
        }
    }

    private final class Bucket: Sendable {
        /// 0, or the address of a retained entry.
        // Safety: only replaced by the address of an entry whose `next` is the old value; freed in deinit alone.
        let first = Atomic<UInt>(0)

        deinit {
            var address = first.load(ordering: .acquiring)
            while let entry = ProgramCache.entry(at: address)?.takeRetainedValue() { address = entry.next }
        }
    }

    private let buckets = (0..<bucketCount).map { _ in Bucket() }
    private let count = Atomic<Int>(0)

    /// The program for the shapes of these feeds, if there is one.
    func program(for feeds: UnsafeBufferPointer<TensorView>) -> Program? {
        let hash = Self.hash(feeds)
        var address = buckets[Int(hash % UInt(Self.bucketCount))].first.load(ordering: .acquiring)
        while let current = Self.entry(at: address) {
            let found: (next: UInt, program: Program?) = current._withUnsafeGuaranteedRef { entry in
                (entry.next, entry.hash == hash && Self.matches(entry.key, feeds) ? entry.program : nil)
            }
            if let program = found.program { return program }
            address = found.next
        }
        return nil
    }

    private static func entry(at address: UInt) -> Unmanaged<Entry>? {
        UnsafeRawPointer(bitPattern: address).map { Unmanaged<Entry>.fromOpaque($0) }
    }

    /// Adds a program, if there is room. Two threads that made the same one may both add it: the later is found first.
    func add(_ program: Program, for feeds: UnsafeBufferPointer<TensorView>) {
        guard count.wrappingAdd(1, ordering: .relaxed).oldValue < Self.limit else { return }
        let hash = Self.hash(feeds)
        let bucket = buckets[Int(hash % UInt(Self.bucketCount))]
        var expected = bucket.first.load(ordering: .acquiring)
        while true {
            let entry = Unmanaged.passRetained(
                Entry(key: Self.key(feeds), hash: hash, program: program, next: expected))
            let (exchanged, original) = bucket.first.compareExchange(
                expected: expected, desired: UInt(bitPattern: entry.toOpaque()), ordering: .acquiringAndReleasing)
            if exchanged { return }
            entry.release()
            expected = original
        }
    }

    private static func key(_ feeds: UnsafeBufferPointer<TensorView>) -> [Int] {
        feeds.flatMap { [$0.dimensions.count] + Array($0.dimensions) }
    }

    private static func hash(_ feeds: UnsafeBufferPointer<TensorView>) -> UInt {
        var hash: UInt = 14_695_981_039_346_656_037
        for feed in feeds {
            hash = (hash ^ UInt(bitPattern: feed.dimensions.count)) &* 1_099_511_628_211
            for size in feed.dimensions { hash = (hash ^ UInt(bitPattern: size)) &* 1_099_511_628_211 }
        }
        return hash ^ (hash >> 32)
    }

    private static func matches(_ key: [Int], _ feeds: UnsafeBufferPointer<TensorView>) -> Bool {
        var position = 0
        for feed in feeds {
            guard position < key.count, key[position] == feed.dimensions.count else { return false }
            position += 1
            for size in feed.dimensions {
                guard key[position] == size else { return false }
                position += 1
            }
        }
        return position == key.count
    }
}
