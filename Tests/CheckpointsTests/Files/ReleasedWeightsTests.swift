import Foundation
import Glibc
import SwiftProtobuf
import TensorFlowProtos
import Tensors
import Testing
import VectorSupport

@testable import Checkpoints

@Suite("Weights that are given back to the system")
struct ReleasedWeightsTests {
    private static let pageBytes = Int(sysconf(Int32(_SC_PAGESIZE)))

    /// A checkpoint of two tensors of many pages, `a` and `b`.
    private func withCheckpoint(_ body: (String) throws -> Void) throws {
        let count = 64 * 1024
        var data: [UInt8] = []
        var entries: [([UInt8], [UInt8])] = []
        var header = BundleHeaderProto()
        header.numShards = 1
        entries.append(([], try header.serializedBytes()))
        for (index, name) in ["a", "b"].enumerated() {
            let bytes = [Float](repeating: Float(index + 1), count: count).withUnsafeBytes { Array($0) }
            let entry = BundleEntryProto.with { entry in
                entry.dtype = 1
                entry.shape.dim = [.with { $0.size = Int64(count) }]
                entry.offset = Int64(data.count)
                entry.size = Int64(bytes.count)
                entry.crc32C = bytes.withUnsafeBytes { Checksum.masked(of: $0) }
            }
            entries.append((Array(name.utf8), try entry.serializedBytes()))
            data += bytes
        }
        try Fixtures.withCopy(of: Fixtures.path("checkpoints/renamed")) { copy in
            try Fixtures.write(TableBuilder().table(entries), to: copy + "/m.index")
            try Fixtures.write(data, to: copy + "/m.data-00000-of-00001")
            try body(copy + "/m")
        }
    }

    private func first(_ reader: CheckpointReader, _ name: String) throws -> Float? {
        try reader.tensor(named: name).scalars(as: Float.self)?.last
    }

    @Test("what nobody uses is given back, and read again when somebody asks for it, though the files are deleted")
    func released() throws {
        try withCheckpoint { prefix in
            let reader = try CheckpointReader(prefix: prefix).loaded(keepingFiles: true)
            for ending in [".index", ".data-00000-of-00001"] {
                try FileManager.default.removeItem(atPath: prefix + ending)
            }
            let all = reader.residentBytes
            #expect(all == 512 << 10)
            let used = try reader.tensor(named: "a")
            reader.giveBackUnused()
            // The first and the last page may belong to another tensor too.
            #expect(reader.residentBytes <= (256 << 10) + 2 * Self.pageBytes)
            #expect(used.scalars(as: Float.self)?.allSatisfy { $0 == 1 } == true)
            #expect(try reader.tensor(named: "b").scalars(as: Float.self)?.allSatisfy { $0 == 2 } == true)
            #expect(reader.residentBytes == all)
            reader.giveBackUnused()
            #expect(try first(reader, "b") == 2)
            #expect(used.scalars(as: Float.self)?.allSatisfy { $0 == 1 } == true)
        }
    }

    @Test("many threads that ask and give back see whole tensors only")
    func concurrent() throws {
        try withCheckpoint { prefix in
            let reader = try CheckpointReader(prefix: prefix).loaded(keepingFiles: true)
            DispatchQueue.concurrentPerform(iterations: 4) { thread in
                for round in 0..<50 {
                    let name = (thread + round) % 2 == 0 ? "a" : "b"
                    let expected: Float = name == "a" ? 1 : 2
                    let tensor = try? reader.tensor(named: name)
                    #expect(tensor?.scalars(as: Float.self)?.allSatisfy { $0 == expected } == true)
                    reader.giveBackUnused()
                }
            }
        }
    }

    @Test("a file that was written over meanwhile is an error, not other weights")
    func overwritten() throws {
        try withCheckpoint { prefix in
            let reader = try CheckpointReader(prefix: prefix).loaded(keepingFiles: true)
            reader.giveBackUnused()
            let handle = try #require(FileHandle(forUpdatingAtPath: prefix + ".data-00000-of-00001"))
            try handle.seek(toOffset: 1000)
            try handle.write(contentsOf: Data([7]))
            try handle.close()
            let error = #expect(throws: CheckpointError.self) { try reader.tensor(named: "a") }
            #expect(error?.kind == .corrupt)
            #expect(throws: CheckpointError.self) { try reader.tensor(named: "a") }
            #expect(try first(reader, "b") == 2)
        }
    }

    @Test("without open files everything stays")
    func closed() throws {
        try withCheckpoint { prefix in
            let reader = try CheckpointReader(prefix: prefix).loaded()
            reader.giveBackUnused()
            #expect(reader.residentBytes == 512 << 10)
            #expect(try first(reader, "a") == 1)
        }
    }
}
