internal import CSnappy

/// LevelDB's sorted table (an SSTable): keys in order, in checksummed blocks. TensorFlow's `.index` files and V1 checkpoints have this format.
///
/// A file has data blocks, an index block of block handles, and a 48-byte footer (block handles of the metaindex and the index, padding,
/// magic). A type byte and the masked CRC-32C of contents and type follow each block (table_format.txt).
struct SortedTable {
    private static let footerBytes = 48
    private static let magic: UInt64 = 0xdb47_7524_8b80_fb57
    private static let trailerBytes = 5
    /// The maximum size of a decompressed block. TensorFlow writes blocks of 256 KiB.
    private static let largestBlockBytes = 256 << 20

    /// An entry. Its value is not copied.
    struct Entry: Sendable {
        let key: [UInt8]
        let value: Value
    }

    /// Bytes of a block. The value keeps the block alive.
    struct Value: Sendable {
        fileprivate let block: Block
        fileprivate let range: Range<Int>

        var count: Int { range.count }

        func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
            block.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[range])) }
        }
    }

    /// A block's contents: in the file, or decompressed.
    fileprivate enum Block: Sendable {
        case stored(FileContents, offset: Int, count: Int)
        case owned([UInt8])

        func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
            switch self {
            case .stored(let file, let offset, let count):
                // Safety: the block was found to lie in the file, which lives as long as this value.
                withExtendedLifetime(file) {
                    body(UnsafeRawBufferPointer(rebasing: file.bytes[offset..<offset + count]))
                }
            case .owned(let bytes): bytes.withUnsafeBytes(body)
            }
        }
    }

    /// All entries, their keys strictly increasing.
    let entries: [Entry]

    /// Reads and verifies the whole table.
    ///
    /// - Throws: ``CheckpointError`` naming the block and its offset.
    init(_ file: FileContents) throws(CheckpointError) {
        let footer = try Self.footer(of: file)
        var entries: [Entry] = []
        let index = try Self.block(of: file, footer.index, "index block")
        for entry in try Self.entries(of: index, file, "index block at \(footer.index.offset)") {
            let decoded = entry.value.withUnsafeBytes { bytes -> Handle? in
                var reader = ByteReader(bytes)
                return Handle(&reader)
            }
            guard let data = decoded else {
                throw CheckpointError(.malformed, file: file.path, "index block: an entry is not a block handle")
            }
            let contents = try Self.block(of: file, data, "data block")
            for entry in try Self.entries(of: contents, file, "data block at \(data.offset)") {
                guard entries.last.map({ $0.key.lexicographicallyPrecedes(entry.key) }) ?? true else {
                    throw CheckpointError(
                        .malformed, file: file.path, "data block at \(data.offset): keys are not in order")
                }
                entries.append(entry)
            }
        }
        // It is not used, but a change in it is damage like any other.
        _ = try Self.block(of: file, footer.metaindex, "metaindex block")
        self.entries = entries
    }

    /// Whether a file ends like a sorted table; false for an unreadable file.
    static func isTable(_ path: String) -> Bool {
        guard let file = try? PeekedFile(path: path), file.byteCount >= footerBytes,
            let end = file.bytes(at: file.byteCount - footerBytes, count: footerBytes)
        else { return false }
        return end.withUnsafeBytes { (try? Footer($0, path)) != nil }
    }

    private struct Handle {
        let offset: Int
        let size: Int

        init?(_ reader: inout ByteReader) {
            guard let offset = reader.readCount(), let size = reader.readCount() else { return nil }
            self.offset = offset
            self.size = size
        }

        /// The minimum number of bytes of the encoding.
        var shortestBytes: Int { Self.shortestBytes(of: offset) + Self.shortestBytes(of: size) }

        private static func shortestBytes(of number: Int) -> Int {
            max(1, (Int.bitWidth - number.leadingZeroBitCount + 6) / 7)
        }
    }

    /// The end of the file. No checksum covers it, so any deviation from a writer's output counts as damage.
    private struct Footer {
        let metaindex: Handle
        let index: Handle

        init(_ bytes: UnsafeRawBufferPointer, _ path: String) throws(CheckpointError) {
            let found = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: footerBytes - 8, as: UInt64.self))
            guard found == magic else {
                throw CheckpointError(
                    .malformed, file: path,
                    "is not a sorted table (magic number 0x\(String(found, radix: 16)), expected 0x\(String(magic, radix: 16))): "
                        + "expected the .index file of a checkpoint")
            }
            var reader = ByteReader(bytes)
            guard let metaindex = Handle(&reader), let index = Handle(&reader),
                reader.position == metaindex.shortestBytes + index.shortestBytes,
                bytes[reader.position..<footerBytes - 8].allSatisfy({ $0 == 0 })
            else { throw CheckpointError(.malformed, file: path, "the footer's block handles cannot be read") }
            self.metaindex = metaindex
            self.index = index
        }
    }

    private static func footer(of file: FileContents) throws(CheckpointError) -> Footer {
        guard let footer = file.range(offset: file.bytes.count - footerBytes, count: footerBytes) else {
            throw CheckpointError(
                .malformed, file: file.path,
                "has \(file.bytes.count) bytes, too few for an index: it is cut off, or not the .index file of a checkpoint"
            )
        }
        return try Footer(footer, file.path)
    }

    /// Verifies a block, and returns its decompressed contents.
    private static func block(of file: FileContents, _ handle: Handle, _ what: String) throws(CheckpointError) -> Block
    {
        let place = "\(what) at \(handle.offset)"
        guard let contents = file.range(offset: handle.offset, count: handle.size),
            let trailer = file.range(offset: handle.offset + handle.size, count: trailerBytes),
            let checked = file.range(offset: handle.offset, count: handle.size + 1)
        else {
            throw CheckpointError(
                .malformed, file: file.path,
                "\(place): \(handle.size) bytes do not lie in the file, which has \(file.bytes.count)")
        }
        let expected = UInt32(littleEndian: trailer.loadUnaligned(fromByteOffset: 1, as: UInt32.self))
        let found = Checksum.masked(of: checked)
        guard found == expected else {
            throw CheckpointError(
                .corrupt, file: file.path, "\(place): checksum \(found.hexadecimal), expected \(expected.hexadecimal)")
        }
        switch trailer[0] {
        case 0: return .stored(file, offset: handle.offset, count: handle.size)
        case 1: return .owned(try uncompress(contents, file, place))
        default: throw CheckpointError(.malformed, file: file.path, "\(place): block type \(trailer[0]) is not known")
        }
    }

    private static func uncompress(
        _ contents: UnsafeRawBufferPointer, _ file: FileContents, _ place: String
    ) throws(CheckpointError) -> [UInt8] {
        let failure = CheckpointError(.malformed, file: file.path, "\(place): snappy cannot decompress it")
        let compressed = contents.bindMemory(to: CChar.self)
        var count = 0
        guard snappy_uncompressed_length(compressed.baseAddress, compressed.count, &count) == SNAPPY_OK,
            count <= largestBlockBytes,
            // A snappy element copies at most 64 bytes and takes at least two.
            count / 64 <= contents.count
        else { throw failure }
        let result = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            let status = buffer.withMemoryRebound(to: CChar.self) {
                snappy_uncompress(compressed.baseAddress, compressed.count, $0.baseAddress, &count)
            }
            initialized = status == SNAPPY_OK ? count : 0
        }
        guard result.count == count else { throw failure }
        return result
    }

    /// Decodes a block's entries. Each key shares a prefix with the previous one.
    private static func entries(
        of block: Block, _ file: FileContents, _ place: String
    ) throws(CheckpointError) -> [Entry] {
        let entries: [Entry]? = block.withUnsafeBytes { bytes in
            guard let end = entryBytes(of: bytes) else { return nil }
            var reader = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[..<end]))
            var result: [Entry] = []
            var key: [UInt8] = []
            while reader.remaining > 0 {
                guard let shared = reader.readVarint32(), let unshared = reader.readVarint32(),
                    let valueCount = reader.readVarint32(), shared <= key.count,
                    let delta = reader.readBytes(unshared), reader.readBytes(valueCount) != nil
                else { return nil }
                key.removeLast(key.count - shared)
                key += delta
                let range = reader.position - valueCount..<reader.position
                result.append(Entry(key: key, value: Value(block: block, range: range)))
            }
            return result
        }
        guard let entries else {
            throw CheckpointError(.malformed, file: file.path, "\(place): its entries cannot be read")
        }
        return entries
    }

    /// The end of the entries, where the restart points begin.
    private static func entryBytes(of block: UnsafeRawBufferPointer) -> Int? {
        guard block.count >= 4 else { return nil }
        let restarts = Int(UInt32(littleEndian: block.loadUnaligned(fromByteOffset: block.count - 4, as: UInt32.self)))
        guard restarts <= (block.count - 4) / 4 else { return nil }
        return block.count - 4 - 4 * restarts
    }
}
