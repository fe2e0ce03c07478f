import Execution
import Testing
import Threads

@testable import Serving

@Suite("Statistics of versions")
struct VersionStatisticsTests {
    private func times(rows: Int, of runRows: Int, isFirst: Bool, _ nanoseconds: UInt64) -> PhaseTimes {
        var times = PhaseTimes()
        times.queue = 1 * nanoseconds
        times.parse = 10 * nanoseconds
        times.run = 100 * nanoseconds
        times.write = 1000 * nanoseconds
        times.rows = rows
        times.runRows = runRows
        times.leadsRun = isFirst
        return times
    }

    @Test("requests that are run as one are one run; its time counts for each of them, and once for the run")
    func together() {
        let statistics = VersionStatistics()
        #expect(statistics.report.lastMilliseconds == 0)
        statistics.record(times(rows: 2, of: 5, isFirst: true, 1), start: MonotonicClock.nanoseconds, status: 200)
        statistics.record(times(rows: 3, of: 5, isFirst: false, 1), start: MonotonicClock.nanoseconds, status: 200)
        let report = statistics.report
        #expect(report.rowCount == 5)
        #expect(report.runCount == 1)
        #expect(report.successes == .init(count: 2, nanoseconds: 2222))
        #expect(report.total(of: .run) == .init(count: 2, nanoseconds: 200))
        #expect(
            report.runs == [
                .init(
                    rows: 5, parse: .init(count: 1, nanoseconds: 20), run: .init(count: 1, nanoseconds: 100),
                    write: .init(count: 1, nanoseconds: 2000))
            ])
        #expect(report.lastMilliseconds > 0)
    }

    @Test("a request that was not run, and one whose answer could not be written, have failed")
    func failures() {
        let statistics = VersionStatistics()
        statistics.record(times(rows: 0, of: 0, isFirst: false, 1), start: MonotonicClock.nanoseconds, status: 500)
        statistics.record(times(rows: 1, of: 1, isFirst: true, 1), start: MonotonicClock.nanoseconds, status: 500)
        let report = statistics.report
        #expect(report.rowCount == 0)
        #expect(report.runCount == 1)
        #expect(report.successes == .none)
        #expect(report.total(of: .queue) == .none)
        #expect(report.failures == .init(count: 2, nanoseconds: 2222))
        #expect(report.runs.map(\.rows) == [1])
    }

    @Test("what is counted does not grow with the numbers of rows that clients send")
    func bounded() {
        let statistics = VersionStatistics()
        for rows in 1...1000 {
            statistics.record(
                times(rows: rows, of: rows, isFirst: true, 1), start: MonotonicClock.nanoseconds, status: 200)
        }
        let report = statistics.report
        #expect(report.runs.map(\.rows) == Array(1...257))
        #expect(report.runCount == 1000)
        #expect(report.rowCount == 500_500)
        #expect(report.successes.count == 1000)
    }
}
