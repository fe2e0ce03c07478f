import Synchronization
import Testing
import Threads

@Suite("Published value")
struct PublishedTests {
    @Test("Readers get a living value, never an older one than before", arguments: [2, 5])
    func readersSeeWholeValues(readers: Int) throws {
        let living = Tally()
        let ended = Tally()
        let older = Tally()
        let lost = Tally()
        let reading = Tally(readers)
        let published = Published(Tracked(0, countedBy: living))
        try concurrently(readers + 1) { thread in
            if thread == 0 {
                var number = 0
                while reading.value > 0 {
                    number += 1
                    let old = published.replace(with: Tracked(number, countedBy: living))
                    if old.number != number - 1 { lost.add(1) }
                }
                return
            }
            var last = 0
            for _ in 0..<150_000 {
                let value = published.current
                if !value.isAlive { ended.add(1) }
                if value.number < last { older.add(1) }
                last = max(last, value.number)
            }
            reading.add(-1)
        }
        #expect(ended.value == 0, "values that ended while they were read")
        #expect(older.value == 0, "values older than one that the thread had read")
        #expect(lost.value == 0, "old values that were not those replaced")
        #expect(living.value == 1, "values that nobody has")
    }

    @Test("A reader keeps its value after the replacement; the cell ends with the last one")
    func lifetimes() {
        let living = Tally()
        do {
            let published = Published(Tracked(1, countedBy: living))
            let held = published.current
            published.replace(with: Tracked(2, countedBy: living))
            #expect(living.value == 2)
            #expect(held.isAlive)
            #expect(published.current.number == 2)
        }
        #expect(living.value == 0)
    }
}
