import Foundation
import Glibc
import ServerSupport
import Testing
import VectorSupport

/// TensorFlow saves into the served folder.
@Suite(
    "Faults while TensorFlow trains", .serialized,
    .enabled(if: TensorFlow.python != nil, "METASERVE_TENSORFLOW names no Python that has TensorFlow"))
struct WriterFaults {
    /// The result of `live_writer.py`.
    private struct Saves {
        /// The time when each save was complete, by the monotonic clock in nanoseconds.
        var times: [Int: UInt64] = [:]
        var killCount = 0

        init(_ output: String) {
            for line in output.split(separator: "\n") {
                let words = line.split(separator: " ")
                guard words.count == 3, let step = Int(words[1]), let time = UInt64(words[2]) else { continue }
                if words[0] == "saved" { times[step] = time } else { killCount += 1 }
            }
        }

        /// The time from each save to the first response of it or a later one, ascending.
        func delays(_ firstAnswers: [Int: UInt64]) -> [Double] {
            // Passed from the newest to the oldest.
            var answered = UInt64.max
            var delays: [Double] = []
            for step in Set(times.keys).union(firstAnswers.keys).sorted(by: >) {
                answered = min(answered, firstAnswers[step] ?? .max)
                guard let saved = times[step] else { continue }
                delays.append(answered == .max ? .infinity : Double(max(answered, saved) - saved) / 1e9)
            }
            return delays.sorted()
        }
    }

    /// The ways in which a writer saves.
    struct Manner: Sendable, CustomTestStringConvertible {
        let row: Int
        let format: String
        let saves: Int
        let pauseMilliseconds: Int
        var kills = 0

        /// The time within which a save, or a newer one, should respond. Files that are never quiet are loaded too, but later.
        var maxSeconds: Double { pauseMilliseconds > 0 || kills > 0 ? 1 : 3 }

        var testDescription: String { "\(format), \(pauseMilliseconds) ms between saves, \(kills) kills" }

        var fault: String {
            let saver = "a `tf.train.Saver` (`max_to_keep` 2, \(format))"
            if kills > 0 { return "\(saver) is killed \(kills) times at a random moment, and goes on each time" }
            return "\(saver) saves \(saves) times"
                + (pauseMilliseconds > 0 ? " with \(pauseMilliseconds) ms between two saves" : ", as fast as it can")
        }
    }

    private static let manners = [
        Manner(row: 21, format: "V2", saves: Extent.of(300, short: 8), pauseMilliseconds: 500),
        Manner(row: 22, format: "V2", saves: Extent.of(3000, short: 100), pauseMilliseconds: 0),
        Manner(row: 23, format: "V1", saves: Extent.of(100, short: 5), pauseMilliseconds: 500),
        Manner(row: 24, format: "V2", saves: 1, pauseMilliseconds: 0, kills: Extent.of(100, short: 6)),
        Manner(row: 25, format: "V1", saves: 1, pauseMilliseconds: 0, kills: Extent.of(30, short: 3)),
    ]

    @Test("no request fails, each answer is that of a whole step, the newest is served soon", arguments: manners)
    func train(_ manner: Manner) throws {
        let folder = try ServedFolder()
        let server = try RunningServer(folder.path)
        let load = try LoadGenerator(port: server.port, clients: 2)
        let script = Fixtures.package.appendingPathComponent("Tests/FaultTests/live_writer.py").path
        let writer = try Program.launch(
            try #require(TensorFlow.python),
            [script, folder.path, manner.format, "\(manner.saves)", "\(manner.pauseMilliseconds)", "\(manner.kills)"])
        try #require(writer.status == 0, "\(writer.errors.suffix(2000))")
        let saves = Saves(writer.output)
        let last = try #require(saves.times.keys.max())
        #expect(saves.killCount == manner.kills)
        let isServed = SteppedModel.wait(forStep: last, port: server.port, seconds: 20) != nil
        #expect(isServed, "\(server.log.suffix(2000))")
        // The clients see it, too, a few answers later.
        usleep(100_000)
        let tally = load.stop()
        #expect(tally.failed == 0, "\(tally.failures) \(tally.examples)")
        #expect(tally.mixed.isEmpty, "\(tally.mixed.prefix(2))")
        let complaints = server.log.split(separator: "\n").filter {
            $0.contains(" warning ") || $0.contains(" error ")
        }
        #expect(complaints.isEmpty, "\(complaints.prefix(5))")
        let delays = saves.delays(tally.firstAnswers)
        let longest = delays.last ?? .infinity
        #expect(longest.isFinite, "saves that neither answered nor were followed by one that did")
        FaultReport.note(
            manner.row, manner.fault,
            "\(tally.answered) responses of \(tally.steps.count) steps, \(tally.failed) failed, \(tally.mixed.count) mixed; "
                + "\(saves.times.count) complete saves, each (or a newer one) served within \(milliseconds(longest)) "
                + "(median \(milliseconds(delays[delays.count / 2]))); \(complaints.count) warnings",
            passed: isServed && tally.failed == 0 && tally.mixed.isEmpty && longest <= manner.maxSeconds
                && complaints.isEmpty)
    }
}
