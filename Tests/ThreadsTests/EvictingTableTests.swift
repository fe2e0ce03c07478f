import Synchronization
import Testing
import Threads

@Suite("Table of which values are removed")
struct EvictingTableTests {
    /// All in one bucket, so that removals change the chain that readers walk along.
    private static func hash(_ number: Int) -> UInt { UInt(number % 3) * 256 }

    @Test("Readers find what stays, and nothing that has ended, while others add and remove")
    func readersAndWriters() throws {
        let living = Tally()
        let missing = Tally()
        let ended = Tally()
        let reading = Tally(2)
        let table = EvictingTable<Tracked>()
        // They stay. What comes and goes is before, between and, of the first changes, behind them.
        let permanent = (0..<6).map { Tracked($0, countedBy: living) }
        try concurrently(4) { thread in
            if thread < 2 {
                var waiting: [Tracked] = []
                var change = 0
                while reading.value > 0 || change < 10 * permanent.count {
                    change += 1
                    if thread == 0, change % 10 == 7, change / 10 < permanent.count {
                        let value = permanent[change / 10]
                        table.insert(value, hash: Self.hash(value.number))
                    }
                    let number = 100 + 2 * change + thread
                    waiting.append(Tracked(number, countedBy: living))
                    table.insert(waiting[waiting.count - 1], hash: Self.hash(number))
                    guard waiting.count > 5 else { continue }
                    let removed = waiting.remove(at: change % waiting.count)
                    table.remove(removed, hash: Self.hash(removed.number))
                }
                for value in waiting { table.remove(value, hash: Self.hash(value.number)) }
                return
            }
            var seen = Set<Int>()
            for _ in 0..<15_000 {
                for number in 0..<permanent.count {
                    let found = table.find(hash: Self.hash(number)) { $0.number == number }
                    if found != nil { seen.insert(number) }
                    if found == nil, seen.contains(number) { missing.add(1) }
                }
                // What is found has been first in its chain: it is soon removed.
                for hash in 0..<3 {
                    let found = table.find(hash: Self.hash(hash)) { _ in true }
                    if found?.isAlive == false { ended.add(1) }
                }
            }
            reading.add(-1)
        }
        #expect(missing.value == 0, "values that stay and were not found")
        #expect(ended.value == 0, "values that ended while they were read")
        #expect(Set(table.values.map(\.number)) == Set(0..<permanent.count))
        #expect(table.values.count == permanent.count)
        #expect(living.value == permanent.count, "values that nobody has")
    }

    @Test("Removing all gives each value once")
    func removeAll() throws {
        let count = 100_000
        let living = Tally()
        let added = Tally()
        let given = Tally()
        let ended = Tally()
        let writing = Tally(2)
        let table = EvictingTable<Tracked>()
        try concurrently(4) { thread in
            switch thread {
            case 0, 1:
                for number in 0..<count {
                    table.insert(Tracked(number, countedBy: living), hash: Self.hash(number))
                    added.add(1)
                }
                writing.add(-1)
            case 2:
                while writing.value > 0 {
                    // Chains that readers need some time for.
                    if added.value - given.value > 200 { given.add(table.removeAll().count) }
                }
            default:
                while writing.value > 0 {
                    if table.find(hash: 0, where: { !$0.isAlive }) != nil { ended.add(1) }
                }
            }
        }
        given.add(table.removeAll().count)
        #expect(given.value == 2 * count)
        #expect(ended.value == 0, "values that ended while they were read")
        #expect(table.values.isEmpty)
        #expect(living.value == 0)
    }

    @Test("Removing all leaves nothing, and returns each value of each bucket and chain once", arguments: [1, 2, 3, 7])
    func removeAllOnce(chain: Int) {
        let living = Tally()
        let table = EvictingTable<Tracked>()
        // Two rounds: buckets that were emptied are filled again.
        for _ in 0..<2 {
            do {
                // The same number of values in each of 256 buckets, from the first to the last.
                let values = (0..<256 * chain).map { Tracked($0, countedBy: living) }
                for value in values { table.insert(value, hash: UInt(value.number)) }
                let removed = table.removeAll()
                #expect(removed.map(\.number).sorted() == values.map(\.number))
                #expect(Set(removed.map(ObjectIdentifier.init)) == Set(values.map(ObjectIdentifier.init)))
                #expect(table.values.isEmpty)
                for value in values { #expect(table.find(hash: UInt(value.number)) { _ in true } == nil) }
                #expect(table.removeAll().isEmpty)
                #expect(living.value == values.count, "values that ended while they were held")
            }
            #expect(living.value == 0, "values that the table still holds")
        }
    }

    @Test("Threads that remove all values return each value once between them")
    func removals() throws {
        let count = 20_000
        let living = Tally()
        let writing = Tally(1)
        let table = EvictingTable<Tracked>()
        let taken = Mutex<[Int]>([])
        try concurrently(4) { thread in
            var own: [Int] = []
            switch thread {
            case 0:
                for number in 0..<count {
                    let value = Tracked(number, countedBy: living)
                    table.insert(value, hash: UInt(number % 16))
                    // It is at the start of its chain, or another thread has removed it.
                    if number % 5 == 0 { table.remove(value, hash: UInt(number % 16)) }
                }
                writing.add(-1)
            default:
                while writing.value > 0 { own += table.removeAll().map(\.number) }
            }
            taken.withLock { $0 += own }
        }
        let all = taken.withLock { $0 } + table.removeAll().map(\.number)
        #expect(Set(all).count == all.count, "values that were returned twice")
        // Those that thread 0 removed itself may be missing, no others.
        let missing = Set(0..<count).subtracting(all)
        #expect(missing.filter { $0 % 5 != 0 } == [])
        #expect(table.values.isEmpty)
        #expect(living.value == 0)
    }

    @Test("A removal does not end while a reader is at a value that it removes", arguments: [true, false])
    func removalsWait(removesAll: Bool) throws {
        let living = Tally()
        let reading = Tally()
        let ended = Tally()
        let early = Tally()
        let table = EvictingTable<Tracked>()
        table.insert(Tracked(0, countedBy: living), hash: 0)
        try concurrently(2) { thread in
            guard thread == 0 else {
                while reading.value == 0 {}
                if removesAll {
                    _ = table.removeAll()
                } else if let value = table.values.first {
                    table.remove(value, hash: 0)
                }
                return ended.add(1)
            }
            let found = table.find(hash: 0) { value in
                reading.add(1)
                // Long enough for a removal that does not wait.
                let start = ContinuousClock.now
                while ended.value == 0, ContinuousClock.now - start < .milliseconds(100) {}
                early.add(ended.value)
                return value.isAlive
            }
            if found?.isAlive != true { early.add(1) }
        }
        #expect(early.value == 0, "removals that ended before the reader")
        #expect(ended.value == 1 && table.values.isEmpty)
        #expect(living.value == 0)
    }

    @Test("Of several values for one key the latest is found, after its removal the one before")
    func search() {
        let living = Tally()
        let table = EvictingTable<Tracked>()
        let values = (0..<3).map { Tracked($0, countedBy: living) }
        for value in values { table.insert(value, hash: 5) }
        #expect(table.find(hash: 5) { _ in true } === values[2])
        table.remove(values[2], hash: 5)
        table.remove(values[2], hash: 5)
        #expect(table.find(hash: 5) { _ in true } === values[1])
        table.remove(values[0], hash: 5)
        #expect(table.values.map(\.number) == [1])
        // In the same bucket.
        #expect(table.find(hash: 5 + 256) { _ in true } == nil)
    }
}
