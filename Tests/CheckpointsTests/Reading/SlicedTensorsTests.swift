import Checkpoints
import Foundation
import SwiftProtobuf
import TensorFlowProtos
import Tensors
import Testing
import VectorSupport

@testable import Checkpoints

@Suite("V1 checkpoints")
struct SlicedTensorsTests {
    @Test("a partitioned tensor, and parts of it")
    func slices() throws {
        let reader = try CheckpointReader(folder: Fixtures.path("files/v1_sliced"))
        #expect(reader.format == "V1 checkpoint")
        #expect(reader.names == ["root/part"])
        #expect(try reader.tensor(named: "root/part").scalars(as: Float.self) == (0..<40).map { Float($0) })
        let part = try reader.tensor(named: "root/part", slice: "10 4 2,5:1,2")
        let expected = (2..<7).flatMap { row in (1..<3).map { Float(row * 4 + $0) } }
        #expect(part.scalars(as: Float.self) == expected)
    }

    @Test("shards are told, and one that is missing is an error, not a smaller checkpoint")
    func shards() throws {
        let folder = Fixtures.path("files/v1_sharded")
        #expect(try CheckpointFolder(folder: folder).step == 7)
        #expect(Set(try CheckpointReader(folder: folder).tensors.flatMap(\.shards)) == [0, 1])
        try Fixtures.withCopy(of: folder) { copy in
            try FileManager.default.removeItem(atPath: copy + "/model.ckpt-7-00001-of-00002")
            let error = #expect(throws: CheckpointError.self) { try CheckpointReader(folder: copy) }
            #expect(error?.kind == .notFound)
        }
    }

    @Test("without a checkpoint file the newest is found by what the files hold, not by their names")
    func found() throws {
        for name in ["v1", "v1_sharded"] {
            try Fixtures.withCopy(of: Fixtures.path("files/\(name)")) { copy in
                try FileManager.default.removeItem(atPath: copy + "/checkpoint")
                let folder = try CheckpointFolder(folder: copy)
                #expect(folder.step == 7)
                #expect(folder.metaPath == copy + "/model.ckpt-7.meta")
            }
        }
    }

    @Test("every truncation and every flipped bit is found")
    func damage() throws {
        let path = "/model.ckpt-7"
        try Fixtures.withCopy(of: Fixtures.path("files/v1_sliced")) { copy in
            func read() throws -> Tensor {
                let reader = try CheckpointReader(prefix: copy + path)
                try reader.verify()
                return try reader.tensor(named: "root/part")
            }
            let bytes = try Fixtures.bytes(copy + path)
            for end in 0..<bytes.count {
                try Fixtures.write(Array(bytes[..<end]), to: copy + path)
                #expect(throws: CheckpointError.self) { try read() }
            }
            for position in bytes.indices {
                var changed = bytes
                changed[position] ^= 1 << UInt8(position % 8)
                try Fixtures.write(changed, to: copy + path)
                #expect(throws: CheckpointError.self, "byte \(position)") { try read() }
            }
        }
    }
}

/// V1 files with right checksums and wrong contents.
@Suite("Hostile V1 files")
struct HostileSlicedTensorsTests {
    private typealias Change<Value> = (inout Value) -> Void

    private func list(_ change: Change<SavedSliceMeta> = { _ in }) throws -> [UInt8] {
        var message = SavedTensorSlices()
        message.meta.versions.producer = 1
        message.meta.tensor = [
            .with { tensor in
                tensor.name = "v"
                tensor.type = 1
                tensor.shape.dim = [.with { $0.size = 2 }]
                tensor.slice = [.with { $0.extent = [TensorSliceProto.Extent()] }]
                change(&tensor)
            }
        ]
        return try message.serializedBytes()
    }

    private func values(_ change: Change<TensorProto> = { _ in }) throws -> [UInt8] {
        var message = SavedTensorSlices()
        message.data.name = "v"
        message.data.data.floatVal = [1, 2]
        change(&message.data.data)
        return try message.serializedBytes()
    }

    private var key: [UInt8] { TensorSlice.whole(rank: 1).key(of: "v") }

    private func reason(_ table: [UInt8]) -> String? {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("metaserve-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        do {
            try Fixtures.write(table, to: path)
            try CheckpointReader(prefix: path).verify()
            return nil
        } catch let error as CheckpointError { return error.reason } catch { return "\(error)" }
    }

    private func reason(ofList change: Change<SavedSliceMeta>) throws -> String? {
        reason(TableBuilder().table([([], try list(change)), (key, try values())]))
    }

    private func reason(ofValues change: Change<TensorProto>) throws -> String? {
        reason(TableBuilder().table([([], try list()), (key, try values(change))]))
    }

    @Test("a right one opens")
    func right() throws { #expect(try reason(ofList: { _ in }) == nil) }

    @Test("lists of tensors")
    func lists() throws {
        func dims(_ sizes: [Int64]) -> Change<SavedSliceMeta> {
            { tensor in tensor.shape.dim = sizes.map { size in .with { $0.size = size } } }
        }
        #expect(try reason(ofList: { $0.type = 99 }) == "tensor \"v\": dtype 99 is not known")
        #expect(try reason(ofList: dims([-2])) == "tensor \"v\": shape [-2] is not one that a tensor can have")
        #expect(try reason(ofList: dims([1 << 40, 1 << 40]))?.contains("is not one that a tensor can have") == true)
        #expect(try reason(ofList: dims([2, 2])) == "tensor \"v\": a slice does not lie in its shape")
        #expect(
            try reason(ofList: dims([1 << 40])) == "tensor \"v\": a slice has 2 values; its shape needs 1099511627776")
        #expect(try reason(ofList: { $0.name = "w" }) == "tensor \"w\": a slice is listed but not stored")
        #expect(try reason(ofList: { $0.slice = [] }) == "tensor \"v\": its slices hold 0 of 2 elements")
        #expect(
            try reason(ofList: { $0.slice += $0.slice }) == "tensor \"v\": slices overlap")
        #expect(
            try reason(ofList: { $0.slice[0].extent[0].length = .max })
                == "tensor \"v\": a slice does not lie in its shape")
        #expect(
            try reason(ofList: { $0.slice[0].extent[0].length = 1 }) == "tensor \"v\": a slice is listed but not stored"
        )
        #expect(try reason(ofList: { $0.type = 7 }) == "tensor \"v\": a slice has 0 values; its shape needs 2")
        #expect(try reason(ofList: { $0.type = 20 }) == "tensor \"v\": dtype resource cannot be read from a checkpoint")
        let none = reason(TableBuilder().table([(key, try values())]))
        #expect(none == "has no list of tensors: it is not a V1 checkpoint")
    }

    @Test("values")
    func wrongValues() throws {
        #expect(try reason(ofValues: { $0.floatVal = [1] }) == "tensor \"v\": a slice has 1 values; its shape needs 2")
        #expect(
            try reason(ofValues: { $0.floatVal = [1, 2, 3] }) == "tensor \"v\": a slice has 3 values; its shape needs 2"
        )
        #expect(
            try reason(ofValues: {
                $0.floatVal = []; $0.tensorContent = Data([1, 2, 3])
            }) == "tensor \"v\": tensor_content has 3 bytes; float32 [2] needs 8")
        let garbage = reason(TableBuilder().table([([], try list()), (key, [0xff])]))
        #expect(garbage == "tensor \"v\": the values of a slice cannot be read")
    }

    @Test("random changes with right checksums never trap", arguments: [1, 2] as [UInt64])
    func fuzz(seed: UInt64) throws {
        var random = SplitMix(state: seed)
        let builder = TableBuilder()
        let block = builder.block([([], try list()), (key, try values())])
        for _ in 0..<1500 { _ = reason(builder.table(dataBlock: random.changing(block))) }
    }
}
