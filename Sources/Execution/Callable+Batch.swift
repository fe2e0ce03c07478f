internal import Glibc
package import Operations
internal import Planning
internal import Tensors
package import Threads

/// Runs of several requests as one.
extension Callable {
    /// The maximum number of rows of a batch: a run takes memory for each, and each number of rows has a program of its own.
    package static let maxBatchRows = 256
    /// A request of more rows, or bytes, is enough work on its own.
    private static let maxRequestRows = 64
    private static let maxRequestBytes = 1 << 20

    /// How many rows a request has that may be run together with others; nil where it has to be run alone.
    ///
    /// The feeds that make rows are those whose first dimension the graph leaves open; there must be one, and they must agree. That it
    /// gives a number does not tell yet that the graph keeps rows apart: ``runBatch(_:limits:helpers:_:)`` finds that out.
    package func batchRows(of feeds: UnsafeBufferPointer<TensorView>) -> Int? {
        guard !batches.isRefuted, feeds.count == self.feeds.count else { return nil }
        var rows: Int?
        var bytes = 0
        for (index, feed) in feeds.enumerated() {
            guard feed.dtype == self.feeds[index].dtype else { return nil }
            guard isRows(index, feed) else { continue }
            guard feed.dimensions[0] > 0, feed.dimensions[0] == rows ?? feed.dimensions[0] else { return nil }
            rows = feed.dimensions[0]
            bytes += feed.byteCount
        }
        guard let rows, rows <= Self.maxRequestRows, bytes <= Self.maxRequestBytes else { return nil }
        if let known = batches.decision(for: feeds, { isRows($0, feeds[$0]) }), known.parts == nil { return nil }
        return rows
    }

    /// How many rows a request has, at least 1: the first dimension of the first feed for which the graph leaves it open. Without
    /// elements a feed may be of any size, and counts as one row.
    package func rowCount(of feeds: UnsafeBufferPointer<TensorView>) -> Int {
        guard feeds.count == self.feeds.count,
            let feed = feeds.indices.first(where: { isRows($0, feeds[$0]) }), feeds[feed].elementCount > 0
        else { return 1 }
        return feeds[feed].dimensions[0]
    }

    /// Whether the feeds of two requests, both of which have ``batchRows(of:)``, differ in their rows only.
    package func areJoinable(
        _ feeds: UnsafeBufferPointer<TensorView>, _ others: UnsafeBufferPointer<TensorView>
    ) -> Bool {
        guard haveJoinableShapes(feeds, others) else { return false }
        for (index, feed) in feeds.enumerated() where !isRows(index, feed) {
            guard feed.hasElements(of: others[index]) else { return false }
        }
        return true
    }

    private func haveJoinableShapes(
        _ feeds: UnsafeBufferPointer<TensorView>, _ others: UnsafeBufferPointer<TensorView>
    ) -> Bool {
        guard feeds.count == others.count else { return false }
        for (index, feed) in feeds.enumerated() {
            let other = others[index]
            guard feed.dtype == other.dtype, feed.dimensions.count == other.dimensions.count else { return false }
            for axis in (isRows(index, feed) ? 1 : 0)..<feed.dimensions.count
            where feed.dimensions[axis] != other.dimensions[axis] {
                return false
            }
        }
        return true
    }

    private func isRows(_ index: Int, _ feed: TensorView) -> Bool {
        guard let declared = feeds[index].shape.dimensions else { return feed.dimensions.count > 0 }
        return declared.first == PartialShape.unknownDimension && feed.dimensions.count == declared.count
    }

    /// Runs the graph once for several requests.
    ///
    /// - Parameters:
    ///   - requests: The feeds of each, which are joinable; see ``areJoinable(_:_:)``.
    ///   - limits: What may end the run between two steps.
    ///   - helpers: Where helpers come from; nil for none.
    ///   - take: Gets the number of a request and its fetches, whose memory is valid during the call only; called for each in turn, or for
    ///     none.
    /// - Returns: false where the graph does not keep the requests' rows apart: none was answered.
    /// - Throws: ``OpError``, as ``run(_:limits:helpers:_:)`` does: none was answered. One request may be to blame, so that each should
    ///   be run alone.
    package func runBatch(
        _ requests: UnsafeBufferPointer<UnsafeBufferPointer<TensorView>>, limits: RunLimits = .none,
        helpers: (any HelperSource)? = nil,
        _ take: (Int, UnsafeBufferPointer<TensorView>) -> Void
    ) throws(OpError) -> Bool {
        guard let first = requests.first, requests.allSatisfy({ haveJoinableShapes(first, $0) }),
            let place = first.indices.first(where: { isRows($0, first[$0]) })
        else { return false }
        let workspace = BatchWorkspace.waiting.take() ?? BatchWorkspace()
        defer {
            workspace.reset()
            BatchWorkspace.waiting.give(workspace)
        }
        guard workspace.prepare(byteCount: joinedSize(requests), memory) else { throw .noRoomForBatch }
        var isAnswered = false
        try withTemporaryViews(first.count) { views throws(OpError) in
            for index in first.indices {
                guard let view = join(index, of: requests, in: workspace) else { throw .noRoomForBatch }
                (views + index).initialize(to: view)
            }
            let feeds = UnsafeBufferPointer(start: views, count: first.count)
            guard let parts = try decision(for: feeds, rowCount: feeds[place].dimensions[0]).parts else { return }
            try run(feeds, limits: limits, helpers: helpers) { outputs in
                guard fits(outputs, parts, rowCount: feeds[place].dimensions[0]) else { return batches.refute() }
                isAnswered = true
                deliver(outputs, parts, requests, rowsOf: place, take)
            }
        }
        return isAnswered
    }

    private func joinedSize(_ requests: UnsafeBufferPointer<UnsafeBufferPointer<TensorView>>) -> Int {
        guard let first = requests.first else { return 0 }
        var size = 0
        for (index, feed) in first.enumerated() where isRows(index, feed) {
            let bytes = requests.reduce(0) { $0 + $1[index].byteCount }
            size += BatchWorkspace.size(of: bytes)
            size += BatchWorkspace.size(of: feed.dimensions.count * MemoryLayout<Int>.stride)
        }
        return size
    }

    /// A feed of all requests as one; one that has no rows is the first request's.
    private func join(
        _ index: Int, of requests: UnsafeBufferPointer<UnsafeBufferPointer<TensorView>>, in workspace: BatchWorkspace
    ) -> TensorView? {
        let feed = requests[0][index]
        guard isRows(index, feed) else { return feed }
        let rank = feed.dimensions.count
        guard let memory = workspace.take(requests.reduce(0) { $0 + $1[index].byteCount }),
            let dimensions = workspace.take(rank * MemoryLayout<Int>.stride)?.bindMemory(to: Int.self, capacity: rank)
        else { return nil }
        dimensions.update(from: feed.dimensions)
        dimensions[0] = requests.reduce(0) { $0 + $1[index].dimensions[0] }
        var end = memory
        for request in requests {
            let bytes = request[index].byteCount
            memcpy(end, request[index].elements, bytes)
            end += bytes
        }
        return TensorView(
            dtype: feed.dtype, dimensions: UnsafeBufferPointer(start: dimensions, count: rank),
            elements: UnsafeRawPointer(memory))
    }

    /// Whether the graph keeps apart the rows of feeds of these shapes; found out by the first batch.
    private func decision(
        for feeds: UnsafeBufferPointer<TensorView>, rowCount: Int
    ) throws(OpError) -> BatchDecision {
        let rowFeeds = feeds.enumerated().map { isRows($0, $1) }
        if let known = batches.decision(for: feeds, { rowFeeds[$0] }) { return known }
        var parts: [BatchDecision.Part]?
        var failure: OpError?
        do throws(OpError) {
            var analysis = try BatchAnalysis(
                plan, for: try shapes(of: feeds), rowFeeds: rowFeeds, rowCount: rowCount, binding,
                options: options)
            parts = analysis.fetchRoles().flatMap(Self.parts)
        } catch { failure = error }
        let decision = BatchDecision(feeds, isRows: rowFeeds, parts: parts)
        batches.add(decision, for: feeds) { rowFeeds[$0] }
        if let failure { throw failure }
        return decision
    }

    /// What of each fetch belongs to a request; nil where that cannot be told of one.
    private static func parts(_ roles: [BatchRole]) -> [BatchDecision.Part]? {
        var parts: [BatchDecision.Part] = []
        for role in roles {
            switch role {
            case .shared: parts.append(.whole)
            case .rows(let count): parts.append(.rows(count))
            case .sizes, .mixed: return nil
            }
        }
        return parts
    }

    /// Whether the answer has as many rows as was decided.
    private func fits(
        _ outputs: UnsafeBufferPointer<TensorView>, _ parts: [BatchDecision.Part], rowCount: Int
    ) -> Bool {
        outputs.count == parts.count
            && zip(outputs, parts).allSatisfy { output, part in
                if case .rows(let count) = part { output.dimensions.first == rowCount * count } else { true }
            }
    }

    /// Hands each request its part of the fetches.
    private func deliver(
        _ outputs: UnsafeBufferPointer<TensorView>, _ parts: [BatchDecision.Part],
        _ requests: UnsafeBufferPointer<UnsafeBufferPointer<TensorView>>, rowsOf place: Int,
        _ take: (Int, UnsafeBufferPointer<TensorView>) -> Void
    ) {
        let rankTotal = outputs.reduce(0) { $0 + $1.dimensions.count }
        // Safety: dimensions and views live as long as the calls that they are handed to, and the outputs longer.
        withUnsafeTemporaryAllocation(of: Int.self, capacity: max(1, rankTotal)) { dimensions in
            withTemporaryViews(outputs.count) { views in
                var start = 0
                for (number, request) in requests.enumerated() {
                    let rows = request[place].dimensions[0]
                    guard var next = dimensions.baseAddress else { return }
                    for (index, output) in outputs.enumerated() {
                        let view = output.part(parts[index], start: start, rows: rows, dimensions: next)
                        (views + index).initialize(to: view)
                        next += output.dimensions.count
                    }
                    take(number, UnsafeBufferPointer(start: views, count: outputs.count))
                    start += rows
                }
            }
        }
    }
}

/// Calls `body` with room for views.
private func withTemporaryViews<Failure: Error>(
    _ count: Int, _ body: (UnsafeMutablePointer<TensorView>) throws(Failure) -> Void
) throws(Failure) {
    var failure: Failure?
    // Safety: the room lives as long as the call; views are trivial.
    withUnsafeTemporaryAllocation(of: TensorView.self, capacity: max(1, count)) { views in
        guard let base = views.baseAddress else { return }
        do throws(Failure) { try body(base) } catch { failure = error }
    }
    if let failure { throw failure }
}

extension UnsafeMutablePointer<Int> {
    fileprivate func update(from sizes: UnsafeBufferPointer<Int>) {
        for (index, size) in sizes.enumerated() { self[index] = size }
    }
}

extension TensorView {
    fileprivate var byteCount: Int { elementCount * dtype.stride }

    /// Whether the elements are those of a tensor of the same dtype and shape.
    fileprivate func hasElements(of other: TensorView) -> Bool {
        guard dtype == .string else { return memcmp(elements, other.elements, byteCount) == 0 }
        return (0..<elementCount).allSatisfy { index in
            let mine = elements.load(fromByteOffset: index * dtype.stride, as: TensorString.self)
            let theirs = other.elements.load(fromByteOffset: index * dtype.stride, as: TensorString.self)
            return mine.bytes.elementsEqual(theirs.bytes)
        }
    }

    /// The part that belongs to some rows of a batch.
    ///
    /// - `dimensions`: Room for the part's dimensions.
    fileprivate func part(
        _ part: BatchDecision.Part, start: Int, rows: Int, dimensions room: UnsafeMutablePointer<Int>
    ) -> TensorView {
        guard case .rows(let count) = part else { return self }
        room.update(from: dimensions)
        room[0] = rows * count
        let sliceBytes = dimensions.dropFirst().reduce(dtype.stride, *)
        return TensorView(
            dtype: dtype, dimensions: UnsafeBufferPointer(start: room, count: dimensions.count),
            elements: elements + start * count * sliceBytes)
    }
}

extension OpError {
    fileprivate static var noRoomForBatch: OpError {
        OpError(.resourceExhausted, "not enough memory to run several requests as one")
    }
}
