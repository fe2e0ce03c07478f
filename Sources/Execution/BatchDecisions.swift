internal import Operations
internal import Synchronization
internal import Threads

/// For which shapes of the feeds a callable's requests may be run as one.
struct BatchDecisions: Sendable {
    /// How many are kept; requests of other shapes are run alone.
    private static let limit = 256

    private let table = AppendOnlyTable<BatchDecision>(limit: limit)
    /// Set where an answer was not what the analysis said.
    private let refuted = Flag()

    /// Whether an answer contradicted a decision: then nothing is run as one any more.
    var isRefuted: Bool { refuted.isRaised }

    func refute() { refuted.raise() }

    /// What was decided for feeds of these shapes, if anything was.
    func decision(for feeds: UnsafeBufferPointer<TensorView>, _ isRows: (Int) -> Bool) -> BatchDecision? {
        table.find(hash: Self.hash(feeds, isRows)) { $0.matches(feeds) }
    }

    func add(_ decision: BatchDecision, for feeds: UnsafeBufferPointer<TensorView>, _ isRows: (Int) -> Bool) {
        table.insert(decision, hash: Self.hash(feeds, isRows))
    }

    private static func hash(_ feeds: UnsafeBufferPointer<TensorView>, _ isRows: (Int) -> Bool) -> UInt {
        var hash: UInt = 14_695_981_039_346_656_037
        for (index, feed) in feeds.enumerated() {
            hash = (hash ^ UInt(bitPattern: feed.dimensions.count)) &* 1_099_511_628_211
            for size in feed.dimensions.dropFirst(isRows(index) ? 1 : 0) {
                hash = (hash ^ UInt(bitPattern: size)) &* 1_099_511_628_211
            }
        }
        return hash ^ (hash >> 32)
    }
}

/// How the fetches depend on the rows of feeds of some shapes, whatever the number of rows.
final class BatchDecision: Sendable {
    /// The parts of the answer that belong to one request.
    enum Part: Sendable {
        /// All of it: it is the same for all.
        case whole
        /// So many slices for each row.
        case rows(Int)
    }

    /// For each feed its dimensions, the first left out where it is that of the rows.
    private let shapes: [[Int]]
    private let isRows: [Bool]
    /// One for each fetch; nil where requests must be run alone.
    let parts: [Part]?

    init(_ feeds: UnsafeBufferPointer<TensorView>, isRows: [Bool], parts: [Part]?) {
        shapes = zip(feeds, isRows).map { Array($0.dimensions.dropFirst($1 ? 1 : 0)) }
        self.isRows = isRows
        self.parts = parts
    }

    func matches(_ feeds: UnsafeBufferPointer<TensorView>) -> Bool {
        guard feeds.count == shapes.count else { return false }
        for (index, feed) in feeds.enumerated() {
            let given = feed.dimensions.dropFirst(isRows[index] ? 1 : 0)
            let rank = shapes[index].count + (isRows[index] ? 1 : 0)
            guard feed.dimensions.count == rank, given.elementsEqual(shapes[index]) else { return false }
        }
        return true
    }
}
