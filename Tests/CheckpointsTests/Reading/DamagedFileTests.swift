import Checkpoints
import Foundation
import Testing
import VectorSupport

extension SplitMix {
    /// The bytes with one to four of them changed.
    mutating func changing(_ bytes: [UInt8]) -> [UInt8] {
        var changed = bytes
        for _ in 0..<Int.random(in: 1...4, using: &self) {
            changed[Int.random(in: changed.indices, using: &self)] = UInt8.random(in: .min ... .max, using: &self)
        }
        return changed
    }
}

@Suite("Damaged files")
struct DamagedFileTests {
    private func verify(_ folder: String) throws { try CheckpointReader(prefix: folder + "/model-7").verify() }

    @Test("every truncation of the index is found")
    func truncatedIndex() throws {
        try Fixtures.withCopy(of: Fixtures.path("checkpoints/kinds")) { copy in
            let index = try Fixtures.bytes(copy + "/model-7.index")
            for end in 0..<index.count {
                try Fixtures.write(Array(index[..<end]), to: copy + "/model-7.index")
                #expect(throws: CheckpointError.self) { try verify(copy) }
            }
        }
    }

    @Test("every changed byte of the index is found")
    func flippedIndex() throws {
        try Fixtures.withCopy(of: Fixtures.path("checkpoints/partitioned")) { copy in
            let index = try Fixtures.bytes(copy + "/model-7.index")
            for position in index.indices {
                var changed = index
                changed[position] ^= 1 << UInt8(position % 8)
                try Fixtures.write(changed, to: copy + "/model-7.index")
                #expect(throws: CheckpointError.self, "byte \(position)") { try verify(copy) }
            }
        }
    }

    @Test("every changed byte of the data is found, and every truncation")
    func flippedData() throws {
        try Fixtures.withCopy(of: Fixtures.path("checkpoints/kinds")) { copy in
            let path = copy + "/model-7.data-00000-of-00001"
            let data = try Fixtures.bytes(path)
            for position in data.indices {
                var changed = data
                changed[position] ^= 0x10
                try Fixtures.write(changed, to: path)
                #expect(throws: CheckpointError.self, "byte \(position)") { try verify(copy) }
            }
            for end in stride(from: 0, to: data.count, by: 7) {
                try Fixtures.write(Array(data[..<end]), to: path)
                #expect(throws: CheckpointError.self) { try verify(copy) }
            }
        }
    }

    @Test("a missing shard, another file's data and an index that is none are told by name")
    func messages() throws {
        try Fixtures.withCopy(of: Fixtures.path("checkpoints/sharded")) { copy in
            let shard = copy + "/model-7.data-00001-of-00002"
            let data = try Fixtures.bytes(shard)
            try FileManager.default.removeItem(atPath: shard)
            let missing = #expect(throws: CheckpointError.self) { try verify(copy) }
            #expect(missing?.description == "\(shard): no such file")
            try Fixtures.write(data.reversed(), to: shard)
            let swapped = #expect(throws: CheckpointError.self) { try verify(copy) }
            #expect(swapped?.kind == .corrupt)
            #expect(swapped?.file == shard)
            let meta = copy + "/model-7.meta"
            try FileManager.default.removeItem(atPath: copy + "/model-7.index")
            try FileManager.default.copyItem(atPath: meta, toPath: copy + "/model-7.index")
            let none = #expect(throws: CheckpointError.self) { try verify(copy) }
            #expect(none?.reason.hasPrefix("is not a sorted table (magic number 0x") == true)
            #expect(none?.reason.hasSuffix("expected the .index file of a checkpoint") == true)
        }
    }

    @Test("what is no regular file is refused without waiting for it")
    func specialFiles() throws {
        try Fixtures.withCopy(of: Fixtures.path("checkpoints/renamed")) { copy in
            try FileManager.default.removeItem(atPath: copy + "/model-7.index")
            #expect(mkfifo(copy + "/model-7.index", 0o600) == 0)
            let fifo = #expect(throws: CheckpointError.self) { try verify(copy) }
            #expect(fifo?.reason == "is not a regular file")
        }
    }
}
