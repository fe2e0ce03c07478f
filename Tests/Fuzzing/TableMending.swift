import SwiftProtobuf
import TensorFlowProtos

@testable import Checkpoints

/// Corrects the checksums of a sorted table whose bytes were changed. Otherwise the code after the checksums would not be reached.
struct TableMending {
    private(set) var file: [UInt8]
    /// The bytes of a bundle's tensors, which contain the checksums of strings.
    private(set) var data: [UInt8] = []
    private let isBundle: Bool

    private static let magic: [UInt8] = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb]
    private static let footerBytes = 48

    /// Any sorted table.
    init(table: UnsafeRawBufferPointer) {
        file = Array(table)
        isBundle = false
        mend()
    }

    /// The index of a bundle, with the bytes of its tensors.
    init(index: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer) {
        file = Array(index)
        self.data = Array(data)
        isBundle = true
        mend()
    }

    private mutating func mend() {
        let start = file.count - Self.footerBytes
        guard start >= 0 else { return }
        file.replaceSubrange((file.count - Self.magic.count)..., with: Self.magic)
        var position = start
        guard let meta = handle(&position, file.count), let index = handle(&position, file.count) else { return }
        for value in values(of: index) {
            var position = value.lowerBound
            guard let block = handle(&position, value.upperBound) else { continue }
            if isBundle { for entry in values(of: block) { mendEntry(entry) } }
            seal(block)
        }
        seal(index)
        seal(meta)
    }

    private func number(_ position: inout Int, _ end: Int) -> Int? {
        file.withUnsafeBytes { bytes in
            guard position <= end, end <= bytes.count else { return nil }
            var reader = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[position..<end]))
            guard let number = reader.readCount() else { return nil }
            position += reader.position
            return number
        }
    }

    /// The range of a block that is in the file with its type and checksum.
    private func handle(_ position: inout Int, _ end: Int) -> Range<Int>? {
        guard let offset = number(&position, end), let count = number(&position, end), offset <= file.count,
            count <= file.count - offset - 5
        else { return nil }
        return offset..<offset + count
    }

    /// The ranges of the values of a block's entries; empty if it is compressed.
    private func values(of block: Range<Int>) -> [Range<Int>] {
        guard block.count >= 4, file[block.upperBound] == 0 else { return [] }
        let restarts = file[(block.upperBound - 4)..<block.upperBound].reversed().reduce(0) { $0 << 8 | Int($1) }
        guard restarts <= (block.count - 4) / 4 else { return [] }
        let end = block.upperBound - 4 - 4 * restarts
        var position = block.lowerBound
        var result: [Range<Int>] = []
        while position < end {
            guard number(&position, end) != nil, let key = number(&position, end), let count = number(&position, end),
                key <= end - position, count <= end - position - key
            else { break }
            position += key + count
            result.append(position - count..<position)
        }
        return result
    }

    private mutating func seal(_ block: Range<Int>) {
        let checksum = file.withUnsafeBytes {
            Checksum.masked(of: UnsafeRawBufferPointer(rebasing: $0[block.lowerBound...block.upperBound]))
        }
        Self.put(checksum, at: block.upperBound + 1, in: &file)
    }

    private static func put(_ number: UInt32, at place: Int, in bytes: inout [UInt8]) {
        withUnsafeBytes(of: number.littleEndian) { bytes.replaceSubrange(place..<place + 4, with: $0) }
    }

    /// Writes the checksum of a tensor's bytes into its entry, if it has one.
    private mutating func mendEntry(_ value: Range<Int>) {
        guard let entry = try? BundleEntryProto(serializedBytes: Array(file[value])), let place = checksumPlace(value),
            entry.shardID == 0, let offset = Int(exactly: entry.offset), let count = Int(exactly: entry.size),
            offset >= 0, count >= 0, offset <= data.count, count <= data.count - offset
        else { return }
        let part = offset..<offset + count
        let dimensions = entry.shape.dim.map { Int($0.size) }
        let elements = dimensions.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
        if entry.dtype == 7, (0...count).contains(elements) {
            guard let checksum = mendStrings(part, elements) else { return }
            Self.put(checksum, at: place, in: &file)
        } else {
            let checksum = data.withUnsafeBytes { Checksum.masked(of: UnsafeRawBufferPointer(rebasing: $0[part])) }
            Self.put(checksum, at: place, in: &file)
        }
    }

    /// The range of field 6 of a message, four bytes.
    private func checksumPlace(_ message: Range<Int>) -> Int? {
        var position = message.lowerBound
        var found: Int?
        while position < message.upperBound {
            guard let tag = number(&position, message.upperBound) else { return nil }
            switch tag & 7 {
            case 0: guard number(&position, message.upperBound) != nil else { return nil }
            case 2:
                guard let count = number(&position, message.upperBound), count <= message.upperBound - position else {
                    return nil
                }
                position += count
            case 5:
                if tag >> 3 == 6 { found = position }
                position += 4
            default: return nil
            }
        }
        return position == message.upperBound ? found : nil
    }

    /// Writes the checksum of the strings' lengths after them, and returns that of the tensor.
    private mutating func mendStrings(_ part: Range<Int>, _ count: Int) -> UInt32? {
        var checksum = Checksum()
        let place: Int? = data.withUnsafeBytes { bytes in
            var reader = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[part]))
            for _ in 0..<count {
                guard let length = reader.readCount() else { return nil }
                if let short = UInt32(exactly: length) {
                    withUnsafeBytes(of: short.littleEndian) { checksum.extend($0) }
                } else {
                    withUnsafeBytes(of: UInt64(length).littleEndian) { checksum.extend($0) }
                }
            }
            return reader.remaining >= 4 ? part.lowerBound + reader.position : nil
        }
        guard let place else { return nil }
        Self.put(checksum.masked, at: place, in: &data)
        data.withUnsafeBytes { checksum.extend(UnsafeRawBufferPointer(rebasing: $0[place..<part.upperBound])) }
        return checksum.masked
    }
}
