internal import Files
internal import Synchronization
internal import Tensors

/// The tensors of a shard in one piece of memory, each aligned for vector instructions: a Saver packs them without gaps, so that in
/// the file they begin anywhere.
///
/// Where the file stays open, tensors that nobody uses can be given back to the system: they are read and verified again when somebody
/// asks for them.
final class ShardMemory: Sendable {
    typealias Item = (name: String, entry: BundleEntry)

    /// A tensor's place in memory.
    private struct Place {
        let range: Range<Int>
        /// How many tensors refer to it.
        var useCount = 0
        var isGivenBack = false
    }

    let identity: FileIdentity
    private let memory: PrivateMemory
    /// The places by where the tensors begin in the file.
    private let places: Mutex<[Int: Place]>
    /// Taken by who reads again what was given back.
    private let reading = Mutex<Void>(())
    /// The file; nil where it is closed and everything stays in memory.
    private let file: OpenFile?

    private static let alignment = 64
    private static let maxBytes = 1 << 60

    /// Reads and verifies tensors. The checksum of a string tensor is not that of its bytes: ``StringDecoder`` verifies it.
    ///
    /// - Parameters:
    ///   - file: The shard.
    ///   - items: Its tensors.
    ///   - keepsFile: Whether the file stays open.
    /// - Throws: ``CheckpointError``: of kind `malformed` if tensors overlap, `corrupt` for the first whose checksum is another.
    init(_ file: OpenFile, _ items: [Item], keepsFile: Bool) throws(CheckpointError) {
        let sorted = items.filter { $0.entry.byteCount > 0 }.sorted { $0.entry.offset < $1.entry.offset }
        let (places, total) = try Self.places(of: sorted, file)
        guard let memory = PrivateMemory(byteCount: total) else {
            throw CheckpointError(.io, file: file.path, "not enough memory for its \(total) bytes")
        }
        file.expectReading()
        for (name, entry) in sorted {
            guard let place = places[entry.offset] else { continue }
            try Self.read(
                name, entry, from: file, into: UnsafeMutableRawBufferPointer(rebasing: memory.bytes[place.range]))
        }
        // Tensors without elements have a checksum too.
        for (name, entry) in items where entry.byteCount == 0 && entry.dtype != .string {
            try entry.require(Checksum(), name, in: file.path)
        }
        try file.requireUnchanged()
        memory.seal()
        self.memory = memory
        self.places = Mutex(places)
        identity = file.identity
        self.file = keepsFile ? file : nil
    }

    /// Lays tensors out in memory.
    private static func places(
        of sorted: [Item], _ file: OpenFile
    ) throws(CheckpointError) -> (places: [Int: Place], total: Int) {
        var places: [Int: Place] = [:]
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
            places[entry.offset] = Place(range: total..<total + entry.byteCount)
            total = (total + entry.byteCount + Self.alignment - 1) & ~(Self.alignment - 1)
        }
        return (places, total)
    }

    private static func read(
        _ name: String, _ entry: BundleEntry, from file: OpenFile, into bytes: UnsafeMutableRawBufferPointer
    ) throws(CheckpointError) {
        var checksum = Checksum()
        try file.read(into: bytes, at: entry.offset) { checksum.extend($0) }
        if entry.dtype != .string { try entry.require(checksum, name, in: file.path) }
    }
}

extension ShardMemory {
    /// The bytes of a tensor, and what keeps them in memory. What was given back is read again.
    ///
    /// - Throws: ``CheckpointError``: of kind `malformed` if there is no tensor that begins there; what reading it again throws.
    func part(_ name: String, _ entry: BundleEntry) throws(CheckpointError) -> Shard.Part {
        guard entry.byteCount > 0 else {
            return Shard.Part(bytes: UnsafeRawBufferPointer(start: nil, count: 0), owner: self)
        }
        let place = places.withLock { places in
            // From here on nobody gives it back.
            if file != nil { places[entry.offset]?.useCount += 1 }
            return places[entry.offset]
        }
        let use = file.map { _ in Use(of: self, at: entry.offset) }
        guard let place, place.range.count == entry.byteCount else {
            throw CheckpointError(.malformed, file: identity.path, "tensor \"\(name)\" does not lie in the file")
        }
        if place.isGivenBack { try readAgain(name, entry, place.range) }
        return Shard.Part(bytes: UnsafeRawBufferPointer(rebasing: memory.bytes[place.range]), owner: use ?? self)
    }

    /// Reads what was given back; the place is in use.
    private func readAgain(_ name: String, _ entry: BundleEntry, _ range: Range<Int>) throws(CheckpointError) {
        guard let file else { return }
        try reading.withLock { (_) throws(CheckpointError) in
            // Another thread may have read it meanwhile.
            guard places.withLock({ $0[entry.offset]?.isGivenBack ?? false }) else { return }
            do throws(CheckpointError) {
                try memory.rewrite(range) { (bytes) throws(CheckpointError) in
                    try Self.read(name, entry, from: file, into: bytes)
                }
            } catch {
                memory.giveBack(range)
                throw error
            }
            places.withLock { $0[entry.offset]?.isGivenBack = false }
        }
    }

    /// Somebody who uses a tensor's bytes.
    private final class Use: Sendable {
        private let memory: ShardMemory
        private let offset: Int

        init(of memory: ShardMemory, at offset: Int) {
            self.memory = memory
            self.offset = offset
        }

        deinit { memory.places.withLock { $0[offset]?.useCount -= 1 } }
    }

    /// Gives back the tensors that nobody uses, if the file is open.
    func giveBackUnused() {
        guard file != nil else { return }
        places.withLock { places in
            for (offset, place) in places where place.useCount == 0 && !place.isGivenBack {
                guard memory.pageBytes(in: place.range) > 0 else { continue }
                memory.giveBack(place.range)
                places[offset]?.isGivenBack = true
            }
        }
    }

    /// The bytes in memory.
    var residentBytes: Int {
        places.withLock { places in
            places.values.reduce(0) { bytes, place in
                bytes + place.range.count - (place.isGivenBack ? memory.pageBytes(in: place.range) : 0)
            }
        }
    }
}
