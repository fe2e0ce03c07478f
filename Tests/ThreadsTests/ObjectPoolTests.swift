import Synchronization
import Testing
import Threads

@Suite("Object pool")
struct ObjectPoolTests {
    /// An object that only its user may change.
    private final class Part: @unchecked Sendable {
        private let users = Tally()
        private let living: Tally
        // Safety: changed only by the thread that took the part out of the pool; the pool orders the changes of successive threads.
        private var uses = 0

        init(countedBy living: Tally) {
            self.living = living
            living.add(1)
        }

        deinit { living.add(-1) }

        /// - Returns: Whether no other thread uses it.
        func use() -> Bool {
            users.add(1)
            uses += 1
            let isAlone = users.value == 1
            users.add(-1)
            return isAlone
        }
    }

    @Test("No object is used twice at once, and none is lost", arguments: [1, 3, 8])
    func objectsHaveOneUser(places: Int) throws {
        let living = Tally()
        let shared = Tally()
        let pool = ObjectPool<Part>(count: places)
        try concurrently(4) { _ in
            for _ in 0..<50_000 {
                let part = pool.take() ?? Part(countedBy: living)
                if !part.use() { shared.add(1) }
                pool.give(part)
            }
        }
        #expect(shared.value == 0, "uses of a part that somebody else used")
        #expect(living.value <= places)
        pool.removeAll()
        #expect(living.value == 0, "parts that nobody has")
        #expect(pool.take() == nil)
    }

    @Test("Objects that wait can be let go while others take and give")
    func removal() throws {
        let living = Tally()
        let shared = Tally()
        let pool = ObjectPool<Part>(count: 4)
        try concurrently(4) { thread in
            for _ in 0..<20_000 {
                if thread == 0 { pool.removeAll() }
                let part = pool.take() ?? Part(countedBy: living)
                if !part.use() { shared.add(1) }
                pool.give(part)
            }
        }
        #expect(shared.value == 0)
        pool.removeAll()
        #expect(living.value == 0)
    }

    @Test("A pool that ends lets its objects go")
    func end() {
        let living = Tally()
        do {
            let pool = ObjectPool<Part>(count: 2)
            for _ in 0..<3 { pool.give(Part(countedBy: living)) }
            #expect(living.value == 2)
        }
        #expect(living.value == 0)
    }
}
