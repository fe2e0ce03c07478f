internal import Execution
internal import Glibc
internal import HTTPMessages
internal import Memory
internal import Tensors

/// The reusable objects of one predict request: the parser, the signature, the feeds.
///
/// Belongs to one thread at a time.
final class RequestWorkspace {
    let parser: JSONParser
    /// The names of the request's feeds and fetches as bytes: the key of its prepared call.
    let signature = ResponseBuffer()
    var feeds: FeedMemory
    /// The decompressed body of a request.
    let inflated: ResponseBuffer

    /// Returns nil if there is not enough memory.
    ///
    /// - Parameter memory: The account of the server's memory; nil for none.
    init?(_ memory: MemoryAccount? = nil) {
        guard let parser = JSONParser(memory) else { return nil }
        self.parser = parser
        inflated = ResponseBuffer(memory, for: .requests)
        feeds = FeedMemory(memory)
    }

    /// Prepares the object for another request.
    func reset() {
        signature.clear()
        parser.reset()
        inflated.clear()
        feeds.reset()
    }
}

/// The elements and dimensions of a request's feeds, one after the other.
// Safety: owns its memory; views into it are made after the last growth and end with the request.
struct FeedMemory: ~Copyable {
    private var memory: UnsafeMutableRawPointer?
    private var capacity = 0
    private var used = 0
    private var feeds: [Feed] = []
    private var views: [TensorView] = []
    private var dimensions: [Int] = []
    /// The buffers outside of this workspace and the request that elements point to.
    private var kept: [ResponseBuffer] = []

    private struct Feed {
        let dtype: DataType
        /// The address of the elements, if they are elsewhere.
        var outside: UnsafeRawPointer?
        let offset: Int
        let firstDimension: Int
        let rank: Int
    }

    private static let keptBytes = 4 << 20
    /// The account that counts the capacity; nil for none.
    private let account: MemoryAccount?

    init(_ account: MemoryAccount? = nil) { self.account = account }

    deinit {
        free(memory)
        account?.give(capacity, for: .requests)
    }

    /// Prepares the object for another request.
    mutating func reset() {
        used = 0
        feeds.removeAll(keepingCapacity: true)
        dimensions.removeAll(keepingCapacity: true)
        if !kept.isEmpty { kept.removeAll() }
        guard capacity > Self.keptBytes else { return }
        free(memory)
        account?.give(capacity, for: .requests)
        memory = nil
        capacity = 0
    }

    /// Decodes a feed, and appends it.
    ///
    /// - Throws: ``RequestError`` for a value that does not fit, and if memory is short.
    mutating func add(_ value: JSONValue, as decoder: FeedDecoder) throws(RequestError) {
        let first = dimensions.count
        let shape = try appendShape(of: value, as: decoder)
        let target = try reserve(shape.elementCount, decoder.dtype.stride)
        let offset = used
        try dimensions.withUnsafeBufferPointer { buffer throws(RequestError) in
            try decoder.decode(
                value, UnsafeBufferPointer(rebasing: buffer[first..<first + shape.rank]), to: target)
        }
        used += shape.elementCount * decoder.dtype.stride
        feeds.append(Feed(dtype: decoder.dtype, offset: offset, firstDimension: first, rank: shape.rank))
    }

    private mutating func appendShape(
        of value: JSONValue, as decoder: FeedDecoder
    ) throws(RequestError) -> (rank: Int, elementCount: Int) {
        let first = dimensions.count
        // A number has no dimensions. Checking that is faster than making room for the maximum rank.
        guard value.kind == .list else { return (rank: 0, elementCount: 1) }
        dimensions.append(contentsOf: repeatElement(0, count: FeedDecoder.highestRank))
        let shape = try dimensions.withUnsafeMutableBufferPointer { buffer throws(RequestError) in
            guard let base = buffer.baseAddress else { return (rank: 0, elementCount: 0) }
            return try decoder.shape(of: value, into: base + first)
        }
        dimensions.removeLast(FeedDecoder.highestRank - shape.rank)
        return shape
    }

    /// Adds a feed whose elements are used in place. They must stay valid as long as the request.
    ///
    /// - Parameters:
    ///   - elements: The elements, as many as the dimensions require, aligned to their width.
    ///   - dtype: The element type.
    ///   - shape: The dimensions.
    mutating func add(_ elements: UnsafeRawPointer, of dtype: DataType, _ shape: some Collection<Int>) {
        feeds.append(
            Feed(
                dtype: dtype, outside: elements, offset: 0, firstDimension: dimensions.count, rank: shape.count))
        dimensions.append(contentsOf: shape)
    }

    /// Adds a feed whose elements the caller then writes, all of them: see ``elements(ofFeed:)``.
    ///
    /// - Parameters:
    ///   - dtype: The element type.
    ///   - shape: The dimensions.
    ///   - elementCount: The product of the dimensions.
    /// - Throws: ``RequestError`` 503 if memory is short.
    mutating func addRoom(
        for dtype: DataType, _ shape: some Collection<Int>, elementCount: Int
    ) throws(RequestError) {
        _ = try reserve(elementCount, dtype.stride)
        feeds.append(Feed(dtype: dtype, offset: used, firstDimension: dimensions.count, rank: shape.count))
        dimensions.append(contentsOf: shape)
        used += elementCount * dtype.stride
    }

    /// Keeps bytes that elements of a feed point to alive as long as the request. They must not change any more.
    mutating func keep(_ buffer: ResponseBuffer) { kept.append(buffer) }

    /// Adds a feed of rows, which are decoded later: see ``decodeRow(_:_:ofFeed:as:)``.
    ///
    /// - Parameters:
    ///   - count: The number of rows.
    ///   - first: The first row, which determines the shape of all.
    ///   - limit: The maximum number of elements.
    ///   - decoder: The decoder for the feed.
    /// - Returns: The number of elements; nil if there are more than `limit`. No memory is reserved then.
    /// - Throws: ``RequestError`` if the first row is ragged, or memory is short.
    mutating func addRows(
        _ count: Int, like first: JSONValue, limit: Int, as decoder: FeedDecoder
    ) throws(RequestError) -> Int? {
        let start = dimensions.count
        dimensions.append(count)
        let shape = try appendShape(of: first, as: decoder)
        let (total, overflow) = shape.elementCount.multipliedReportingOverflow(by: count)
        let isTooMany = overflow || total > limit
        if !isTooMany { _ = try reserve(total, decoder.dtype.stride) }
        feeds.append(Feed(dtype: decoder.dtype, offset: used, firstDimension: start, rank: shape.rank + 1))
        guard !isTooMany else { return nil }
        used += total * decoder.dtype.stride
        return total
    }

    /// Decodes a row of a feed that ``addRows(_:like:most:as:)`` added.
    ///
    /// - Throws: ``RequestError`` for a value that does not fit.
    func decodeRow(
        _ index: Int, _ value: JSONValue, ofFeed feed: Int, as decoder: FeedDecoder
    ) throws(RequestError) {
        guard let elements = elements(ofFeed: feed) else { return }
        try dimensions.withUnsafeBufferPointer { buffer throws(RequestError) in
            let row = rowDimensions(ofFeed: feed, buffer)
            try decoder.decode(value, row, to: elements + index * row.reduce(1, *) * decoder.dtype.stride)
        }
    }

    /// Checks that a row has the shape of the first.
    ///
    /// - Throws: ``RequestError`` 400 with the place of a list that has another length.
    func checkRow(_ value: JSONValue, ofFeed feed: Int, as decoder: FeedDecoder) throws(RequestError) {
        try dimensions.withUnsafeBufferPointer { buffer throws(RequestError) in
            try decoder.check(value, rowDimensions(ofFeed: feed, buffer))
        }
    }

    private func rowDimensions(
        ofFeed index: Int, _ dimensions: UnsafeBufferPointer<Int>
    ) -> UnsafeBufferPointer<Int> {
        let first = feeds[index].firstDimension
        return UnsafeBufferPointer(rebasing: dimensions[first + 1..<first + feeds[index].rank])
    }

    /// The elements of a feed that ``addRoom(for:_:elementCount:)`` added; nil for other feeds. Valid until the next feed is added.
    func elements(ofFeed index: Int) -> UnsafeMutableRawPointer? {
        guard feeds.indices.contains(index), feeds[index].outside == nil else { return nil }
        return memory.map { $0 + feeds[index].offset }
    }

    /// The elements of the last feed.
    func lastElements() -> UnsafeMutableRawPointer? { elements(ofFeed: feeds.count - 1) }

    /// Reserves memory. The length of the request bounds the number of elements.
    private mutating func reserve(_ count: Int, _ width: Int) throws(RequestError) -> UnsafeMutableRawPointer {
        used = used.roundedUp(to: TensorStorage.alignment)
        let needed = used + count * width + TensorStorage.alignment
        if needed > capacity {
            let larger = max(needed, capacity + capacity / 2, 4096).roundedUp(to: TensorStorage.alignment)
            // The old and the new memory exist at the same time.
            if let account, !account.take(larger, for: .requests) {
                throw RequestError(short: larger, of: account)
            }
            guard let grown = aligned_alloc(TensorStorage.alignment, larger) else {
                account?.give(larger, for: .requests)
                throw RequestError(503, "not enough memory for the request: try again later")
            }
            if let memory { memcpy(grown, memory, used) }
            free(memory)
            account?.give(capacity, for: .requests)
            memory = grown
            capacity = larger
        }
        guard let memory else { throw RequestError(503, "not enough memory for the request: try again later") }
        return memory + used
    }

    /// Calls `body` with views of the feeds.
    mutating func withFeeds(_ body: (UnsafeBufferPointer<TensorView>) -> Void) {
        dimensions.withUnsafeBufferPointer { dimensions in
            views.removeAll(keepingCapacity: true)
            for feed in feeds {
                guard let elements = feed.outside ?? memory.map({ UnsafeRawPointer($0 + feed.offset) }) else { break }
                let range = feed.firstDimension..<feed.firstDimension + feed.rank
                views.append(
                    TensorView(
                        dtype: feed.dtype, dimensions: UnsafeBufferPointer(rebasing: dimensions[range]),
                        elements: elements))
            }
            views.withUnsafeBufferPointer { body($0) }
        }
    }
}
