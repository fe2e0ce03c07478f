import Checkpoints
import Foundation
import Glibc
import ServerSupport
import Serving
import Tensors
import Testing
import VectorSupport

/// Files that are damaged, wrong or missing.
@Suite("Faults of the files", .serialized)
struct FileFaults {
    private let saves: RecordedSaves

    init() throws { saves = try RecordedSaves() }

    /// Whether the reader refuses, or reads the same tensors, because an unused bit does no harm.
    private func isDetectedOrHarmless(_ prefix: String, _ sound: [String: [UInt8]]) -> Bool {
        guard let reader = try? CheckpointReader(prefix: prefix), (try? reader.verify()) != nil else { return true }
        guard Set(reader.names) == Set(sound.keys) else { return false }
        return sound.allSatisfy { name, values in
            (try? reader.tensor(named: name).withUnsafeBytes { Array($0) }) == values
        }
    }

    private func values(_ prefix: String) throws -> [String: [UInt8]] {
        let reader = try CheckpointReader(prefix: prefix)
        return Dictionary(
            uniqueKeysWithValues: try reader.names.map {
                ($0, try reader.tensor(named: $0).withUnsafeBytes { Array($0) })
            })
    }

    @Test("a flipped bit of .index or .data is found", arguments: ["index", "data-00000-of-00001"])
    func flippedBits(suffix: String) throws {
        let folder = try ServedFolder(step: nil)
        for name in try FileManager.default.contentsOfDirectory(atPath: Fixtures.model("digits")) {
            try FileManager.default.copyItem(
                atPath: Fixtures.model("digits") + "/" + name, toPath: folder.path + "/" + name)
        }
        let prefix = folder.path + "/model-3000"
        let sound = try values(prefix)
        let original = try Fixtures.bytes("\(prefix).\(suffix)")
        var random = SystemRandomNumberGenerator()
        let count = Extent.of(10_000, short: 400)
        var missed = 0
        for flip in 0..<count {
            // All bits of a small file, before any is tried twice.
            let bit =
                original.count * 8 <= count
                ? flip % (original.count * 8) : Int.random(in: 0..<original.count * 8, using: &random)
            var bytes = original
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            try Fixtures.write(bytes, to: "\(prefix).\(suffix)")
            if !isDetectedOrHarmless(prefix, sound) { missed += 1 }
        }
        #expect(missed == 0)
        FaultReport.note(
            suffix == "index" ? 4 : 5, "\(count) flips of one bit in `.\(suffix.prefix(5).split(separator: "-")[0])`",
            "\(count - missed) detected or without effect, no crash", passed: missed == 0)
    }

    @Test("a file that is cut off is found, wherever")
    func truncated() throws {
        let folder = try ServedFolder()
        let prefix = folder.path + "/model-1"
        let sound = try values(prefix)
        var missed: [String] = []
        var count = 0
        for suffix in ["index", "data-00000-of-00001", "meta"] {
            let original = try saves.content("model-1.\(suffix)", ofStep: 1)
            let stride = max(1, original.count / Extent.of(1000, short: 60))
            for end in Swift.stride(from: 0, to: original.count, by: stride) {
                count += 1
                try Fixtures.write(Array(original[..<end]), to: "\(prefix).\(suffix)")
                let isFound =
                    suffix == "meta"
                    ? (try? Model(contentsOf: folder.path)) == nil : isDetectedOrHarmless(prefix, sound)
                if !isFound { missed.append("\(suffix) at \(end)") }
            }
            try Fixtures.write(original, to: "\(prefix).\(suffix)")
        }
        #expect(missed.isEmpty, "\(missed.prefix(10))")
        FaultReport.note(
            7, "\(count) truncated files (`.index`, `.data`, `.meta`)", "\(count - missed.count) detected, no crash",
            passed: missed.isEmpty)
    }

    /// Changes the folder, and expects that the old model stays in service, that the log contains a word, and that the next save is served.
    private func expectKept(
        _ number: Int, _ fault: String, saying words: [String], _ damage: (ServedFolder) throws -> Void
    ) throws {
        let folder = try ServedFolder()
        let server = try RunningServer(folder.path)
        let load = try LoadGenerator(port: server.port, clients: 2)
        try damage(folder)
        usleep(2_500_000)
        let tally = load.take()
        #expect(tally.failed == 0, "\(tally.examples)")
        #expect(Array(tally.steps.keys) == [1])
        for word in words { #expect(server.log.contains(word), "\(server.log)") }
        let described = try Program.curl(server.address + "/models/" + (folder.path.split(separator: "/").last ?? ""))
        try folder.saves.save(step: 3, in: folder.path)
        let seconds = SteppedModel.wait(forStep: 3, port: server.port, seconds: 10)
        #expect(seconds != nil, "\(server.log.suffix(800))")
        _ = load.stop()
        let isSaid = words.allSatisfy { server.log.contains($0) }
        FaultReport.note(
            number, fault,
            "the old model stays in service (\(tally.answered) responses, \(tally.failed) failed), the log gives the reason; the next "
                + "good save is served within \(milliseconds(seconds ?? .infinity))",
            passed: tally.failed == 0 && tally.steps.keys.allSatisfy { $0 == 1 } && isSaid && seconds != nil
                && !described.isEmpty)
    }

    @Test("a damaged file is refused, the old model serves on")
    func damaged() throws {
        try expectKept(8, "a save whose `.data` has a flipped bit", saying: ["checksum"]) { folder in
            var bytes = try folder.saves.content("model-2.data-00000-of-00001", ofStep: 2)
            bytes[100] ^= 4
            try folder.saves.save(step: 2, in: folder.path)
            try Fixtures.write(bytes, to: folder.path + "/model-2.data-00000-of-00001")
        }
    }

    @Test("a checkpoint without the graph's variables is refused with their names")
    func otherVariables() throws {
        try expectKept(10, "a save whose variables are those of another graph", saying: ["variable \"a\""]) { folder in
            for suffix in ["index", "data-00000-of-00001"] {
                try Fixtures.write(
                    try Fixtures.bytes(Fixtures.model("tutorial") + "/model-1000.\(suffix)"),
                    to: folder.path + "/model-2.\(suffix)")
            }
            try Fixtures.write(try folder.saves.content("model-2.meta", ofStep: 2), to: folder.path + "/model-2.meta")
            try Fixtures.write(try folder.saves.content("checkpoint", ofStep: 2), to: folder.path + "/checkpoint")
        }
    }

    @Test("a graph with an op that is not supported is refused with its name")
    func unknownOp() throws {
        try expectKept(11, "a save whose graph needs an unknown op", saying: ["ConcatZ9"]) { folder in
            let meta = try folder.saves.content("model-2.meta", ofStep: 2)
            let text = String(decoding: meta, as: Unicode.ASCII.self)
            #expect(text.contains("ConcatV2"))
            var bytes = meta
            while let range = bytes.firstRange(of: Array("ConcatV2".utf8)) {
                bytes.replaceSubrange(range, with: Array("ConcatZ9".utf8))
            }
            try folder.saves.copy(step: 2, to: folder.path, order: [0, 1])
            try Fixtures.write(bytes, to: folder.path + "/model-2.meta")
            try Fixtures.write(try folder.saves.content("checkpoint", ofStep: 2), to: folder.path + "/checkpoint")
        }
    }

    @Test("a folder that is gone does not take the model with it")
    func folderGone() throws {
        let folder = try ServedFolder()
        let server = try RunningServer(folder.path)
        let load = try LoadGenerator(port: server.port, clients: 2)
        rename(folder.path, folder.path + ".away")
        usleep(UInt32(Extent.of(5_000_000, short: 2_000_000)))
        let tally = load.take()
        #expect(tally.failed == 0, "\(tally.examples)")
        #expect(tally.answered > 0)
        rename(folder.path + ".away", folder.path)
        try folder.saves.save(step: 2, in: folder.path)
        let seconds = SteppedModel.wait(forStep: 2, port: server.port, seconds: 10)
        #expect(seconds != nil, "\(server.log)")
        _ = load.stop()
        FaultReport.note(
            12, "the folder is renamed, and reappears with a new save",
            "\(tally.answered) responses meanwhile, \(tally.failed) failed; the save is served "
                + "\(milliseconds(seconds ?? .infinity)) after it arrived", passed: tally.failed == 0 && seconds != nil)
    }
}
