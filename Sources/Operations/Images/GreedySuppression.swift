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

    /// A box that may be chosen.
    private struct Candidate {
        let box: Int
        var score: Float
        /// Those chosen before are compared with it already.
        var compared = 0

        /// Whether it comes later: of equal scores the first box comes first.
        func follows(_ other: Candidate) -> Bool {
            score == other.score ? box > other.box : score < other.score
        }
    }

    /// The boxes that are chosen, the best first, with their scores.
    ///
    /// Linear in the number of boxes that are looked at, times those chosen.
    func choose(
        _ count: Int, _ account: RunAccount, score: (Int) -> Float, overlap: (Int, Int) -> Float
    ) throws(OpError) -> [(box: Int, score: Float)] {
        var found = 0
        for box in 0..<count where score(box) > scoreThreshold { found += 1 }
        // Sorting takes half as much again at most.
        try account.reserve(found, bytesEach: 2 * MemoryLayout<Candidate>.stride)
        var waiting: [Candidate] = []
        waiting.reserveCapacity(found)
        for box in 0..<count where score(box) > scoreThreshold {
            waiting.append(Candidate(box: box, score: score(box)))
        }
        try account.sort(&waiting) { $1.follows($0) }
        // The next one is the last.
        waiting.reverse()
        var chosen = try CountedList<(box: Int, score: Float)>(account)
        var work = WorkCount(account)
        while chosen.count < maxCount, var next = waiting.popLast() {
            let score = next.score
            try work.add(64 * (1 + chosen.count - next.compared))
            guard survives(&next, chosen.elements, overlap) else { continue }
            if next.score == score {
                try chosen.append((next.box, next.score))
            } else if next.score > scoreThreshold {
                insert(next, into: &waiting)
                try work.add(waiting.count)
            }
        }
        return chosen.elements
    }

    private func survives(
        _ candidate: inout Candidate, _ chosen: [(box: Int, score: Float)], _ overlap: (Int, Int) -> Float
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

    /// Puts a candidate back to where its score belongs.
    private func insert(_ candidate: Candidate, into waiting: inout [Candidate]) {
        var (low, high) = (0, waiting.count)
        while low < high {
            let middle = (low + high) / 2
            if waiting[middle].follows(candidate) { low = middle + 1 } else { high = middle }
        }
        waiting.insert(candidate, at: low)
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
