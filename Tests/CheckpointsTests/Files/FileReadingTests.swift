import Files
import Foundation
import SwiftProtobuf
import TensorFlowProtos
import Tensors
import Testing
import VectorSupport

@testable import Checkpoints

@Suite("Files that change while, or after, they are read")
struct FileReadingTests {
    /// The files of a folder that this process holds open, or has mapped.
    private func held(_ folder: String) throws -> [String] {
        let name = URL(fileURLWithPath: folder).lastPathComponent
        let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/" + $0)
        }
        let maps = String(decoding: FileManager.default.contents(atPath: "/proc/self/maps") ?? Data(), as: UTF8.self)
        return (descriptors + maps.split(separator: "\n").map(String.init)).filter { $0.contains(name) }
    }

    @Test("what is in memory stays as it was verified, whatever happens to the files, and none is held")
    func overwritten() throws {
        for (fixture, prefix) in [("checkpoints/kinds", "model-7"), ("files/v1_sliced", "model.ckpt-7")] {
            try Fixtures.withCopy(of: Fixtures.path(fixture)) { copy in
                let reader = try CheckpointReader(prefix: "\(copy)/\(prefix)").loaded()
                #expect(try held(copy) == [])
                let before = try reader.names.map { try reader.tensor(named: $0) }
                let files = try FileManager.default.contentsOfDirectory(atPath: copy).map { "\(copy)/\($0)" }
                for file in files {
                    let handle = try #require(FileHandle(forUpdatingAtPath: file))
                    try handle.write(contentsOf: Data(repeating: 0xa5, count: 64))
                    try handle.truncate(atOffset: 64)
                    try handle.close()
                }
                for (name, tensor) in zip(reader.names, before) {
                    let after = try reader.tensor(named: name)
                    if let strings = tensor.strings {
                        #expect(after.strings == strings)
                    } else {
                        #expect(tensor.withUnsafeBytes { Array($0) } == after.withUnsafeBytes { Array($0) }, "\(name)")
                    }
                }
                let original = try CheckpointReader(prefix: Fixtures.path("\(fixture)/\(prefix)"))
                for (name, tensor) in zip(reader.names, before) where tensor.strings == nil {
                    let truth = try original.tensor(named: name)
                    #expect(tensor.withUnsafeBytes { Array($0) } == truth.withUnsafeBytes { Array($0) }, "\(name)")
                }
            }
        }
    }

    @Test("a file that is cut off, or written, while it is read is an error of its own")
    func changing() throws {
        try Fixtures.withCopy(of: Fixtures.path("checkpoints/kinds")) { copy in
            let path = copy + "/model-7.data-00000-of-00001"
            let file = try OpenFile(path: path)
            try file.requireUnchanged()
            let bytes = try Fixtures.bytes(path)
            let handle = try #require(FileHandle(forUpdatingAtPath: path))
            try handle.truncate(atOffset: 10)
            let memory = try #require(PrivateMemory(byteCount: file.byteCount))
            let cut = #expect(throws: CheckpointError.self) { try file.read(into: memory.bytes, at: 0) }
            #expect(cut?.kind == .changed)
            #expect(cut?.reason == "ended at 10 of \(bytes.count) bytes: it was cut off while it was read")
            // As long as before, but another time of writing.
            try handle.seek(toOffset: 0)
            try handle.write(contentsOf: Data(bytes))
            try handle.close()
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: 7)], ofItemAtPath: path)
            #expect(FileIdentity(path: path)?.size == file.identity.size)
            let written = #expect(throws: CheckpointError.self) { try file.requireUnchanged() }
            #expect(written?.kind == .changed)
            #expect(written?.description == "\(path): changed while it was read")
        }
    }

    @Test("files that are deleted when they are open are read all the same")
    func deleted() throws {
        try Fixtures.withCopy(of: Fixtures.path("checkpoints/sharded")) { copy in
            let reader = try CheckpointReader(folder: copy)
            for file in try FileManager.default.contentsOfDirectory(atPath: copy) {
                try FileManager.default.removeItem(atPath: "\(copy)/\(file)")
            }
            #expect(try reader.loaded().tensor(named: "v3").scalars(as: Float.self) == [3, 3, 3, 3])
        }
    }

    @Test("tensors that share bytes are refused: they would take more memory than the file has")
    func overlapping() throws {
        var header = BundleHeaderProto()
        header.numShards = 1
        let entry =
            try BundleEntryProto.with { entry in
                entry.dtype = 1
                entry.shape.dim = [.with { $0.size = 1 }]
                entry.size = 4
                entry.crc32C = [UInt8](repeating: 0, count: 4).withUnsafeBytes { Checksum.masked(of: $0) }
            }.serializedBytes() as [UInt8]
        let table = TableBuilder().table([
            ([], try header.serializedBytes()), (Array("a".utf8), entry), (Array("b".utf8), entry),
        ])
        try Fixtures.withCopy(of: Fixtures.path("checkpoints/renamed")) { copy in
            try Fixtures.write(table, to: copy + "/m.index")
            try Fixtures.write([0, 0, 0, 0], to: copy + "/m.data-00000-of-00001")
            let error = #expect(throws: CheckpointError.self) { try CheckpointReader(prefix: copy + "/m").loaded() }
            #expect(error?.kind == .malformed)
            #expect(error?.reason.hasSuffix("its bytes at 0 overlap another tensor, which ends at 4") == true)
        }
    }

    @Test(
        "every flipped bit of index and data is found",
        arguments: ["checkpoints/kinds", "checkpoints/partitioned", "checkpoints/sharded"])
    func flips(_ fixture: String) throws {
        try Fixtures.withCopy(of: Fixtures.path(fixture)) { copy in
            for name in try FileManager.default.contentsOfDirectory(atPath: copy) {
                guard name.contains(".index") || name.contains(".data-") else { continue }
                let path = "\(copy)/\(name)"
                var bytes = try Fixtures.bytes(path)
                let handle = try #require(FileHandle(forUpdatingAtPath: path))
                for bit in 0..<bytes.count * 8 {
                    bytes[bit / 8] ^= 1 << UInt8(bit % 8)
                    try handle.seek(toOffset: UInt64(bit / 8))
                    try handle.write(contentsOf: Data([bytes[bit / 8]]))
                    #expect(throws: CheckpointError.self, "\(name), bit \(bit)") {
                        try CheckpointReader(prefix: copy + "/model-7").loaded()
                    }
                    bytes[bit / 8] ^= 1 << UInt8(bit % 8)
                    try handle.seek(toOffset: UInt64(bit / 8))
                    try handle.write(contentsOf: Data([bytes[bit / 8]]))
                }
                try handle.close()
            }
            #expect(throws: Never.self) { try CheckpointReader(prefix: copy + "/model-7").loaded() }
        }
    }
}
