internal import Glibc
internal import Kernels
internal import Tensors

/// Boxes, as their corners give them: two corners that lie opposite each other.
struct Boxes {
    let corners: [Float]
    /// Where the first one's corners stand, and how far it is to the next one's.
    var start = 0
    var step = 4

    /// How much two boxes overlap: what they share of what they cover together; 0 if one has no area.
    func overlap(_ one: Int, _ two: Int) -> Float {
        let (a, b) = (sides(one), sides(two))
        let areas = ((a.bottom - a.top) * (a.right - a.left), (b.bottom - b.top) * (b.right - b.left))
        guard areas.0 > 0, areas.1 > 0 else { return 0 }
        let height = max(min(a.bottom, b.bottom) - max(a.top, b.top), 0)
        let width = max(min(a.right, b.right) - max(a.left, b.left), 0)
        // Most boxes lie apart.
        guard height > 0, width > 0 else { return 0 }
        let shared = height * width
        return shared / (areas.0 + areas.1 - shared)
    }

    private func sides(_ box: Int) -> (top: Float, left: Float, bottom: Float, right: Float) {
        let at = start + box * step
        return (
            min(corners[at], corners[at + 2]), min(corners[at + 1], corners[at + 3]),
            max(corners[at], corners[at + 2]), max(corners[at + 1], corners[at + 3])
        )
    }
}

/// Chooses the best of the boxes that overlap.
struct GreedySuppression {
    /// The maximum number of boxes that are chosen.
    var maxCount: Int
    /// From which overlap on the worse of two boxes is dropped.
    var overlapThreshold: Float
    /// A box needs a higher score.
    var scoreThreshold: Float
    /// If not 0: overlaps lower the score, the less the larger this is; nothing is dropped for an overlap.
    var sigma: Float = 0

    /// The boxes that are chosen, the best first, with their scores.
    ///
    /// Linear in the number of boxes, and in the number of those that are looked at, times those chosen.
    func choose(
        _ count: Int, _ account: RunAccount, score: (Int) -> Float, overlap: (Int, Int) -> Float
    ) throws(OpError) -> [(box: Int, score: Float)] {
        var found = 0
        for box in 0..<count where score(box) > scoreThreshold { found += 1 }
        try account.reserve(found, bytesEach: MemoryLayout<SuppressionCandidate>.stride)
        var waiting = SuppressionQueue(capacity: found)
        for box in 0..<count where score(box) > scoreThreshold {
            waiting.append(SuppressionCandidate(box: box, score: score(box)))
        }
        var chosen = try CountedList<(box: Int, score: Float)>(account)
        var work = WorkCount(account)
        // Few of them are looked at, so they are not sorted.
        try work.add(32 * found)
        waiting.order()
        while chosen.count < maxCount, var next = waiting.popBest() {
            let score = next.score
            try work.add(64 * (1 + chosen.count - next.compared))
            guard survives(&next, chosen.elements, overlap) else { continue }
            if next.score == score {
                try chosen.append((next.box, next.score))
            } else if next.score > scoreThreshold {
                waiting.insert(next)
            }
        }
        return chosen.elements
    }

    private func survives(
        _ candidate: inout SuppressionCandidate, _ chosen: [(box: Int, score: Float)], _ overlap: (Int, Int) -> Float
    ) -> Bool {
        for other in chosen[candidate.compared...].reversed() {
            let shared = overlap(candidate.box, other.box)
            if sigma > 0 {
                candidate.score *= expf(-0.5 / sigma * shared * shared)
                if candidate.score <= scoreThreshold { break }
            } else if shared > overlapThreshold {
                return false
            }
        }
        candidate.compared = chosen.count
        return true
    }
}

/// A box that may be chosen.
private struct SuppressionCandidate {
    let box: Int
    var score: Float
    /// Those chosen before are compared with it already.
    var compared = 0

    /// Whether it comes later: of equal scores the first box comes first.
    func follows(_ other: SuppressionCandidate) -> Bool {
        score == other.score ? box > other.box : score < other.score
    }
}

/// Candidates, of which the best can be taken: a binary heap, in which none follows those below it.
private struct SuppressionQueue {
    private var heap: [SuppressionCandidate] = []

    init(capacity: Int) { heap.reserveCapacity(capacity) }

    /// Adds a candidate anywhere: none is taken before all are in ``order()``.
    mutating func append(_ candidate: SuppressionCandidate) { heap.append(candidate) }

    /// Linear in the number of candidates.
    mutating func order() {
        for place in (0..<heap.count / 2).reversed() { sink(place) }
    }

    mutating func popBest() -> SuppressionCandidate? {
        guard let last = heap.popLast() else { return nil }
        guard let best = heap.first else { return last }
        heap[0] = last
        sink(0)
        return best
    }

    mutating func insert(_ candidate: SuppressionCandidate) {
        var place = heap.count
        heap.append(candidate)
        while place > 0, heap[(place - 1) / 2].follows(candidate) {
            heap[place] = heap[(place - 1) / 2]
            place = (place - 1) / 2
        }
        heap[place] = candidate
    }

    /// Moves a candidate down to where no one below it is better.
    private mutating func sink(_ start: Int) {
        let candidate = heap[start]
        var place = start
        while 2 * place + 1 < heap.count {
            var better = 2 * place + 1
            if better + 1 < heap.count, heap[better].follows(heap[better + 1]) { better += 1 }
            guard candidate.follows(heap[better]) else { break }
            heap[place] = heap[better]
            place = better
        }
        heap[place] = candidate
    }
}

extension Tensor {
    /// The elements of a float32, float16 or bfloat16 tensor.
    ///
    /// - Throws: `unsupported` for other dtypes.
    func floats() throws(OpError) -> [Float] {
        guard let floats = scalars(as: Float.self) ?? halfPrecisionFloats else { throw .unsupported(dtype) }
        return floats
    }

    /// The same; the list is counted first.
    func floats(_ account: RunAccount) throws(OpError) -> [Float] {
        try account.reserve(shape.elementCount, of: Float.self)
        return try floats()
    }

    /// A tensor of float32, float16 or bfloat16.
    static func of(_ floats: [Float], as dtype: DataType, shape: [Int]) throws(OpError) -> Tensor {
        try made(
            dtype == .float32
                ? Tensor(floats, shape: shape) : Tensor(halfPrecisionFloats: floats, dtype: dtype, shape: shape))
    }
}
