import Synchronization
import Testing
import Threads

@testable import Serving

/// Slots that runs borrow for helpers.
@Suite("Helpers of runs")
struct HelperTests {
    /// How many slots can be taken now; they are given back.
    private func spareCount(_ turns: Turns) -> Int {
        var count = 0
        while turns.takeSpareSlot() { count += 1 }
        for _ in 0..<count { turns.giveSlot() }
        return count
    }

    @Test("A run borrows what is spare, and no more than is left to it")
    func borrowing() {
        let turns = Turns(slotCount: 3)
        #expect(turns.takeSpareSlot())
        #expect(turns.borrow(upTo: 1) == 1)
        #expect(turns.borrow(upTo: 9) == 1)
        #expect(turns.borrow(upTo: 9) == 0)
        turns.giveBack(2)
        #expect(turns.borrow(upTo: 9) == 2)
        turns.giveBack(2)
        turns.giveSlot()
        #expect(spareCount(turns) == 3)
        #expect(Turns(slotCount: 1).borrow(upTo: 1) == 0)
    }

    @Test("Where tasks wait, nothing is lent, and helpers are wanted back")
    func waiting() {
        let turns = Turns(slotCount: 2)
        #expect(!turns.isWanted)
        var stale: [any InferenceTask] = []
        #expect(turns.add(TrialTask(), to: ModelQueue(), stale: &stale))
        #expect(turns.isWanted)
        #expect(turns.borrow(upTo: 1) == 0)
        let next = turns.next()
        #expect(next != nil)
        #expect(turns.borrow(upTo: 1) == 1)
        turns.giveBack(1)
        turns.giveSlot()
        #expect(spareCount(turns) == 2)
    }

    @Test("There are never more threads busy than slots, and all slots come back")
    func concurrentRuns() throws {
        let slots = 3
        let turns = Turns(slotCount: slots)
        let busy = Busy()
        let threads = try (0..<5).map { _ in
            try SystemThread {
                for _ in 0..<300 {
                    guard turns.takeSpareSlot() else { continue }
                    let helpers = turns.borrow(upTo: 2)
                    let begun = turns.team.run(helpers: helpers) { worker in
                        busy.enter()
                        for _ in 0..<2000 { busy.look() }
                        busy.leave()
                        if worker > 0 { turns.giveBack(1) }
                    }
                    turns.giveBack(helpers - begun)
                    turns.giveSlot()
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(busy.most <= slots)
        #expect(spareCount(turns) == slots)
    }

    private final class Busy: Sendable {
        private let count = Atomic<Int>(0)
        private let highest = Atomic<Int>(0)

        var most: Int { highest.load(ordering: .relaxed) }

        func enter() { highest.max(count.add(1, ordering: .relaxed).newValue, ordering: .relaxed) }

        func look() { _ = count.load(ordering: .relaxed) }

        func leave() { count.subtract(1, ordering: .relaxed) }
    }
}
