internal import Execution
internal import Glibc
internal import Synchronization
internal import Threads

/// Statistics of the requests to a version of a model, and of its runs. Recording takes no lock.
///
/// A request may have many rows, and a run those of many requests.
package final class VersionStatistics: Sendable {
    /// How often something was done, and how long that took.
    package struct Total: Hashable, Sendable {
        package let count: Int
        package let nanoseconds: Int

        /// Of what is never done.
        package static let none = Total(count: 0, nanoseconds: 0)
    }

    /// The totals of the runs with one number of rows.
    package struct Runs: Hashable, Sendable {
        package let rows: Int
        /// One each a run, whose requests' times are added up: reading them, running, and writing the responses.
        package let parse: Total
        package let run: Total
        package let write: Total
    }

    /// All that was counted, at one time: who compares the numbers of a report finds that they fit, while requests are answered.
    package struct Report: Sendable {
        /// When the last request that is answered came, in milliseconds since 1970; 0 where there is none.
        package let lastMilliseconds: Int
        /// The rows of the requests that succeeded.
        package let rowCount: Int
        /// How often the graph was run.
        package let runCount: Int
        /// The requests that succeeded.
        fileprivate let requestCount: Int
        /// A phase each.
        fileprivate let nanoseconds: [Int]
        /// The requests that did not succeed.
        package let failures: Total
        /// The runs by their rows, ascending.
        package let runs: [Runs]

        /// The requests that succeeded.
        package var successes: Total { Total(count: requestCount, nanoseconds: nanoseconds.reduce(0, &+)) }

        /// A phase of the requests that succeeded.
        package func total(of phase: ModelStatistics.Phase) -> Total {
            Total(count: requestCount, nanoseconds: nanoseconds[phase.rawValue])
        }
    }

    /// The counters of the runs with one number of rows. Most runs are of one request alone: these have counters of their own, so
    /// that recording one is short.
    private enum Count: Int, CaseIterable {
        case alone, aloneTime
        case runs, runTime, requests, rows, requestTime
        case queue, parse, write
    }

    private final class Sums: Sendable {
        let size: Int
        private let counters = Counters(Count.allCases.count)

        init(size: Int) { self.size = size }

        func add(_ amount: Int, _ count: Count) { counters.add(amount, at: count.rawValue) }
        func add(_ nanoseconds: UInt64, _ count: Count) { add(Int(clamping: nanoseconds), count) }

        var numbers: Numbers { Numbers(size: size, values: Count.allCases.map { counters[$0.rawValue] }) }
    }

    /// The values of ``Sums`` at one time.
    /// Sums of what clients send wrap around rather than trap.
    private struct Numbers {
        let size: Int
        let values: [Int]

        private subscript(count: Count) -> Int { values[count.rawValue] }

        var runs: Int { self[.alone] &+ self[.runs] }
        var requests: Int { self[.alone] &+ self[.requests] }
        var rows: Int { self[.alone] &* size &+ self[.rows] }
        var runTime: Int { self[.aloneTime] &+ self[.runTime] }

        func time(of phase: ModelStatistics.Phase) -> Int {
            switch phase {
            case .queue: self[.queue]
            case .parse: self[.parse]
            case .run: self[.aloneTime] &+ self[.requestTime]
            case .write: self[.write]
            }
        }
    }

    /// Clients send any numbers of rows; so many are told apart.
    private static let maxSizes = 256

    private let ofOneRow = Sums(size: 1)
    private let sizes = AppendOnlyTable<Sums>(limit: maxSizes)
    private let areSizesFull = Flag()
    /// The sums of all other numbers of rows.
    private let others = Sums(size: 0)
    private let failures = Counters(2)
    private let last = Atomic<UInt64>(0)
    /// The requests by their statuses, and how long they took.
    package let outcomes = OutcomeStatistics()

    package init() {}

    /// Records a request that is answered.
    ///
    /// - Parameters:
    ///   - times: What it took.
    ///   - start: When it came, by `MonotonicClock`.
    ///   - status: How it ended; 200 where it was answered with what it asked for.
    package func record(_ times: PhaseTimes, start: UInt64, status: Int) {
        let isSuccess = status == 200
        outcomes.record(status: status, times)
        last.store(start, ordering: .relaxed)
        let sums = sums(ofSize: times.runRows)
        if isSuccess, times.leadsRun, times.rows == sums.size {
            sums.add(1, .alone)
            sums.add(times.run, .aloneTime)
        } else {
            if times.leadsRun {
                sums.add(1, .runs)
                sums.add(times.run, .runTime)
            }
            guard isSuccess else {
                failures.add(1, at: 0)
                failures.add(Int(clamping: times.total), at: 1)
                return
            }
            sums.add(1, .requests)
            sums.add(times.rows, .rows)
            sums.add(times.run, .requestTime)
        }
        if times.queue > 0 { sums.add(times.queue, .queue) }
        sums.add(times.parse, .parse)
        sums.add(times.write, .write)
    }

    private func sums(ofSize size: Int) -> Sums {
        if size == 1 { return ofOneRow }
        guard size > 0 else { return others }
        let hash = UInt(bitPattern: size)
        if let known = sizes.find(hash: hash, where: { $0.size == size }) { return known }
        guard !areSizesFull.isRaised else { return others }
        sizes.insert(Sums(size: size), hash: hash)
        guard let added = sizes.find(hash: hash, where: { $0.size == size }) else {
            areSizesFull.raise()
            return others
        }
        return added
    }

    /// The counts so far.
    package var report: Report {
        let all = ([ofOneRow, others] + sizes.values).map(\.numbers)
        return Report(
            lastMilliseconds: lastMilliseconds, rowCount: all.reduce(0) { $0 &+ $1.rows },
            runCount: all.reduce(0) { $0 &+ $1.runs }, requestCount: all.reduce(0) { $0 &+ $1.requests },
            nanoseconds: ModelStatistics.Phase.allCases.map { phase in all.reduce(0) { $0 &+ $1.time(of: phase) } },
            failures: Total(count: failures[0], nanoseconds: failures[1]), runs: Self.runs(all))
    }

    private static func runs(_ all: [Numbers]) -> [Runs] {
        // Two threads may both have begun to count a size.
        Dictionary(grouping: all.filter { $0.size > 0 && $0.runs > 0 }, by: \.size).map { size, numbers in
            let count = numbers.reduce(0) { $0 &+ $1.runs }
            func total(_ nanoseconds: (Numbers) -> Int) -> Total {
                Total(count: count, nanoseconds: numbers.reduce(0) { $0 &+ nanoseconds($1) })
            }
            return Runs(
                rows: size, parse: total { $0.time(of: .parse) }, run: total(\.runTime),
                write: total { $0.time(of: .write) })
        }.sorted { $0.rows < $1.rows }
    }

    private var lastMilliseconds: Int {
        let start = last.load(ordering: .relaxed)
        guard start > 0 else { return 0 }
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let ago = Int(clamping: MonotonicClock.nanoseconds &- start) / 1_000_000
        return now.tv_sec * 1000 + now.tv_nsec / 1_000_000 - ago
    }
}
