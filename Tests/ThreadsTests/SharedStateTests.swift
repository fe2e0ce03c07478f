import Synchronization
import Testing
import Threads

@Suite("Counters, flags, locks and alarms")
struct SharedStateTests {
    @Test("No addition is lost, and none goes to another number")
    func counters() throws {
        let counters = Counters(3)
        try concurrently(4) { thread in
            for index in 0..<300_000 { counters.add(thread + 1, at: index < 200_000 ? 0 : 1) }
            counters.add(1, at: 3)
            counters.add(1, at: -1)
        }
        #expect((0..<3).map { counters[$0] } == [2_000_000, 1_000_000, 0])
        #expect(counters[3] == 0 && counters[-1] == 0)
    }

    @Test("A raised flag is seen by all")
    func flag() throws {
        let flag = Flag()
        try concurrently(4) { thread in
            if thread == 0 { flag.raise() }
            while !flag.isRaised {}
        }
        flag.lower()
        #expect(!flag.isRaised)
    }

    /// Numbers that only one thread at a time may change.
    // Safety: changed only by the thread that holds the lock or the turn.
    private final class Pair: @unchecked Sendable {
        var (first, second) = (0, 0)
    }

    @Test("One thread at a time has the turn")
    func exclusiveTurn() throws {
        let turn = ExclusiveTurn()
        let pair = Pair()
        let torn = Tally()
        try concurrently(4) { thread in
            // Half of them look at limits while they wait, which are never reached.
            let limits = thread % 2 == 0 ? RunLimits() : RunLimits(deadline: Deadline(after: 3600))
            for _ in 0..<10_000 {
                guard turn.take(within: limits) else { return torn.add(1) }
                pair.first += 1
                if pair.first != pair.second + 1 { torn.add(1) }
                pair.second += 1
                turn.give()
            }
        }
        #expect(torn.value == 0)
        #expect(pair.first == 40_000 && pair.second == 40_000)
    }

    @Test("A turn that is not given is not taken once the limits are reached")
    func turnWithinLimits() {
        let turn = ExclusiveTurn()
        #expect(turn.take(within: RunLimits()))
        #expect(!turn.take(within: RunLimits(deadline: Deadline(after: 0))))
        turn.give()
        #expect(turn.take(within: RunLimits(deadline: Deadline(after: 3600))))
    }

    @Test("One thread at a time uses a locked value")
    func locked() throws {
        let locked = Locked((first: 0, second: 0))
        let torn = Tally()
        try concurrently(4) { _ in
            for _ in 0..<100_000 {
                locked.withLock { pair in
                    pair.first += 1
                    if pair.first != pair.second + 1 { torn.add(1) }
                    pair.second += 1
                }
            }
        }
        #expect(torn.value == 0)
        #expect(locked.withLock { $0.first } == 400_000)
    }

    /// How long a sleeper sleeps at the most: so long that a ring that did not come was lost.
    private static let sleepMilliseconds: Int32 = 30_000

    @Test("Who falls asleep before looking for work is woken by the next work")
    func alarm() throws {
        let alarm = try Alarm()
        let given = Tally()
        let lost = Tally()
        let count = 20_000
        try concurrently(3) { thread in
            guard thread == 0 else {
                for _ in 0..<count {
                    given.add(1)
                    alarm.ringIfAsleep()
                }
                return
            }
            while given.value < 2 * count, lost.value == 0 {
                let before = given.value
                alarm.fallAsleep()
                // As the threads that use it do: look once more, then sleep.
                if given.value == before, !alarm.wait(milliseconds: Self.sleepMilliseconds) { lost.add(1) }
                alarm.wakeUp()
            }
        }
        #expect(lost.value == 0, "rings that were lost")
    }

    @Test("As many permits are taken as are given")
    func permits() throws {
        let permits = Permits()
        let taken = Tally()
        try concurrently(4) { thread in
            for _ in 0..<20_000 {
                if thread < 2 {
                    permits.signal()
                } else {
                    permits.wait()
                    taken.add(1)
                }
            }
        }
        #expect(taken.value == 40_000)
    }
}
