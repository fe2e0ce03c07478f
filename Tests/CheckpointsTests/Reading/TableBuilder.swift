import Foundation

@testable import Checkpoints

/// Writes sorted tables as the format notes describe them, right or, on purpose, wrong.
struct TableBuilder {
    var blockType: UInt8 = 0
    var compress: ([UInt8]) -> [UInt8] = { $0 }
    var restartCount: UInt32 = 1

    static func varint(_ value: UInt64) -> [UInt8] {
        var value = value
        var result: [UInt8] = []
        while value > 127 {
            result.append(UInt8(truncatingIfNeeded: value) | 128)
            value >>= 7
        }
        return result + [UInt8(truncatingIfNeeded: value)]
    }

    static func fixed32(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }

    func block(_ entries: [(key: [UInt8], value: [UInt8])]) -> [UInt8] {
        var bytes: [UInt8] = []
        for entry in entries {
            bytes +=
                [0] + Self.varint(UInt64(entry.key.count)) + Self.varint(UInt64(entry.value.count)) + entry.key
                + entry.value
        }
        return bytes + Self.fixed32(0) + Self.fixed32(restartCount)
    }

    private func append(_ contents: [UInt8], _ type: UInt8, to file: inout [UInt8]) -> [UInt8] {
        let handle = Self.varint(UInt64(file.count)) + Self.varint(UInt64(contents.count))
        let checked = contents + [type]
        file += checked + Self.fixed32(checked.withUnsafeBytes { Checksum.masked(of: $0) })
        return handle
    }

    func table(_ entries: [(key: [UInt8], value: [UInt8])]) -> [UInt8] { table(dataBlock: block(entries)) }

    func table(dataBlock: [UInt8]) -> [UInt8] {
        var file: [UInt8] = []
        let data = append(compress(dataBlock), blockType, to: &file)
        let plain = TableBuilder()
        let meta = append(plain.block([]), 0, to: &file)
        let index = append(plain.block([(key: [0xff], value: data)]), 0, to: &file)
        return file + Self.footer(meta, index)
    }

    static func footer(_ meta: [UInt8], _ index: [UInt8]) -> [UInt8] {
        let handles = meta + index
        return handles + [UInt8](repeating: 0, count: 40 - handles.count) + [
            0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb,
        ]
    }
}
