internal import Files
internal import Glibc
internal import Synchronization
internal import Tensors
internal import Threads

/// The tensors of a shard in one piece of memory, each aligned for vector instructions: a Saver packs them without gaps, so that in
/// the file they begin anywhere.
///
/// All of them are read when the object is made, or each is read when somebody asks for it. The file then stays open, and the memory of
/// tensors that nobody uses is given back to the system: they are read and verified again when somebody asks for them.
final class ShardMemory: Sendable {
    typealias Item = (name: String, entry: BundleEntry)

    /// What has become of a tensor's bytes.
    private enum State {
        case unread
        /// They were verified, but did not stay.
        case verified
        case inMemory
        /// They were in memory. The first and the last page may still be there, because others use them too.
        case givenBack
    }

    /// A tensor's place in memory.
    private struct Place {
        let range: Range<Int>
        /// How many tensors refer to it.
        var useCount = 0
        var state = State.unread
    }

    let identity: FileIdentity
    private let memory: PrivateMemory
    /// The tensors: first those with bytes, in their order in the file.
    private let items: [Item]
    /// The places by where the tensors begin in the file.
    private let places: Mutex<[Int: Place]>
    /// Taken by who reads something into the memory.
    private let reading = Mutex<Void>(())
    /// The file; nil where it is closed and everything stays in memory.
    private let file: OpenFile?
    private let options: ReadingOptions
    private let isVerified = Flag()

    private static let alignment = 64
    private static let maxBytes = 1 << 60
    /// The memory of a larger tensor is given back as soon as nobody uses it, of others by ``giveBackUnused()``.
    private static let largeBytes = 64 << 10

    /// Reads and verifies tensors, or prepares for it. The checksum of a string tensor is not that of its bytes: ``StringDecoder``
    /// verifies it.
    ///
    /// - Parameters:
    ///   - file: The shard.
    ///   - items: Its tensors.
    ///   - options: Whether they are read now, or on demand.
    /// - Throws: ``CheckpointError``: of kind `malformed` if tensors overlap, `corrupt` for the first whose checksum is another.
    init(_ file: OpenFile, _ items: [Item], _ options: ReadingOptions) throws(CheckpointError) {
        let sorted = items.filter { $0.entry.byteCount > 0 }.sorted { $0.entry.offset < $1.entry.offset }
        var (places, total) = try Self.places(of: sorted, file)
        guard let memory = PrivateMemory(byteCount: total, isSealed: options.isOnDemand) else {
            throw CheckpointError(.io, file: file.path, "not enough memory for its \(total) bytes")
        }
        // Tensors without elements have a checksum too.
        self.items = sorted + items.filter { $0.entry.byteCount == 0 && $0.entry.dtype != .string }
        options.progress?.expect(
            ReadingProgress.Count(tensors: sorted.count, bytes: sorted.reduce(0) { $0 + $1.entry.byteCount }))
        file.expectReading()
        if !options.isOnDemand {
            let all = self.items.map { name, entry in
                let bytes = places[entry.offset].map { UnsafeMutableRawBufferPointer(rebasing: memory.bytes[$0.range]) }
                return TensorReading.Item(
                    name: name, entry: entry, use: bytes.map { entry.byteCount > 0 ? .keep($0) : .verify } ?? .verify)
            }
            try TensorReading.read(all, from: file, helpers: options.helpers, progress: options.progress)
            try file.requireUnchanged()
            memory.seal()
            for offset in places.keys { places[offset]?.state = .inMemory }
            isVerified.raise()
        }
        self.memory = memory
        self.places = Mutex(places)
        self.options = options
        identity = file.identity
        self.file = options.isOnDemand ? file : nil
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
}

extension ShardMemory {
    /// The bytes of a tensor, and what keeps them in memory. What is not there is read.
    ///
    /// - Throws: ``CheckpointError``: of kind `malformed` if there is no tensor that begins there; what reading it throws.
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
        if place.state != .inMemory { try read(name, entry, place.range) }
        return Shard.Part(bytes: UnsafeRawBufferPointer(rebasing: memory.bytes[place.range]), owner: use ?? self)
    }

    /// Reads what is not in memory; the place is in use.
    private func read(_ name: String, _ entry: BundleEntry, _ range: Range<Int>) throws(CheckpointError) {
        guard let file else { return }
        try reading.withLock { (_) throws(CheckpointError) in
            // Another thread may have read it meanwhile.
            guard let state = state(at: entry.offset), state != .inMemory else { return }
            do throws(CheckpointError) {
                try memory.rewrite(range) { (bytes) throws(CheckpointError) in
                    try TensorReading.read(
                        [TensorReading.Item(name: name, entry: entry, use: .keep(bytes))], from: file,
                        helpers: options.helpers, progress: progress(after: state))
                }
            } catch {
                memory.giveBack(range)
                throw error
            }
            places.withLock { $0[entry.offset]?.state = .inMemory }
        }
    }

    private func state(at offset: Int) -> State? { places.withLock { $0[offset]?.state } }

    /// Counts what is read for the first time.
    private func progress(after state: State) -> ReadingProgress? {
        state == .unread && !isVerified.isRaised ? options.progress : nil
    }

    /// Lets a function take a tensor's bytes in parts, which do not stay in memory.
    ///
    /// - Parameters:
    ///   - name: The tensor's name.
    ///   - entry: Its entry.
    ///   - multiple: All parts but the last have a multiple of so many bytes.
    ///   - take: Takes a part.
    /// - Returns: false if the tensor is in memory; nothing was taken then.
    /// - Throws: ``CheckpointError`` if it does not verify; what was taken then is not to be used.
    func readParts(
        _ name: String, _ entry: BundleEntry, multipleOf multiple: Int, _ take: @escaping PartTaking
    ) throws(CheckpointError) -> Bool {
        guard let file, entry.byteCount > 0, let state = state(at: entry.offset), state != .inMemory else {
            return false
        }
        try TensorReading.read(
            [TensorReading.Item(name: name, entry: entry, use: .parts(multipleOf: multiple, take))], from: file,
            helpers: options.helpers, progress: progress(after: state))
        places.withLock { places in
            if places[entry.offset]?.state == .unread { places[entry.offset]?.state = .verified }
        }
        return true
    }

    /// Verifies what nobody has asked for yet, and that the file has not changed meanwhile.
    ///
    /// - Throws: ``CheckpointError``: for the first tensor in the file that does not verify.
    func verify() throws(CheckpointError) {
        guard let file, !isVerified.isRaised else { return }
        // Strings are verified when they are decoded.
        let rest = items.filter { _, entry in
            entry.dtype != .string && (entry.byteCount == 0 || state(at: entry.offset) == .unread)
        }
        try TensorReading.read(
            rest.map { TensorReading.Item(name: $0.name, entry: $0.entry, use: .verify) }, from: file,
            helpers: options.helpers, progress: options.progress)
        try file.requireUnchanged()
        isVerified.raise()
    }

    /// Somebody who uses a tensor's bytes.
    private final class Use: Sendable {
        private let memory: ShardMemory
        private let offset: Int

        init(of memory: ShardMemory, at offset: Int) {
            self.memory = memory
            self.offset = offset
        }

        deinit { memory.endUse(at: offset) }
    }

    private func endUse(at offset: Int) {
        places.withLock { places in
            places[offset]?.useCount -= 1
            guard let place = places[offset], place.range.count >= Self.largeBytes else { return }
            giveBack(&places, offset)
        }
    }

    /// Gives back a tensor if nobody uses it.
    private func giveBack(_ places: inout [Int: Place], _ offset: Int) {
        guard let place = places[offset], place.useCount == 0, place.state == .inMemory,
            memory.pageBytes(in: place.range) > 0
        else { return }
        memory.giveBack(place.range)
        places[offset]?.state = .givenBack
    }

    /// Gives back the tensors that nobody uses, if the file is open.
    func giveBackUnused() {
        guard file != nil else { return }
        places.withLock { places in for offset in places.keys { giveBack(&places, offset) } }
    }

    /// The bytes in memory.
    var residentBytes: Int {
        places.withLock { places in
            places.values.reduce(0) { bytes, place in
                switch place.state {
                case .unread, .verified: bytes
                case .inMemory: bytes + place.range.count
                case .givenBack: bytes + place.range.count - memory.pageBytes(in: place.range)
                }
            }
        }
    }
}
