internal import Synchronization
internal import Tensors
internal import Threads

/// The programs of one callable, by the shapes of the feeds. Looking one up takes no lock.
struct ProgramCache: Sendable {
    /// How many programs are kept; what comes after is made anew each time.
    private static let limit = 2048

    private final class Entry: Sendable {
        /// For each feed its rank, then its dimensions.
        let key: [Int]
        let program: Program
        /// Grows from entry to entry.
        let number: Int

        init(key: [Int], program: Program, number: Int) {
            self.key = key
            self.program = program
            self.number = number
        }

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

    private let table = AppendOnlyTable<Entry>(limit: limit)

    /// The program for the shapes of these feeds, if there is one.
    func program(for feeds: UnsafeBufferPointer<TensorView>) -> Program? {
        table.find(hash: Self.hash(feeds)) { Self.matches($0.key, feeds) }?.program
    }

    /// Adds a program, if there is room.
    func add(_ program: Program, for feeds: UnsafeBufferPointer<TensorView>) {
        let key = feeds.flatMap { [$0.dimensions.count] + Array($0.dimensions) }
        let number = Self.added.add(1, ordering: .relaxed).oldValue
        table.insert(Entry(key: key, program: program, number: number), hash: Self.hash(feeds))
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
