internal import Files
internal import Tensors

/// A file with tensors' bytes: open, or with the needed parts in memory.
enum Shard: Sendable {
    case file(OpenFile)
    case memory(ShardMemory)

    /// Bytes and their owner.
    struct Part {
        let bytes: UnsafeRawBufferPointer
        let owner: any Sendable
    }

    var identity: FileIdentity {
        switch self {
        case .file(let file): file.identity
        case .memory(let memory): memory.identity
        }
    }
}

/// The tensors of a shard in one block of memory, each aligned for vector instructions. In the file they are not aligned, because a Saver
/// packs them without gaps.
final class ShardMemory: Sendable {
    typealias Item = (name: String, entry: BundleEntry)

    let identity: FileIdentity
    private let memory: PrivateMemory
    /// The range in memory of each tensor, by its offset in the file.
    private let places: [Int: Range<Int>]

    private static let alignment = 64
    private static let maxBytes = 1 << 60

    /// Reads and verifies tensors. The checksum of a string tensor does not cover its bytes as stored: ``StringDecoder`` verifies it.
    ///
    /// - Throws: ``CheckpointError`` of kind `malformed` if tensors overlap, `corrupt` for the first with a wrong checksum.
    init(_ file: OpenFile, _ items: [Item]) throws(CheckpointError) {
        let sorted = items.filter { $0.entry.byteCount > 0 }.sorted { $0.entry.offset < $1.entry.offset }
        var places: [Int: Range<Int>] = [:]
        var end = 0
        var total = 0
        for (name, entry) in sorted {
            guard entry.offset >= end else {
                throw CheckpointError(
                    .malformed, file: file.path,
                    "tensor \"\(name)\": its bytes at \(entry.offset) overlap another tensor, which ends at \(end)")
            }
            // A sparse file can be larger than any memory.
            guard total <= Self.maxBytes, entry.byteCount <= Self.maxBytes else {
                throw CheckpointError(.io, file: file.path, "not enough memory for its \(file.byteCount) bytes")
            }
            end = entry.offset + entry.byteCount
            places[entry.offset] = total..<total + entry.byteCount
            total = (total + entry.byteCount + Self.alignment - 1) & ~(Self.alignment - 1)
        }
        guard let memory = PrivateMemory(byteCount: total) else {
            throw CheckpointError(.io, file: file.path, "not enough memory for its \(total) bytes")
        }
        file.expectReading()
        for (name, entry) in sorted {
            guard let place = places[entry.offset] else { continue }
            var checksum = Checksum()
            try file.read(into: UnsafeMutableRawBufferPointer(rebasing: memory.bytes[place]), at: entry.offset) {
                checksum.extend($0)
            }
            if entry.dtype != .string { try entry.require(checksum, name, in: file.path) }
        }
        // Tensors without elements have a checksum too.
        for (name, entry) in items where entry.byteCount == 0 && entry.dtype != .string {
            try entry.require(Checksum(), name, in: file.path)
        }
        try file.requireUnchanged()
        memory.seal()
        self.memory = memory
        self.places = places
        identity = file.identity
    }

    /// The bytes of the tensor at an offset; nil if no tensor begins there.
    func bytes(at offset: Int, count: Int) -> UnsafeRawBufferPointer? {
        guard count > 0 else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        guard let place = places[offset], place.count == count else { return nil }
        return UnsafeRawBufferPointer(rebasing: memory.bytes[place])
    }
}
