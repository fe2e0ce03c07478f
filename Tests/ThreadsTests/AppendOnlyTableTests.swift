import Synchronization
import Testing
import Threads

@Suite("Table that only grows")
struct AppendOnlyTableTests {
    /// Few hashes, so that threads meet in a bucket; two of them in the same one.
    private static func hash(_ number: Int) -> UInt { [0, 256, 1, 7][number % 4] }

    @Test("What one thread has added, every thread finds")
    func additionsAreSeen() throws {
        let count = 1500
        let living = Tally()
        let table = AppendOnlyTable<Tracked>(limit: 4 * count)
        let missing = Tally()
        let added = (0..<4).map { _ in Tally() }
        try concurrently(4) { thread in
            for index in 0..<count {
                let number = thread * count + index
                table.insert(Tracked(number, countedBy: living), hash: Self.hash(number))
                added[thread].add(1)
                for other in 0..<4 {
                    let last = other * count + added[other].value - 1
                    guard last >= other * count else { continue }
                    let found = table.find(hash: Self.hash(last)) { $0.number == last }
                    if found?.isAlive != true { missing.add(1) }
                }
            }
        }
        #expect(missing.value == 0, "values that were added and not found")
        #expect(table.values.map(\.number).sorted() == Array(0..<4 * count))
        #expect(living.value == 4 * count)
    }

    @Test("A table ends with its values")
    func end() {
        let living = Tally()
        do {
            let table = AppendOnlyTable<Tracked>(limit: 100)
            for number in 0..<100 { table.insert(Tracked(number, countedBy: living), hash: UInt(number % 7)) }
            #expect(living.value == 100)
        }
        #expect(living.value == 0)
    }

    @Test("No more values are kept than the limit allows")
    func limit() throws {
        let living = Tally()
        let tables = (0..<20_000).map { _ in AppendOnlyTable<Tracked>(limit: 1) }
        let meeting = MeetingPoint(2)
        try concurrently(2) { thread in
            for (index, table) in tables.enumerated() {
                let value = Tracked(index, countedBy: living)
                // Both come to the last place at once.
                meeting.wait(index)
                table.insert(value, hash: UInt(thread))
            }
        }
        #expect(tables.allSatisfy { $0.values.count == 1 })
        #expect(living.value == tables.count)
    }

    @Test("Of several values for one key, the latest is found; values of other hashes are not")
    func search() {
        let living = Tally()
        let table = AppendOnlyTable<Tracked>(limit: 10)
        for number in 0..<3 { table.insert(Tracked(number, countedBy: living), hash: 5) }
        #expect(table.find(hash: 5) { _ in true }?.number == 2)
        #expect(table.find(hash: 5) { $0.number == 1 }?.number == 1)
        // In the same bucket.
        #expect(table.find(hash: 5 + 256) { _ in true } == nil)
    }
}
