import Checkpoints
import Foundation
import Tensors
import Testing
import VectorSupport

@Suite("Writing checkpoints")
struct BundleWriterTests {
    /// All tensors of a checkpoint.
    private static func items(of prefix: String) throws -> [BundleWriter.Item] {
        let reader = try CheckpointReader(prefix: prefix)
        return reader.tensors.map { info in
            BundleWriter.Item(info.name) { () throws(CheckpointError) in try reader.tensor(named: info.name) }
        }
    }

    @Test(
        "The tensors of TensorFlow's checkpoints make the same bytes again",
        arguments: ["checkpoints/absolute/model-7", "checkpoints/kinds/model-7", "checkpoints/resources/model-7"])
    func sameBytes(name: String) throws {
        try Fixtures.withFolder { folder in
            let original = Fixtures.path(name)
            try BundleWriter(prefix: folder + "/model").write(Self.items(of: original))
            for ending in [".index", ".data-00000-of-00001"] {
                #expect(
                    try Fixtures.bytes(folder + "/model" + ending) == Fixtures.bytes(original + ending), "\(ending)")
            }
        }
    }

    @Test("Many tensors need several blocks and shards, and are read again", arguments: [1, 3])
    func manyTensors(shards: Int) throws {
        try Fixtures.withFolder { folder in
            let names = (0..<16_000).map {
                "layer_\($0 % 7)/with_a_long_name_that_fills_blocks_of_the_index/weights_\($0)"
            }
            let items = try names.enumerated().map { index, name in
                let tensor = try #require(Tensor([Float(index), -Float(index)], shape: [2]))
                return BundleWriter.Item(name) { () throws(CheckpointError) in tensor }
            }
            var written = 0
            try BundleWriter(prefix: folder + "/model", shardCount: shards).write(items) { written += $0 }
            #expect(written == names.count * 8)
            let reader = try CheckpointReader(prefix: folder + "/model")
            #expect(reader.tensors.count == names.count)
            for (index, name) in names.enumerated() where index % 501 == 0 {
                #expect(try reader.tensor(named: name).scalars(as: Float.self) == [Float(index), -Float(index)])
            }
            // A block of the index has 262144 bytes at most.
            #expect(try Fixtures.bytes(folder + "/model.index").count > 300_000)
        }
    }

    @Test("A tensor that cannot be had leaves the folder as it was")
    func failure() throws {
        try Fixtures.withFolder { folder in
            let good = try #require(Tensor([Float(1)], shape: [1]))
            try BundleWriter(prefix: folder + "/model").write([.init("a") { () throws(CheckpointError) in good }])
            let before = try Fixtures.bytes(folder + "/model.data-00000-of-00001")
            let lost = CheckpointError(.notFound, file: "b", "is lost")
            #expect(throws: lost) {
                try BundleWriter(prefix: folder + "/model").write([
                    .init("a") { () throws(CheckpointError) in good },
                    .init("b") { () throws(CheckpointError) in throw lost },
                ])
            }
            #expect(try Fixtures.bytes(folder + "/model.data-00000-of-00001") == before)
            let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
            #expect(names == ["model.data-00000-of-00001", "model.index"])
        }
    }

    @Test("A folder that does not exist is named")
    func noFolder() throws {
        let error = #expect(throws: CheckpointError.self) {
            try BundleWriter(prefix: "/nowhere/model").write([])
        }
        #expect(
            "\(try #require(error))"
                == "/nowhere/model.data-00000-of-00001: cannot be written: No such file or directory")
    }

    @Test("checkpoint lists what is kept, and is read again")
    func state() throws {
        try Fixtures.withFolder { folder in
            let kept = ["model-1", "odd \"name\" é\n-2"].map { CheckpointState.Kept(path: $0, time: 12.5) }
            try CheckpointState.write(kept, lastPreserved: 3, in: folder)
            let state = try CheckpointState(contentsOf: folder + "/checkpoint")
            #expect(state.modelCheckpointPath == kept[1].path)
            #expect(state.allModelCheckpointPaths == kept.map(\.path))
            let text = String(decoding: try Fixtures.bytes(folder + "/checkpoint"), as: UTF8.self)
            #expect(text.contains("all_model_checkpoint_timestamps: 12.5\n"))
            #expect(text.contains("last_preserved_timestamp: 3.0\n"))
        }
    }

    @Test("A folder is locked for one saver at a time")
    func lock() throws {
        try Fixtures.withFolder { folder in
            var lock: FolderLock? = try FolderLock(folder: folder)
            let error = #expect(throws: CheckpointError.self) { _ = try FolderLock(folder: folder) }
            #expect(
                "\(try #require(error))"
                    == "\(folder): another process saves checkpoints in this folder: wait until it ends, or save elsewhere"
            )
            #expect(lock != nil)
            lock = nil
            #expect(throws: Never.self) { _ = try FolderLock(folder: folder) }
        }
    }
}
