import Tensors
import Testing
import VectorSupport

@testable import Planning

/// Random sequences of allocations and releases, beside a model that knows only which places are taken.
@Suite("Plan of a run's memory")
struct MemoryPlanTests {
    /// The places that are taken, in the order of their offsets.
    private struct Model {
        let limitBytes: Int
        var byteCount = 0
        var live: [(offset: Int, size: Int)] = []

        /// What is between the taken places, and behind the last one.
        private var gaps: [(offset: Int, size: Int)] {
            var result: [(offset: Int, size: Int)] = []
            var end = 0
            for place in live + [(byteCount, 0)] {
                if place.offset > end { result.append((end, place.offset - end)) }
                end = place.offset + place.size
            }
            return result
        }

        /// Where a place belongs: in the smallest gap that holds it, the first of several; otherwise at the end of the block,
        /// which it makes longer by no more than it must; nil where that is more than the limit.
        func place(_ size: Int) -> Int? {
            let gaps = gaps
            let fitting = gaps.filter { $0.size >= size }
            if let best = fitting.min(by: { ($0.size, $0.offset) < ($1.size, $1.offset) }) { return best.offset }
            let last = gaps.last.flatMap { $0.offset + $0.size == byteCount ? $0.offset : nil } ?? byteCount
            return size <= limitBytes - last ? last : nil
        }

        mutating func take(_ offset: Int, _ size: Int) {
            live.insert((offset, size), at: live.firstIndex { $0.offset > offset } ?? live.count)
            byteCount = max(byteCount, offset + size)
        }
    }

    private static func rounded(_ size: Int) -> Int { max(size, 1).roundedUp(to: TensorStorage.alignment) }

    /// Sizes of all magnitudes, and those around the alignment.
    private static func size(_ random: inout SplitMix) -> Int {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: Int.random(in: 0...3, using: &random) * TensorStorage.alignment
        case 1: Int.random(in: 0...3, using: &random) * TensorStorage.alignment + Int.random(in: -1...1, using: &random)
        case 2: Int.random(in: 0...5000, using: &random)
        default: 1 << Int.random(in: 0...13, using: &random)
        }
    }

    @Test("Places are aligned, never overlap, and are those of the best fit", arguments: 1...60)
    func randomSequences(seed: Int) {
        var random = SplitMix(state: UInt64(seed))
        var model = Model(limitBytes: seed % 3 == 0 ? 30_000 : 1 << 40)
        var plan = MemoryPlan()
        var sizes: [Int: Int] = [:]
        // A phase that mostly takes, then one that mostly gives, and so on: gaps come and go.
        for step in 0..<2_000 {
            let isTaking = Int.random(in: 0..<10, using: &random) < (step / 200 % 2 == 0 ? 7 : 3)
            if isTaking || sizes.isEmpty {
                let size = max(0, Self.size(&random))
                let expected = model.place(Self.rounded(size))
                guard let offset = plan.allocate(size, limitBytes: model.limitBytes) else {
                    // The plan is over: whoever made it gives up.
                    #expect(expected == nil, "seed \(seed), step \(step): no place for \(size) bytes")
                    return
                }
                #expect(offset == expected, "seed \(seed), step \(step): a place for \(size) bytes")
                check(offset, size, model, "seed \(seed), step \(step)")
                model.take(offset, Self.rounded(size))
                sizes[offset] = size
            } else if let offset = sizes.keys.sorted().randomElement(using: &random), let size = sizes[offset] {
                plan.release(offset, size)
                sizes[offset] = nil
                model.live.removeAll { $0.offset == offset }
            }
            #expect(plan.byteCount == model.byteCount)
        }
        // All gaps are one again: everything fits into it, at its beginning.
        for (offset, size) in sizes { plan.release(offset, size) }
        #expect(plan.allocate(model.byteCount, limitBytes: model.byteCount) == 0)
        #expect(plan.byteCount == model.byteCount)
    }

    /// Checks a place without the model's idea of the best fit.
    private func check(_ offset: Int, _ size: Int, _ model: Model, _ name: String) {
        #expect(offset % TensorStorage.alignment == 0, "\(name)")
        #expect(offset >= 0 && offset + size <= model.limitBytes, "\(name)")
        for other in model.live {
            #expect(
                offset + max(size, 1) <= other.offset || other.offset + other.size <= offset,
                "\(name): \(size) bytes at \(offset), where \(other.size) at \(other.offset) are taken")
        }
    }

    @Test(
        "Neighbouring gaps are merged, whichever was given back last",
        arguments: [[0, 1, 2], [2, 1, 0], [0, 2, 1], [1, 0, 2]])
    func merging(order: [Int]) throws {
        let size = 4 * TensorStorage.alignment
        var plan = MemoryPlan()
        let offsets = (0..<4).compactMap { _ in plan.allocate(size, limitBytes: 1 << 20) }
        try #require(offsets == [0, size, 2 * size, 3 * size])
        for index in order { plan.release(offsets[index], size) }
        #expect(plan.allocate(3 * size, limitBytes: 1 << 20) == 0)
        #expect(plan.byteCount == 4 * size)
    }

    @Test("The last gap grows where it is too small, up to the limit")
    func lastGap() {
        let size = TensorStorage.alignment
        var plan = MemoryPlan()
        #expect(plan.allocate(size, limitBytes: 4 * size) == 0)
        #expect(plan.allocate(size, limitBytes: 4 * size) == size)
        plan.release(size, size)
        #expect(plan.allocate(3 * size, limitBytes: 4 * size) == size)
        #expect(plan.byteCount == 4 * size)
        #expect(plan.allocate(1, limitBytes: 4 * size) == nil)
    }

    @Test("Sizes that no memory has are refused")
    func limits() {
        var plan = MemoryPlan()
        #expect(plan.allocate(.max, limitBytes: 1 << 40) == nil)
        #expect(plan.allocate(TensorStorage.alignment + 1, limitBytes: TensorStorage.alignment + 1) == nil)
        #expect(plan.byteCount == 0)
        #expect(plan.allocate(TensorStorage.alignment, limitBytes: TensorStorage.alignment) == 0)
    }
}
