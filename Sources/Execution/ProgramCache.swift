internal import Memory
internal import Planning
internal import Synchronization
internal import Tensors
internal import Threads

/// The programs of one callable, by the shapes of the feeds. Looking one up takes no lock.
///
/// The first stays as long as the callable, and counts as a part of it; the others count against the budget of the process, and go when they were unused longest.
final class ProgramCache: Sendable {
    // Safety: nothing here changes; what CacheEntry changes, the budget guards.
    private final class Entry: CacheEntry, @unchecked Sendable {
        /// For each feed its rank, then its dimensions.
        let key: [Int]
        let program: ProgramBinding
        /// Grows from entry to entry.
        let number: Int
        let hash: UInt
        private let table: EvictingTable<Entry>

        init(key: [Int], program: ProgramBinding, number: Int, hash: UInt, in table: EvictingTable<Entry>) {
            self.key = key
            self.program = program
            self.number = number
            self.hash = hash
            self.table = table
            super.init(.programs, byteCount: program.program.byteCount + key.count * MemoryLayout<Int>.stride)
        }

        override func evict() { table.remove(self, hash: hash) }

        /// The key as shapes.
        var shapes: [Shape] {
            var shapes: [Shape] = []
            var rest = key[...]
            while let rank = rest.popFirst() {
                if let shape = Shape(Array(rest.prefix(rank))) { shapes.append(shape) }
                rest = rest.dropFirst(rank)
            }
            return shapes
        }
    }

    private let table = EvictingTable<Entry>()
    private let budget: CacheBudget
    private let hasFirst = Atomic<Bool>(false)

    private let owner: CacheEntry

    /// - Parameters:
    ///   - budget: What may be kept.
    ///   - owner: The callable, as the budget sees it.
    init(_ budget: CacheBudget, of owner: CacheEntry) {
        self.budget = budget
        self.owner = owner
    }

    deinit {
        // The entries keep the table.
        for entry in table.removeAll() { budget.remove(entry) }
    }

    /// The program for the shapes of these feeds, if there is one.
    func program(for feeds: UnsafeBufferPointer<TensorView>) -> ProgramBinding? {
        guard let entry = table.find(hash: Self.hash(feeds), where: { Self.matches($0.key, feeds) }) else { return nil }
        entry.mark()
        return entry.program
    }

    /// Adds a program; others may have to go for it.
    func add(_ program: ProgramBinding, for feeds: UnsafeBufferPointer<TensorView>) {
        let key = feeds.flatMap { [$0.dimensions.count] + Array($0.dimensions) }
        let hash = Self.hash(feeds)
        let entry = Entry(
            key: key, program: program, number: Self.added.add(1, ordering: .relaxed).oldValue, hash: hash, in: table)
        table.insert(entry, hash: hash)
        if hasFirst.exchange(true, ordering: .relaxed) {
            budget.add(entry)
            program.program.growth.count(for: entry, in: budget)
        } else {
            budget.grow(owner, by: entry.byteCount)
            program.program.growth.count(for: owner, in: budget)
        }
    }

    private static let added = Atomic<Int>(0)

    /// The shapes of the feeds, the latest first.
    func shapes(atMost limit: Int) -> [[Shape]] {
        table.values.sorted { $0.number > $1.number }.prefix(limit).map(\.shapes)
    }

    /// FNV-1a over ranks and dimensions, a word at a time.
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
