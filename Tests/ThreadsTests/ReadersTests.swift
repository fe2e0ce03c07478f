import Synchronization
import Testing

@testable import Threads

@Suite("Readers")
struct ReadersTests {
    /// Readers of the number of a generation, and the last generation that must not be read any more.
    private final class Generations: Sendable {
        let readers = Readers()
        let current = Tally()
        let over = Tally(-1)
    }

    @Test("Who waits for all readers waits for each that could see what was before", arguments: [1, 4])
    func waiting(readers: Int) throws {
        let generations = Generations()
        let late = Tally()
        let reading = Tally(readers)
        try concurrently(readers + 1) { thread in
            if thread == 0 {
                var generation = 0
                while reading.value > 0 {
                    generation += 1
                    generations.current.set(generation)
                    generations.readers.waitForAll()
                    generations.over.set(generation - 1)
                }
                return
            }
            for look in 0..<400_000 {
                let turn = generations.readers.enter()
                let seen = generations.current.value
                // Now and then long enough for the writer to go twice past a reader that it does not wait for.
                for _ in 0..<(look % 64 == 0 ? 200 : 2) where generations.over.value >= seen { late.add(1) }
                generations.readers.leave(turn)
            }
            reading.add(-1)
        }
        #expect(late.value == 0, "looks at a generation that was said to be over")
    }
}
