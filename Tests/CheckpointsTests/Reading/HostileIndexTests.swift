import Foundation
import SwiftProtobuf
import TensorFlowProtos
import Testing
import VectorSupport

@testable import Checkpoints

/// Index files with right checksums and wrong contents: each is refused, with the reason in words.
@Suite("Hostile index files")
struct HostileIndexTests {
    private func header(_ change: (inout BundleHeaderProto) -> Void = { _ in }) throws -> [UInt8] {
        var header = BundleHeaderProto()
        header.numShards = 1
        header.version.producer = 1
        change(&header)
        return try header.serializedBytes()
    }

    private func entry(_ change: (inout BundleEntryProto) -> Void) throws -> [UInt8] {
        var entry = BundleEntryProto()
        entry.dtype = 1
        entry.shape.dim = [.with { $0.size = 1 }]
        entry.size = 4
        entry.crc32C = [UInt8](repeating: 0, count: 4).withUnsafeBytes { Checksum.masked(of: $0) }
        change(&entry)
        return try entry.serializedBytes()
    }

    /// Opens a bundle of that index and four bytes of data.
    private func open(_ index: [UInt8]) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("metaserve-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Fixtures.write(index, to: folder.path + "/m.index")
        try Fixtures.write([0, 0, 0, 0], to: folder.path + "/m.data-00000-of-00001")
        try CheckpointReader(prefix: folder.path + "/m").verify()
    }

    private func reason(_ index: [UInt8]) -> String? {
        do {
            try open(index)
            return nil
        } catch let error as CheckpointError { return error.reason } catch { return "\(error)" }
    }

    private func reason(of change: (inout BundleEntryProto) -> Void) throws -> String? {
        reason(TableBuilder().table([([], try header()), (Array("v".utf8), try entry(change))]))
    }

    private func reason(ofHeader change: (inout BundleHeaderProto) -> Void) throws -> String? {
        reason(TableBuilder().table([([], try header(change)), (Array("v".utf8), try entry { _ in })]))
    }

    @Test("a right one opens")
    func right() throws {
        #expect(try reason(of: { _ in }) == nil)
    }

    @Test("entries")
    func entries() throws {
        func dims(_ sizes: [Int64]) -> (inout BundleEntryProto) -> Void {
            { entry in entry.shape.dim = sizes.map { size in .with { $0.size = size } } }
        }
        #expect(try reason(of: dims([-5])) == "tensor \"v\": shape [-5] is not one that a tensor can have")
        #expect(try reason(of: dims([1 << 33, 1 << 33]))?.contains("is not one that a tensor can have") == true)
        #expect(
            try reason(of: dims(Array(repeating: 1, count: 300)))?.contains("is not one that a tensor can have") == true
        )
        #expect(try reason(of: { $0.dtype = 127 }) == "tensor \"v\": dtype 127 is not known")
        #expect(try reason(of: { $0.offset = -1 }) == "tensor \"v\": offset -1 and size 4 must not be negative")
        #expect(try reason(of: { $0.offset = 1 << 62 })?.contains("do not lie in the file, which has 4 bytes") == true)
        #expect(try reason(of: { $0.offset = 1 })?.contains("4 bytes at 1 do not lie in the file") == true)
        #expect(try reason(of: { $0.size = 8 }) == "tensor \"v\": has 8 bytes; float32 [1] needs 4")
        #expect(try reason(of: { $0.shardID = 99 }) == "tensor \"v\": shard 99 is not one of the 1 shards")
        #expect(try reason(of: { $0.crc32C = 1 })?.hasPrefix("tensor \"v\" at 0: checksum 0x") == true)
        #expect(
            try reason(of: dims([1 << 40])) == "tensor \"v\": has 4 bytes; float32 [1099511627776] needs 4398046511104")
        #expect(try reason(of: { $0.dtype = 20 })?.contains("dtype resource cannot be read from a checkpoint") == true)
    }

    @Test("strings")
    func strings() throws {
        func change(_ size: Int64) -> (inout BundleEntryProto) -> Void {
            { entry in
                entry.dtype = 7
                entry.shape.dim = [.with { $0.size = size }]
            }
        }
        #expect(try reason(of: change(1 << 58))?.contains("is not one that a tensor can have") == false)
        #expect(try reason(of: change(1 << 58))?.contains("too few for 288230376151711744 strings") == true)
        #expect(try reason(of: change(3)) == "tensor \"v\": is cut off")
    }

    @Test("slices")
    func slices() throws {
        func slice(_ start: Int64, _ length: Int64) -> TensorSliceProto {
            .with {
                $0.extent = [
                    .with {
                        $0.start = start; $0.length = length
                    }
                ]
            }
        }
        func change(_ slices: [TensorSliceProto]) -> (inout BundleEntryProto) -> Void {
            { entry in
                entry.slices = slices
                entry.shape.dim = [.with { $0.size = 2 }]
            }
        }
        #expect(try reason(of: change([slice(0, 1)]))?.contains("a slice is listed but not stored") == true)
        #expect(try reason(of: change([slice(-1, 1)]))?.contains("a slice does not lie in its shape") == true)
        #expect(try reason(of: change([slice(0, 1 << 62)]))?.contains("a slice does not lie in its shape") == true)
        #expect(try reason(of: change([TensorSliceProto()]))?.contains("a slice does not lie in its shape") == true)
    }

    @Test("headers")
    func headers() throws {
        #expect(try reason(ofHeader: { $0.version.minConsumer = 99 }) == "needs a reader of version 99; this one has 1")
        #expect(try reason(ofHeader: { $0.numShards = -1 }) == "the header says -1 shards")
        #expect(try reason(ofHeader: { $0.numShards = .max }) == "the header says 2147483647 shards")
        #expect(try reason(ofHeader: { $0.endianness = 5 }) == "the header's byte order 5 is not known")
        let none = reason(TableBuilder().table([(Array("v".utf8), try entry { _ in })]))
        #expect(none == "has no header: it is not the index of a V2 checkpoint")
        let garbage = reason(TableBuilder().table([([], [0xff, 0xff, 0xff])]))
        #expect(garbage == "has no header: it is not the index of a V2 checkpoint")
        let entryGarbage = reason(TableBuilder().table([([], try header()), (Array("v".utf8), [0xff])]))
        #expect(entryGarbage == "tensor \"v\": its entry is not a BundleEntryProto")
    }

    @Test("a graph of objects that is none")
    func objects() throws {
        let key = "_CHECKPOINTABLE_OBJECT_GRAPH"
        let table = TableBuilder().table([([], try header()), (Array(key.utf8), try entry { _ in })])
        #expect(reason(table) == "tensor \"\(key)\" is not a graph of objects")
    }

    @Test("tables")
    func tables() throws {
        let first = ([UInt8](), try header())
        var builder = TableBuilder()
        builder.restartCount = 0xffff_ffff
        #expect(reason(builder.table([first])) == "data block at 0: its entries cannot be read")
        #expect(
            reason(TableBuilder().table([first, (Array("b".utf8), []), (Array("a".utf8), [])]))
                == "data block at 0: keys are not in order")
        // Shares five bytes with a key that has none; and a varint of eleven bytes.
        for entry in [[5, 0, 0], [UInt8](repeating: 0x80, count: 10) + [1, 0, 0]] as [[UInt8]] {
            let block = entry + TableBuilder.fixed32(0) + TableBuilder.fixed32(1)
            #expect(reason(TableBuilder().table(dataBlock: block)) == "data block at 0: its entries cannot be read")
        }
        builder = TableBuilder()
        builder.blockType = 7
        #expect(reason(builder.table([first])) == "data block at 0: block type 7 is not known")
        builder.blockType = 1
        builder.compress = { _ in [0xff, 0xff, 0xff, 0xff, 0x0f, 0] }
        #expect(reason(builder.table([first])) == "data block at 0: snappy cannot decompress it")
        let far = TableBuilder.varint(1 << 40) + TableBuilder.varint(1 << 40)
        #expect(reason(TableBuilder.footer([0, 0], far))?.contains("do not lie in the file") == true)
    }

    @Test("a block that snappy compressed reads as the plain one")
    func snappy() throws {
        var builder = TableBuilder()
        builder.blockType = 1
        // Snappy's own literals: a length, then runs of up to 60 bytes each after a tag.
        builder.compress = { plain in
            var result = TableBuilder.varint(UInt64(plain.count))
            for start in stride(from: 0, to: plain.count, by: 60) {
                let run = plain[start..<min(start + 60, plain.count)]
                result += [UInt8(run.count - 1) << 2] + run
            }
            return result
        }
        #expect(reason(builder.table([([], try header()), (Array("v".utf8), try entry { _ in })])) == nil)
    }

    @Test("random changes with right checksums never trap", arguments: [1, 2, 3] as [UInt64])
    func fuzz(seed: UInt64) throws {
        var random = SplitMix(state: seed)
        let builder = TableBuilder()
        let block = builder.block([([], try header()), (Array("v".utf8), try entry { _ in })])
        for _ in 0..<1500 { _ = reason(builder.table(dataBlock: random.changing(block))) }
    }
}

@Suite("Encodings")
struct EncodingTests {
    @Test("signed numbers in ordered code")
    func signed() {
        for (value, hex) in [
            (0, "80"), (4, "84"), (-1, "7f"), (63, "bf"), (64, "c040"), (-64, "40"), (-65, "3fbf"), (200, "c0c8"),
            (13334, "e03416"), (26667, "e0682b"), (0x424242, "f0424242"), (-0x800, "3800"),
        ] as [(Int64, String)] {
            let bytes = OrderedCode.signedNumber(value).map { String(Int($0) + 0x100, radix: 16).dropFirst() }.joined()
            #expect(bytes == hex, "\(value)")
        }
    }

    @Test("the checksum by instruction and by tables, against known values")
    func checksums() {
        // RFC 3720, B.4.
        #expect([UInt8](repeating: 0, count: 32).withUnsafeBytes { crc($0) } == 0x8a91_36aa)
        #expect((0..<32).map { UInt8($0) }.withUnsafeBytes { crc($0) } == 0x46dd_794e)
        var random = SplitMix(state: 5)
        for count in [0, 1, 7, 8, 9, 63, 1000] {
            let bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            bytes.withUnsafeBytes { #expect(crc($0) == crcByTables($0)) }
        }
    }
}
