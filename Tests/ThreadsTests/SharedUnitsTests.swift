import Synchronization
import Testing
import Threads

@Suite("Shared units")
struct SharedUnitsTests {
    @Test("each unit is taken once, whoever takes it", arguments: [0, 1, 2, 1000])
    func once(count: Int) {
        for processors in [1, 2, 4] {
            let source = SpareProcessors(processors: processors)
            let taken = Mutex([Int](repeating: 0, count: count))
            SharedUnits.run(count, helpers: source) { worker in
                while let unit = worker.next() { taken.withLock { $0[unit] += 1 } }
            }
            #expect(taken.withLock { $0.allSatisfy { $0 == 1 } })
            #expect(source.spareCount == processors - 1)
        }
    }

    @Test("after a stop nobody takes a unit, and all before it are taken")
    func stop() {
        let taken = Mutex<Set<Int>>([])
        SharedUnits.run(10_000, helpers: SpareProcessors(processors: 3)) { worker in
            while let unit = worker.next() {
                taken.withLock { _ = $0.insert(unit) }
                if unit == 100 { worker.stop() }
            }
        }
        let found = taken.withLock { $0 }
        #expect(found.count < 10_000)
        #expect((0...100).allSatisfy(found.contains))
    }

    @Test("helpers whose processors are wanted leave the rest to the calling thread")
    func wanted() {
        /// Lends a helper that is wanted back at once.
        final class Wanted: HelperSource {
            let team = Team(size: 1)
            let given = Atomic<Int>(0)
            func borrow(upTo count: Int) -> Int { min(count, 1) }
            func giveBack(_ count: Int) { given.add(count, ordering: .relaxed) }
            var isWanted: Bool { true }
        }
        let source = Wanted()
        let count = Mutex(0)
        SharedUnits.run(50, helpers: source) { worker in
            while worker.next() != nil { count.withLock { $0 += 1 } }
        }
        #expect(count.withLock { $0 } == 50)
        #expect(source.given.load(ordering: .relaxed) == 1)
    }
}
