import Testing

@testable import Serving

@Suite("A model's queue")
struct ModelQueueTests {
    private func append(_ name: String, _ ring: inout TaskRing) -> Bool { ring.append(TrialTask(name)) }

    private func names(_ ring: inout TaskRing) -> [String] {
        var names: [String] = []
        while let task = ring.popFirst() as? TrialTask { names.append(task.name) }
        return names
    }

    @Test("the ring gives in order what it took, round and round")
    func ring() {
        var ring = TaskRing(capacity: 3)
        for round in 0..<10 {
            #expect(append("a\(round)", &ring) && append("b\(round)", &ring))
            #expect(ring.count == 2)
            #expect(names(&ring) == ["a\(round)", "b\(round)"])
        }
        #expect(append("1", &ring) && append("2", &ring) && append("3", &ring))
        #expect(ring.isFull)
        #expect(!append("4", &ring))
        #expect((ring.oldest as? TrialTask)?.name == "1")
        #expect(names(&ring) == ["1", "2", "3"])
        #expect(ring.oldest == nil)
    }

    @Test("what is removed from the middle leaves the others in order", arguments: 0..<5)
    func removal(shift: Int) {
        var ring = TaskRing(capacity: 5)
        for _ in 0..<shift {
            _ = append("", &ring)
            _ = ring.popFirst()
        }
        for number in 0..<5 { #expect(append("\(number)", &ring)) }
        var removed: [any InferenceTask] = []
        ring.removeAll(into: &removed) { ($0 as? TrialTask).map { ["1", "3"].contains($0.name) } ?? false }
        #expect(removed.compactMap { ($0 as? TrialTask)?.name } == ["1", "3"])
        #expect(append("5", &ring))
        #expect(names(&ring) == ["0", "2", "4", "5"])
    }

    @Test("the cost goes up at once and comes down slowly")
    func cost() {
        let queue = ModelQueue()
        func cost(after nanoseconds: UInt64, _ byteCount: Int) -> UInt64 {
            queue.cost.note(nanoseconds: nanoseconds, byteCount: byteCount)
            return queue.cost.nanoseconds
        }
        func covers(_ byteCount: Int) -> Bool { queue.cost.covers(byteCount: byteCount) }
        let unknown = queue.cost.nanoseconds
        #expect(unknown == .max)
        #expect(cost(after: 1000, 5000) == 1000)
        #expect(covers(11_000) && !covers(12_000))
        #expect(cost(after: 9000, 5000) == 5000)
        #expect(cost(after: 1000, 10) == 4750)
        #expect(covers(9000))
        for _ in 0..<200 { _ = cost(after: 1000, 10) }
        #expect(cost(after: 1000, 10) == 1000)
    }
}
