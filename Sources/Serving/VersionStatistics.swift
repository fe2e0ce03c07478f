internal import Glibc
internal import Synchronization
internal import Threads

/// What became of the requests to a version of a model, and of the runs that answered them. Recording takes no lock.
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

    /// What runs of one number of rows came to.
    package struct Runs: Hashable, Sendable {
        package let rows: Int
        /// One each a run, whose requests' times are added up: reading them, running, and writing the answers.
        package let parse: Total
        package let run: Total
        package let write: Total
    }

    /// What is counted of the runs of one number of rows; the order is that of ``Sums/counters``.
    private enum Count: Int, CaseIterable {
        case runs, runTime, requests, rows, queue, parse, run, write
    }

    private final class Sums: Sendable {
        let rows: Int
        private let counters = Counters(Count.allCases.count)

        init(rows: Int) { self.rows = rows }

        func add(_ amount: Int, _ count: Count) { counters.add(amount, at: count.rawValue) }
        subscript(count: Count) -> Int { counters[count.rawValue] }
    }

    /// Clients send any numbers of rows; so many are told apart.
    private static let mostSizes = 256

    private let ofOneRow = Sums(rows: 1)
    private let sizes = AppendOnlyTable<Sums>(limit: mostSizes)
    private let areSizesFull = Flag()
    /// What is none of these.
    private let others = Sums(rows: 0)
    private let failures = Counters(2)
    private let last = Atomic<Int>(0)

    package init() {}

    /// Records a request that is answered.
    ///
    /// - Parameters:
    ///   - times: What it took.
    ///   - isSuccess: Whether it was answered with what it asked for.
    package func record(_ times: PhaseTimes, isSuccess: Bool) {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME_COARSE, &now)
        last.store(now.tv_sec &* 1000 &+ now.tv_nsec / 1_000_000, ordering: .relaxed)
        let sums = self.sums(ofRows: times.runRows)
        if times.leadsRun {
            sums.add(1, .runs)
            sums.add(Int(clamping: times.run), .runTime)
        }
        guard isSuccess else {
            failures.add(1, at: 0)
            failures.add(Int(clamping: times.queue &+ times.parse &+ times.run &+ times.write), at: 1)
            return
        }
        sums.add(1, .requests)
        sums.add(times.rows, .rows)
        sums.add(Int(clamping: times.queue), .queue)
        sums.add(Int(clamping: times.parse), .parse)
        sums.add(Int(clamping: times.run), .run)
        sums.add(Int(clamping: times.write), .write)
    }

    private func sums(ofRows rows: Int) -> Sums {
        if rows == 1 { return ofOneRow }
        guard rows > 0 else { return others }
        let hash = UInt(bitPattern: rows)
        if let known = sizes.find(hash: hash, where: { $0.rows == rows }) { return known }
        guard !areSizesFull.isRaised else { return others }
        sizes.insert(Sums(rows: rows), hash: hash)
        guard let added = sizes.find(hash: hash, where: { $0.rows == rows }) else {
            areSizesFull.raise()
            return others
        }
        return added
    }

    private var all: [Sums] { [ofOneRow, others] + sizes.values }

    private func sum(_ count: Count) -> Int { all.reduce(0) { $0 + $1[count] } }

    /// When a request was answered last, in milliseconds since 1970; 0 for never.
    package var lastMilliseconds: Int { last.load(ordering: .relaxed) }

    /// The rows of the requests that succeeded.
    package var rowCount: Int { sum(.rows) }

    /// How often the graph was run.
    package var runCount: Int { sum(.runs) }

    /// The requests that succeeded.
    package var successes: Total {
        let time = sum(.queue) + sum(.parse) + sum(.run) + sum(.write)
        return Total(count: sum(.requests), nanoseconds: time)
    }

    /// The requests that did not.
    package var failed: Total { Total(count: failures[0], nanoseconds: failures[1]) }

    /// A phase of the requests that succeeded.
    package func total(of phase: ModelStatistics.Phase) -> Total {
        let count: Count =
            switch phase {
            case .queue: .queue
            case .parse: .parse
            case .run: .run
            case .write: .write
            }
        return Total(count: sum(.requests), nanoseconds: sum(count))
    }

    /// The runs by their rows, ascending.
    package var runs: [Runs] {
        // Two threads may both have begun to count a number of rows.
        Dictionary(grouping: all.filter { $0.rows > 0 && $0[.runs] > 0 }, by: \.rows).map { rows, sums in
            func total(_ count: Count) -> Total {
                Total(
                    count: sums.reduce(0) { $0 + $1[.runs] }, nanoseconds: sums.reduce(0) { $0 + $1[count] })
            }
            return Runs(rows: rows, parse: total(.parse), run: total(.runTime), write: total(.write))
        }.sorted { $0.rows < $1.rows }
    }
}
