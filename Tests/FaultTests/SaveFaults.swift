import Foundation
import Glibc
import ServerSupport
import Testing

/// Changes of the files of a served folder.
@Suite("Faults while a checkpoint is saved", .serialized)
struct SaveFaults {
    /// Checks that no response was mixed or missing, and that all have one of these steps.
    private func expectSound(_ tally: LoadGenerator.Tally, steps: Set<Int>) -> Bool {
        #expect(tally.failed == 0, "\(tally.failures) \(tally.examples)")
        #expect(tally.mixed.isEmpty, "\(tally.mixed.prefix(2))")
        #expect(Set(tally.steps.keys).isSubset(of: steps), "\(tally.steps)")
        #expect(tally.answered > 0)
        return tally.failed == 0 && tally.mixed.isEmpty && Set(tally.steps.keys).isSubset(of: steps)
    }

    @Test("a save is served within a second of its last file, without a failed request or a line of warning")
    func ordinarySaves() throws {
        let folder = try ServedFolder()
        let server = try RunningServer(folder.path)
        let load = try LoadGenerator(port: server.port, clients: 2)
        var longest = 0.0
        for step in folder.saves.steps.dropFirst() {
            try folder.saves.save(step: step, in: folder.path)
            longest = max(longest, try #require(SteppedModel.wait(forStep: step, port: server.port, seconds: 10)))
        }
        let isSound = expectSound(load.stop(), steps: Set(folder.saves.steps))
        let complaints = server.log.split(separator: "\n").filter { $0.contains("warning") || $0.contains("error") }
        #expect(complaints.isEmpty)
        FaultReport.note(
            0, "five ordinary saves", "each served within \(milliseconds(longest)) of its last file",
            passed: isSound && longest < 1 && complaints.isEmpty)
    }

    @Test("a writer that dies at any byte of a save never makes a bad answer, and the next save is served")
    func writerDies() throws {
        let folder = try ServedFolder()
        let server = try RunningServer(folder.path)
        let load = try LoadGenerator(port: server.port, clients: 2)
        var random = SystemRandomNumberGenerator()
        let points = Extent.of(500, short: 6)
        var longest = 0.0
        var isSound = true
        for point in 0..<points {
            let steps = point % 2 == 0 ? (next: 3, after: 4) : (next: 5, after: 6)
            let bytes = try folder.saves.byteCount(ofStep: steps.next)
            try folder.saves.save(
                step: steps.next, in: folder.path, dyingAfter: Int.random(in: 0..<bytes, using: &random))
            usleep(point % 10 == 0 ? 700_000 : 50_000)
            try folder.saves.save(step: steps.after, in: folder.path)
            let seconds = SteppedModel.wait(forStep: steps.after, port: server.port, seconds: 10)
            #expect(seconds != nil, "the save after the broken one is not served: \(server.log.suffix(500))")
            longest = max(longest, seconds ?? .infinity)
            isSound = expectSound(load.take(), steps: [1, 3, 4, 5, 6]) && isSound
        }
        _ = load.stop()
        FaultReport.note(
            1, "the writer dies at \(points) random bytes of a save",
            "no wrong response; the next save is served within \(milliseconds(longest))",
            passed: isSound && longest <= 2)
    }

    @Test("a .meta that comes late makes at most one line of the log, and is served when it is there")
    func lateMeta() throws {
        let folder = try ServedFolder()
        let server = try RunningServer(folder.path)
        let load = try LoadGenerator(port: server.port, clients: 2)
        let lines = server.log.split(separator: "\n").count
        try folder.saves.copy(step: 2, to: folder.path, order: [0, 1, 3])
        usleep(UInt32(Extent.of(5_000_000, short: 1_500_000)))
        let more = server.log.split(separator: "\n").count - lines
        #expect(more <= 1, "\(server.log)")
        try folder.saves.copy(step: 2, to: folder.path, order: [2])
        let seconds = SteppedModel.wait(forStep: 2, port: server.port, seconds: 10)
        #expect(seconds != nil)
        let isSound = expectSound(load.stop(), steps: [1, 2])
        FaultReport.note(
            2, "`.meta` arrives \(Extent.isFull ? 5 : 1.5) s after `checkpoint` names it",
            "\(more) log lines meanwhile; served \(milliseconds(seconds ?? .infinity)) after it arrived",
            passed: isSound && more <= 1 && seconds != nil)
    }

    @Test("a copy is never served half, whatever the order of its files and the size of its pieces")
    func copies() throws {
        let folder = try ServedFolder()
        let server = try RunningServer(folder.path)
        let load = try LoadGenerator(port: server.port, clients: 2)
        let orders = permutations([0, 1, 2, 3])
        var isSound = true
        var count = 0
        for (index, order) in orders.enumerated() where Extent.isFull || index % 8 == 0 {
            for chunk in Extent.isFull ? [1, 97, 4096, 65536] : [97] {
                count += 1
                let step = count % 2 == 0 ? 1 : 2
                let pieces = max(1, try folder.saves.byteCount(ofStep: step) / chunk)
                // A copy takes a little more than half a second, regardless of the size of its pieces.
                let pause = UInt32(min(200_000, 600_000 / pieces))
                try folder.saves.copy(step: step, to: folder.path, order: order, chunk: chunk) {
                    if pause >= 50 { usleep(pause) }
                }
                let seconds = SteppedModel.wait(forStep: step, port: server.port, seconds: 15)
                #expect(seconds != nil, "order \(order), pieces of \(chunk): \(server.log.suffix(500))")
                isSound = expectSound(load.take(), steps: [1, 2]) && isSound && seconds != nil
            }
        }
        _ = load.stop()
        FaultReport.note(
            3,
            Extent.isFull
                ? "\(count) copies with `cp`, files in all \(orders.count) orders, in pieces of 1 to 65536 bytes"
                : "\(count) copies with `cp`, files in other orders, in pieces of 97 bytes",
            "no wrong response, none missing; each copy is served in the end", passed: isSound)
    }

    @Test("files that are written over in place answer all old or all new")
    func overwritten() throws {
        let folder = try ServedFolder()
        let server = try RunningServer(folder.path)
        let load = try LoadGenerator(port: server.port, clients: 4)
        let requests = Extent.of(10_000, short: 300)
        var rewrites = 0
        // The names stay those of step 1; the weights are those of other steps.
        while load.answered < requests {
            rewrites += 1
            let step = folder.saves.steps[rewrites % folder.saves.steps.count]
            for suffix in ["data-00000-of-00001", "index"] {
                try RecordedSaves.write(
                    try folder.saves.content("model-\(step).\(suffix)", ofStep: step)[...],
                    to: folder.path + "/model-1.\(suffix)", chunk: 64
                ) { usleep(500) }
            }
            usleep(rewrites % 3 == 0 ? 1_500_000 : 20_000)
        }
        let tally = load.stop()
        // The answer names step 1, its numbers are those of any step: only a mixture is wrong.
        let mixtures = tally.mixed.filter { Self.numbers(of: $0).count != 1 }
        #expect(mixtures.isEmpty, "\(mixtures.prefix(2))")
        #expect(tally.failed == 0, "\(tally.failures) \(tally.examples)")
        FaultReport.note(
            6, "files overwritten in place \(rewrites) times while \(tally.answered + tally.mixed.count) requests run",
            "\(mixtures.count) responses with mixed weights, \(tally.failed) failed",
            passed: mixtures.isEmpty && tally.failed == 0)
    }

    private static func numbers(of answer: String) -> Set<Substring> {
        guard let match = answer.firstMatch(of: /"all:0":\[([^\]]*)/) else { return [] }
        // The excerpt may end within a number.
        return Set(match.1.split(separator: ",").dropLast())
    }

    @Test("saves that come faster than they can be loaded: the newest wins")
    func storm() throws {
        let folder = try ServedFolder()
        let server = try RunningServer(folder.path)
        let load = try LoadGenerator(port: server.port, clients: 2)
        let saves = Extent.of(600, short: 10)
        var step = 1
        for _ in 0..<saves {
            step = step % folder.saves.steps.count + 1
            try folder.saves.save(step: step, in: folder.path)
            usleep(100_000)
        }
        let seconds = SteppedModel.wait(forStep: step, port: server.port, seconds: 10)
        #expect(seconds != nil)
        let tally = load.stop()
        let isSound = expectSound(tally, steps: Set(folder.saves.steps))
        FaultReport.note(
            9, "\(saves) saves, one each 100 ms, the oldest removed (`max_to_keep` 2)",
            "\(tally.answered) responses, none wrong, of \(tally.steps.count) steps; the last is served "
                + "\(milliseconds(seconds ?? .infinity)) after it arrived", passed: isSound && seconds != nil)
    }

    @Test("times of 1970 and of next year neither hide a save nor load it twice")
    func times() throws {
        let folder = try ServedFolder()
        let server = try RunningServer(folder.path)
        var isSound = true
        for (step, seconds) in [(2, 0), (3, 4_000_000_000), (4, 1)] {
            try folder.saves.save(step: step, in: folder.path)
            for name in folder.saves.files(ofStep: step) {
                try FileManager.default.setAttributes(
                    [.modificationDate: Date(timeIntervalSince1970: Double(seconds))],
                    ofItemAtPath: folder.path + "/" + name)
            }
            let waited = SteppedModel.wait(forStep: step, port: server.port, seconds: 10)
            #expect(waited != nil)
            isSound = isSound && waited != nil
        }
        usleep(1_500_000)
        let loads = server.log.components(separatedBy: " loaded").count - 1
        // A touched file may be checked once more, but not repeatedly.
        #expect(loads <= 8, "\(server.log)")
        FaultReport.note(
            19, "files with times of 1970 and of 2096", "each save is served; \(loads) loads of 4 saves",
            passed: isSound && loads <= 8)
    }

    private func permutations(_ items: [Int]) -> [[Int]] {
        guard items.count > 1 else { return [items] }
        return items.indices.flatMap { index in
            var rest = items
            let first = rest.remove(at: index)
            return permutations(rest).map { [first] + $0 }
        }
    }
}

/// A time for the table.
func milliseconds(_ seconds: Double) -> String {
    seconds.isFinite ? "\(Int((seconds * 1000).rounded())) ms" : "never"
}
