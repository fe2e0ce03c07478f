import Checkpoints
import Foundation
import Serving
import Tensors
import Testing
import Training
import VectorSupport

@Suite("Saver")
struct SaverTests {
    private static func names(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0 != FolderLock.name }.sorted()
    }

    @Test("What is saved is restored, with the graph", arguments: ["tutorial", "digits"])
    func roundTrip(model: String) throws {
        try Fixtures.withFolder { folder in
            let session = try Session(contentsOf: Fixtures.model(model))
            let first = try #require(session.variables.first { (try? session.value(ofVariable: $0).dtype) == .float32 })
            let old = try session.value(ofVariable: first)
            let doubled = try #require(
                Tensor((old.scalars(as: Float.self) ?? []).map { 2 * $0 }, shape: old.shape.dimensions))
            try session.assign([first: doubled])
            let prefix = try Saver().save(session, to: folder + "/my_model", globalStep: 1000)
            #expect(prefix == folder + "/my_model-1000")
            #expect(Saver.latestCheckpoint(in: folder) == prefix)
            let again = try Session(contentsOf: folder)
            for name in session.variables where (try? session.value(ofVariable: name)) != nil {
                #expect(
                    try again.value(ofVariable: name).bytes == session.value(ofVariable: name).bytes, "\(name)")
            }
            // The restored session goes back to the first values.
            try Saver().restore(
                again, from: Fixtures.model(model) + (model == "tutorial" ? "/model-1000" : "/model-3000"))
            #expect(try again.value(ofVariable: first).bytes == old.bytes)
        }
    }

    @Test("The oldest checkpoints are deleted, and checkpoint lists the others")
    func maxToKeep() throws {
        try Fixtures.withFolder { folder in
            let session = try Session(contentsOf: Fixtures.model("tutorial"))
            let saver = Saver(maxToKeep: 2)
            for step in 1...4 {
                try saver.save(session, to: folder + "/m", globalStep: step, writeMetaGraph: step == 3)
            }
            #expect(
                try Self.names(folder) == [
                    "checkpoint", "m-3.data-00000-of-00001", "m-3.index", "m-3.meta", "m-4.data-00000-of-00001",
                    "m-4.index",
                ])
            let state = try CheckpointState(contentsOf: folder + "/checkpoint")
            #expect(state.allModelCheckpointPaths == ["m-3", "m-4"])
        }
    }

    @Test("One checkpoint of each period is kept for good")
    func keepEvery() throws {
        try Fixtures.withFolder { folder in
            let session = try Session(contentsOf: Fixtures.model("tutorial"))
            let saver = Saver(maxToKeep: 1, keepCheckpointEveryNHours: 0)
            for step in 1...3 { try saver.save(session, to: folder + "/m", globalStep: step, writeMetaGraph: false) }
            #expect(
                try Self.names(folder).filter { $0.hasSuffix(".index") } == ["m-1.index", "m-2.index", "m-3.index"])
            #expect(try CheckpointState(contentsOf: folder + "/checkpoint").allModelCheckpointPaths == ["m-3"])
        }
    }

    @Test("A checkpoint of the same name is replaced; its data stays until the new index is there")
    func replace() throws {
        try Fixtures.withFolder { folder in
            let session = try Session(contentsOf: Fixtures.model("tutorial"))
            let saver = Saver()
            for round in 1...3 {
                try session.assign(["bias": #require(Tensor([Float(round)], shape: []))])
                try saver.save(session, to: folder + "/m")
                let value = try Session(contentsOf: folder).value(ofVariable: "bias").scalars(as: Float.self)
                #expect(value == [Float(round)])
                let data = try Self.names(folder).filter { $0.contains(".data-") }
                #expect(data.count == (round == 2 ? 2 : 1))
            }
        }
    }

    @Test("What killed saves have left is not taken for data, and is deleted")
    func rests() throws {
        try Fixtures.withFolder { folder in
            let session = try Session(contentsOf: Fixtures.model("tutorial"))
            for _ in 1...2 { try Saver().save(session, to: folder + "/m") }
            // The index refers to two files. A save that was killed before its index has left another one.
            let stale = folder + "/m.data-00000-of-00001"
            try Fixtures.write([1, 2, 3], to: stale)
            try Fixtures.write([1], to: folder + "/m.index.metaserve-12")
            try Fixtures.write([1], to: folder + "/notes.metaserve-x")
            try session.assign(["bias": #require(Tensor([Float(7)], shape: []))])
            try Saver().save(session, to: folder + "/m")
            #expect(
                try Self.names(folder) == [
                    "checkpoint", "m.data-00000-of-00001", "m.index", "m.meta", "notes.metaserve-x",
                ])
            #expect(try Session(contentsOf: folder).value(ofVariable: "bias").scalars(as: Float.self) == [7])
        }
    }

    @Test("Some variables can be saved alone, and shards read again")
    func partial() throws {
        try Fixtures.withFolder { folder in
            let session = try Session(contentsOf: Fixtures.model("digits"))
            let names = Array(session.variables.filter { $0.hasPrefix("hidden1/") && !$0.contains("Adam") })
            try Saver(variables: names, shardCount: 2).save(session, to: folder + "/part", writeMetaGraph: false)
            let reader = try CheckpointReader(prefix: folder + "/part")
            #expect(reader.tensors.map(\.name) == names.sorted())
            #expect(try Self.names(folder).count == 4)
            #expect(throws: ModelError.self) { try Saver(variables: ["no"]).save(session, to: folder + "/x") }
        }
    }

    @Test("A second saver is refused while the first one lives")
    func second() throws {
        try Fixtures.withFolder { folder in
            let session = try Session(contentsOf: Fixtures.model("tutorial"))
            let saver = Saver()
            try saver.save(session, to: folder + "/m")
            let error = #expect(throws: ModelError.self) { try Saver().save(session, to: folder + "/m") }
            #expect(try #require(error).message.contains("another process saves checkpoints in this folder"))
            try saver.save(session, to: folder + "/m")
        }
    }
}

extension Tensor {
    fileprivate var bytes: [UInt8] { withUnsafeBytes { Array($0) } }
}
