internal import Threads

/// The time that each step of a program took, over some runs.
final class RunProfile {
    /// The shortest time of each step, in nanoseconds; 0 for one that did not run.
    private(set) var nanoseconds: [UInt64]
    /// The times of the run that goes on: a step in a loop runs more than once.
    private var current: [UInt64]
    private var step: Int?
    private var begin: UInt64 = 0

    /// - Parameter stepCount: The number of steps of the program.
    init(stepCount: Int) {
        nanoseconds = Array(repeating: 0, count: stepCount)
        current = nanoseconds
    }

    /// Notes that a step begins, and that the one before has ended.
    func begin(step: Int) {
        let now = MonotonicClock.nanoseconds
        if let last = self.step { current[last] += now - begin }
        self.step = step
        begin = now
    }

    /// Notes that the run has ended.
    func end() {
        if let last = step { current[last] += MonotonicClock.nanoseconds - begin }
        step = nil
        for (index, time) in current.enumerated() where time > 0 {
            nanoseconds[index] = nanoseconds[index] == 0 ? time : min(nanoseconds[index], time)
        }
        current = Array(repeating: 0, count: current.count)
    }
}
