import Testing

@testable import Serving

@Suite("A model's queue")
struct ModelQueueTests {
    private func append(_ name: String, _ ring: inout TaskRing) { ring.append(TrialTask(name)) }

    private func names(_ ring: inout TaskRing) -> [String] {
        var names: [String] = []
        while let task = ring.popFirst() as? TrialTask { names.append(task.name) }
        return names
    }

    @Test("the ring gives in order what it took, round and round")
    func ring() {
        var ring = TaskRing(capacity: 3)
        for round in 0..<10 {
            append("a\(round)", &ring)
            append("b\(round)", &ring)
            #expect(ring.count == 2)
            #expect(names(&ring) == ["a\(round)", "b\(round)"])
        }
        for number in 1...3 { append("\(number)", &ring) }
        #expect((ring.oldest as? TrialTask)?.name == "1")
        #expect(names(&ring) == ["1", "2", "3"])
        #expect(ring.oldest == nil)
    }

    @Test("a ring that is full grows, and keeps the order", arguments: 0..<3)
    func growth(shift: Int) {
        var ring = TaskRing(capacity: 3)
        for _ in 0..<shift {
            append("", &ring)
            _ = ring.popFirst()
        }
        for number in 0..<100 { append("\(number)", &ring) }
        #expect(ring.count == 100)
        #expect(names(&ring) == (0..<100).map { "\($0)" })
    }

    @Test("limits may change at any time: what waits stays, and what comes finds the new ones")
    func limits() {
        var limits = ModelQueue.Limits()
        limits.waiting = 2
        let queue = ModelQueue(limits)
        let turns = Turns(slotCount: 1)
        var stale: [any InferenceTask] = []
        func add(_ name: String) -> Bool { turns.add(TrialTask(name), to: queue, stale: &stale) }
        #expect(add("1") && add("2") && !add("3"))
        limits.waiting = 3
        limits.batch = 7
        queue.limits = limits
        #expect(queue.limits == limits)
        #expect(add("4") && !add("5"))
        limits.waiting = 1
        queue.limits = limits
        #expect(!add("6"))
        #expect(queue.waiting == 3)
        #expect(names(&queue.tasks) == ["1", "2", "4"])
    }

    @Test("what is removed from the middle leaves the others in order", arguments: 0..<5)
    func removal(shift: Int) {
        var ring = TaskRing(capacity: 5)
        for _ in 0..<shift {
            append("", &ring)
            _ = ring.popFirst()
        }
        for number in 0..<5 { append("\(number)", &ring) }
        var removed: [any InferenceTask] = []
        ring.removeAll(into: &removed) { ($0 as? TrialTask).map { ["1", "3"].contains($0.name) } ?? false }
        #expect(removed.compactMap { ($0 as? TrialTask)?.name } == ["1", "3"])
        append("5", &ring)
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
        // Differences of an eighth are not recorded.
        #expect((1000...1143).contains(cost(after: 1000, 10)))
    }
}
