import CProcessors
import Testing

@testable import Threads

@Suite("Processors")
struct ProcessorTests {
    @Test("a thread that is moved leaves its processor, where there is another one")
    func moves() throws {
        let places = Locked<[Int32]>([])
        // A thread of its own: it may not run everywhere afterwards.
        let thread = try SystemThread {
            for _ in 0..<2 {
                let place = cprocessors_current()
                cprocessors_move_away(cprocessors_thread(), place)
                places.withLock { $0 += [place, cprocessors_current()] }
            }
            // What is no processor changes nothing.
            cprocessors_move_away(cprocessors_thread(), -1)
            cprocessors_move_away(cprocessors_thread(), .max)
            places.withLock { $0.append(cprocessors_current()) }
        }
        thread.join()
        let seen = places.withLock { $0 }
        #expect(seen.count == 5)
        #expect(seen.allSatisfy { $0 >= 0 })
        // With one processor nothing moves. From the second one, the thread can only go where it came from: it stays.
        #expect(seen[0] != seen[1] || seen.allSatisfy { $0 == seen[0] })
        #expect(seen[3] != seen[0] || seen[0] == seen[1])
    }
}
