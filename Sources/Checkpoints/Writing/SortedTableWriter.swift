/// Makes a ``SortedTable`` as TensorFlow's table builder does: blocks of 256 KiB without compression, restarts every 16 keys, and an index
/// block with the shortest keys that separate the blocks (table_builder.cc, block_builder.cc).
struct SortedTableWriter {
    private static let magic: UInt64 = 0xdb47_7524_8b80_fb57
    private static let blockBytes = 262_144
    private static let restartInterval = 16
    /// A block handle has at most so many bytes.
    private static let handleBytes = 20

    /// A block that grows.
    private struct Block {
        let restartInterval: Int
        var bytes: [UInt8] = []
        var restarts: [UInt32] = [0]
        var count = 0
        var lastKey: [UInt8] = []

        init(restartInterval: Int) { self.restartInterval = restartInterval }

        mutating func add(_ key: [UInt8], _ value: [UInt8]) {
            var shared = 0
            if count < restartInterval {
                while shared < min(key.count, lastKey.count), key[shared] == lastKey[shared] { shared += 1 }
            } else {
                restarts.append(UInt32(truncatingIfNeeded: bytes.count))
                count = 0
            }
            bytes.append(varint: UInt64(shared))
            bytes.append(varint: UInt64(key.count - shared))
            bytes.append(varint: UInt64(value.count))
            bytes += key[shared...]
            bytes += value
            lastKey = key
            count += 1
        }

        var estimate: Int { bytes.count + 4 * restarts.count + 4 }

        /// The contents of the finished block.
        var contents: [UInt8] {
            var result = bytes
            for restart in restarts + [UInt32(truncatingIfNeeded: restarts.count)] {
                result.append(littleEndian: restart)
            }
            return result
        }
    }

    private(set) var bytes: [UInt8] = []
    private var block = Block(restartInterval: restartInterval)
    private var index = Block(restartInterval: 1)
    private var lastKey: [UInt8] = []
    /// The handle of a block that is complete, until the next key is known.
    private var pending: [UInt8]?

    /// Adds an entry. Keys must come in the order of their bytes.
    mutating func add(_ key: [UInt8], _ value: [UInt8]) {
        if let handle = pending {
            index.add(Self.separator(lastKey, key), handle)
            pending = nil
        }
        lastKey = key
        block.add(key, value)
        if block.estimate >= Self.blockBytes { flush() }
    }

    /// The whole table.
    mutating func finish() -> [UInt8] {
        flush()
        let metaindex = write(Block(restartInterval: Self.restartInterval))
        if let handle = pending { index.add(Self.successor(lastKey), handle) }
        var footer = metaindex + write(index)
        footer += [UInt8](repeating: 0, count: 2 * Self.handleBytes - footer.count)
        footer.append(littleEndian: UInt32(truncatingIfNeeded: Self.magic))
        footer.append(littleEndian: UInt32(truncatingIfNeeded: Self.magic >> 32))
        return bytes + footer
    }

    private mutating func flush() {
        guard !block.bytes.isEmpty else { return }
        pending = write(block)
        block = Block(restartInterval: Self.restartInterval)
    }

    /// Writes a block and its trailer.
    ///
    /// - Returns: Its handle: offset and size.
    private mutating func write(_ block: Block) -> [UInt8] {
        let contents = block.contents
        var handle: [UInt8] = []
        handle.append(varint: UInt64(bytes.count))
        handle.append(varint: UInt64(contents.count))
        // No compression.
        let typed = contents + [0]
        bytes += typed
        bytes.append(littleEndian: typed.withUnsafeBytes { Checksum.masked(of: $0) })
        return handle
    }

    /// The shortest key from one to below the next.
    private static func separator(_ key: [UInt8], _ next: [UInt8]) -> [UInt8] {
        var place = 0
        while place < min(key.count, next.count), key[place] == next[place] { place += 1 }
        guard place < min(key.count, next.count), key[place] < 0xff, key[place] + 1 < next[place] else { return key }
        return Array(key[..<place]) + [key[place] + 1]
    }

    /// A short key that is not below another.
    private static func successor(_ key: [UInt8]) -> [UInt8] {
        guard let place = key.firstIndex(where: { $0 != 0xff }) else { return key }
        return Array(key[..<place]) + [key[place] + 1]
    }
}

extension [UInt8] {
    /// Adds a number as protobuf's varint.
    mutating func append(varint number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(rest))
    }

    /// Adds the four bytes of a number, the lowest first.
    mutating func append(littleEndian number: UInt32) {
        for shift in stride(from: 0, to: 32, by: 8) { append(UInt8(truncatingIfNeeded: number >> UInt32(shift))) }
    }
}
