internal import Execution
internal import Glibc
internal import Threads

/// Statistics of the requests to a version of a model, and of its runs. Recording takes no lock.
///
/// A request may have many rows, and a run may have many requests.
package final class VersionStatistics: Sendable {
    /// A number of events, and their total time.
    package struct Total: Hashable, Sendable {
        package let count: Int
        package let nanoseconds: Int

        /// No events.
        package static let none = Total(count: 0, nanoseconds: 0)
    }

    /// The totals of the runs with one number of rows.
    package struct Runs: Hashable, Sendable {
        package let rows: Int
        /// The phases, counted once per run, with the sums of the requests' times: parsing, running, and writing the responses.
        package let parse: Total
        package let run: Total
        package let write: Total
    }

    /// A consistent snapshot of all numbers.
    package struct Report: Sendable {
        /// The arrival of the last answered request, in milliseconds since 1970; 0 if there was none.
        package let lastMilliseconds: Int
        /// The number of rows of successful requests.
        package let rowCount: Int
        /// The number of runs of the graph.
        package let runCount: Int
        /// The successful requests.
        fileprivate let requestCount: Int
        /// The time of each phase.
        fileprivate let nanoseconds: [Int]
        /// The failed requests.
        package let failures: Total
        /// The runs by their rows, ascending.
        package let runs: [Runs]

        /// The successful requests.
        package var successes: Total { Total(count: requestCount, nanoseconds: nanoseconds.reduce(0, &+)) }

        /// A phase of the successful requests.
        package func total(of phase: ModelStatistics.Phase) -> Total {
            Total(count: requestCount, nanoseconds: nanoseconds[phase.rawValue])
        }
    }

    /// The counters of the runs with one number of rows. Most runs have a single request, so these have separate counters, which makes recording
    /// one fast.
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
        func add(_ amount: Int, _ count: Count, _ otherAmount: Int, _ other: Count) {
            counters.add(amount, at: count.rawValue, otherAmount, at: other.rawValue)
        }

        var numbers: Numbers { Numbers(size: size, values: Count.allCases.map { counters[$0.rawValue] }) }
    }

    /// The values of ``Sums`` at one time.
    /// Sums of clients' numbers wrap around instead of trapping.
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

    /// The maximum number of distinct numbers of rows, because clients may send any.
    private static let maxSizes = 256

    private let ofOneRow = Sums(size: 1)
    private let sizes = AppendOnlyTable<Sums>(limit: maxSizes)
    private let areSizesFull = Flag()
    /// The sums of all other numbers of rows.
    private let others = Sums(size: 0)
    private let failures = Counters(2)
    /// The arrival of the last answered request of each thread, or of one that shares its stripe.
    private let last = Latest()
    /// The requests by status, and their times.
    package let outcomes = OutcomeStatistics()

    package init() {}

    /// Records an answered request.
    ///
    /// - Parameters:
    ///   - times: The times of its phases.
    ///   - start: Its arrival, by `MonotonicClock`.
    ///   - status: The status; 200 if it succeeded.
    package func record(_ times: PhaseTimes, start: UInt64, status: Int) {
        let isSuccess = status == 200
        outcomes.record(status: status, times)
        last.note(start)
        let sums = sums(ofSize: times.runRows)
        if isSuccess, times.leadsRun, times.rows == sums.size {
            sums.add(1, .alone, Int(clamping: times.run), .aloneTime)
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
        sums.add(Int(clamping: times.parse), .parse, Int(clamping: times.write), .write)
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
        // Two threads may have begun to count the same size.
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
        let start = last.value
        guard start > 0 else { return 0 }
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let ago = Int(clamping: MonotonicClock.nanoseconds &- start) / 1_000_000
        return now.tv_sec * 1000 + now.tv_nsec / 1_000_000 - ago
    }
}
