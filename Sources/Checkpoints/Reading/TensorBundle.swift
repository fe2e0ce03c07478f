internal import Files
internal import TensorFlowProtos
internal import Tensors
internal import Text

/// A V2 checkpoint: the index, and the shards with the tensors' bytes (tensor_bundle.h).
struct TensorBundle: TensorStore {
    static let title = "V2 checkpoint"

    let prefix: String
    /// The tensors by name, without the entries of slices.
    private let entries: [ExactText: BundleEntry]
    private let slices: [[UInt8]: BundleEntry]
    private let shards: [Shard]
    private let isBigEndian: Bool
    private let indexIdentity: FileIdentity

    var files: [FileIdentity] { [indexIdentity] + shards.map(\.identity) }

    var indexPath: String { prefix + ".index" }

    var names: [String] { entries.keys.map(\.string) }

    private static let version: Int32 = 1
    private static let maxShards = 100_000

    static func exists(prefix: String) -> Bool { FileIdentity.exists(prefix + ".index") }

    static func prefixes(among files: FileNames, in folder: String) -> [String] {
        files.sorted.compactMap { $0.withoutEnding(".index") }
    }

    /// Opens all files and checks all entries. The tensors' bytes are checked when they are read.
    ///
    /// - Throws: ``CheckpointError`` that names the file, the key and the cause.
    init(prefix: String) throws(CheckpointError) {
        let index = try FileContents(path: prefix + ".index")
        let table = try SortedTable(index)
        let header = try Self.header(table, index.path)
        var entries: [ExactText: BundleEntry] = [:]
        var slices: [[UInt8]: BundleEntry] = [:]
        for entry in table.entries.dropFirst() {
            let name = String(decoding: entry.key, as: UTF8.self)
            do throws(BundleEntry.Failure) {
                let decoded = try BundleEntry(decoding: entry.value, shardCount: Int(header.numShards))
                if entry.key.first == 0 { slices[entry.key] = decoded } else { entries[ExactText(name)] = decoded }
            } catch { throw CheckpointError(error.kind, file: index.path, "tensor \"\(name)\": \(error.reason)") }
        }
        self.prefix = prefix
        self.entries = entries
        self.slices = slices
        isBigEndian = header.endianness == 1
        indexIdentity = index.identity
        shards = try Self.openShards(prefix, Int(header.numShards))
        for (name, entry) in entries { try checkBounds(name.string, entry) }
        for (key, entry) in slices { try checkBounds(String(decoding: key, as: UTF8.self), entry) }
    }

    private static func header(_ table: SortedTable, _ file: String) throws(CheckpointError) -> BundleHeaderProto {
        guard let first = table.entries.first, first.key.isEmpty,
            let header: BundleHeaderProto = first.value.decoded()
        else { throw CheckpointError(.malformed, file: file, "has no header: it is not the index of a V2 checkpoint") }
        guard header.version.minConsumer <= version else {
            throw CheckpointError(
                .unsupported, file: file,
                "needs a reader of version \(header.version.minConsumer); this one has \(version)")
        }
        guard (1...maxShards).contains(Int(header.numShards)) else {
            throw CheckpointError(.malformed, file: file, "the header says \(header.numShards) shards")
        }
        guard (0...1).contains(header.endianness) else {
            throw CheckpointError(.malformed, file: file, "the header's byte order \(header.endianness) is not known")
        }
        return header
    }

    private static func openShards(_ prefix: String, _ count: Int) throws(CheckpointError) -> [Shard] {
        var shards: [Shard] = []
        for shard in 0..<count { shards.append(.file(try OpenFile(path: shardPath(prefix, shard, of: count)))) }
        return shards
    }

    /// The path of a shard's file.
    static func shardPath(_ prefix: String, _ shard: Int, of count: Int) -> String {
        "\(prefix).data-\(ShardName.padded(shard))-of-\(ShardName.padded(count))"
    }

    private func checkBounds(_ name: String, _ entry: BundleEntry) throws(CheckpointError) {
        guard entry.slices.isEmpty else { return }
        let shard = shards[entry.shard]
        let byteCount = shard.identity.size
        guard entry.offset <= byteCount, entry.byteCount <= byteCount - entry.offset else {
            throw CheckpointError(
                .malformed, file: shard.identity.path,
                "tensor \"\(name)\": \(entry.byteCount) bytes at \(entry.offset) do not lie in the file, which has "
                    + "\(byteCount) bytes: it is cut off, or belongs to another index")
        }
    }

    /// The bundle with all tensors in memory, verified; or each when somebody asks for it.
    ///
    /// - Parameter options: How tensors are read.
    /// - Returns: The bundle in memory.
    /// - Throws: ``CheckpointError`` for the first tensor that fails; of kind `changed` if a file was written meanwhile.
    func loaded(_ options: ReadingOptions) throws(CheckpointError) -> TensorBundle {
        var stored = [[ShardMemory.Item]](repeating: [], count: shards.count)
        for (name, entry) in entries where entry.slices.isEmpty { stored[entry.shard].append((name.string, entry)) }
        for (key, entry) in slices where entry.slices.isEmpty {
            stored[entry.shard].append((String(decoding: key, as: UTF8.self), entry))
        }
        var loaded: [Shard] = []
        for (number, shard) in shards.enumerated() {
            guard case .file(let file) = shard else { return self }
            loaded.append(.memory(try ShardMemory(file, stored[number], options)))
        }
        let bundle = TensorBundle(self, loaded)
        if !options.isOnDemand { try bundle.verifyOthers() }
        return bundle
    }

    /// Verifies what is read on demand and was not read yet.
    ///
    /// - Throws: ``CheckpointError``, as ``loaded(_:)`` does for tensors that are read at once.
    func verifyRest() throws(CheckpointError) {
        for case .memory(let memory) in shards { try memory.verify() }
        try verifyOthers()
    }

    /// Reads the tensors that are not verified when their bytes are read: strings, and tensors in slices.
    private func verifyOthers() throws(CheckpointError) {
        let others = entries.filter { $0.value.dtype.fixedWidth == nil || !$0.value.slices.isEmpty }
        for name in others.keys.sorted() { _ = try tensor(name.string, slice: nil) }
    }

    /// Lets a function take the bytes of a tensor in parts, if they are the tensor's elements as they lie.
    func readParts(
        of name: String, multipleOf multiple: Int, _ take: @escaping PartTaking
    ) throws(CheckpointError) -> Bool {
        guard let entry = entries[ExactText(name)], entry.slices.isEmpty, entry.dtype.fixedWidth != nil,
            entry.dtype != .bool, !isBigEndian, case .memory(let memory) = shards[entry.shard]
        else { return false }
        return try memory.readParts(name, entry, multipleOf: multiple, take)
    }

    private init(_ other: TensorBundle, _ shards: [Shard]) {
        prefix = other.prefix
        entries = other.entries
        slices = other.slices
        isBigEndian = other.isBigEndian
        indexIdentity = other.indexIdentity
        self.shards = shards
    }

    func giveBackUnused() {
        for case .memory(let memory) in shards { memory.giveBackUnused() }
    }

    var residentBytes: Int {
        shards.reduce(0) { if case .memory(let memory) = $1 { $0 + memory.residentBytes } else { $0 } }
    }

    /// The names of the shard files that hold a tensor's bytes.
    func shards(of name: String) -> [Int] {
        guard let entry = entries[ExactText(name)] else { return [] }
        guard !entry.slices.isEmpty else { return [entry.shard] }
        return Array(Set(entry.slices.compactMap { slices[$0.key(of: name)]?.shard })).sorted()
    }

    func info(for name: String) -> CheckpointReader.TensorInfo? {
        guard let entry = entries[ExactText(name)] else { return nil }
        let width = entry.dtype.fixedWidth ?? 0
        return CheckpointReader.TensorInfo(
            name: name, dtype: entry.dtype, shape: entry.shape, shards: shards(of: name),
            byteCount: entry.slices.isEmpty ? entry.byteCount : entry.shape.elementCount * width)
    }

    /// Reads a tensor. A bundle in memory returns its memory without a copy.
    ///
    /// - Throws: ``CheckpointError`` if its checksum or its parts do not fit, or its dtype cannot be read.
    func tensor(_ name: String, slice: TensorSlice?) throws(CheckpointError) -> Tensor {
        guard let entry = entries[ExactText(name)] else {
            throw CheckpointError(.notFound, file: indexPath, "has no tensor \"\(name)\"")
        }
        if entry.slices.isEmpty, slice == nil { return try whole(name, entry) }
        let assembly = SliceAssembly(
            file: indexPath, name: name, dtype: entry.dtype, shape: entry.shape,
            slices: entry.slices.isEmpty ? [.whole(rank: entry.shape.rank)] : entry.slices)
        return try assembly.tensor(slice) { stored, ranges throws(CheckpointError) in
            guard let part = entry.slices.isEmpty ? entry : slices[stored.key(of: name)] else {
                throw failure(name, "a slice is listed but not stored")
            }
            guard part.slices.isEmpty, part.dtype == entry.dtype, part.shape.dimensions == ranges.map(\.count) else {
                throw failure(name, "a slice has another dtype or shape than the list of slices says")
            }
            return try whole(name, part)
        }
    }

    private func failure(_ name: String, _ reason: String) -> CheckpointError {
        CheckpointError(.malformed, file: indexPath, "tensor \"\(name)\": \(reason)")
    }

    private func whole(_ name: String, _ entry: BundleEntry) throws(CheckpointError) -> Tensor {
        let path = shards[entry.shard].identity.path
        guard entry.dtype == .string || entry.dtype.fixedWidth != nil else {
            throw CheckpointError(
                .unsupported, file: path, "tensor \"\(name)\": dtype \(entry.dtype) cannot be read from a checkpoint")
        }
        let stored = try bytes(of: entry, name)
        // The bytes are there as long as their owner.
        defer { withExtendedLifetime(stored.owner) {} }
        if entry.dtype == .string { return try StringDecoder(path, name, entry).decode(stored.bytes) }
        let needsChange = isBigEndian || entry.dtype == .bool
        guard
            let tensor = needsChange
                ? changed(stored.bytes, entry)
                : Tensor(
                    dtype: entry.dtype, shape: entry.shape,
                    storage: TensorStorage(borrowing: stored.bytes, owner: stored.owner))
        else {
            throw CheckpointError(.io, file: path, "tensor \"\(name)\": not enough memory for \(entry.byteCount) bytes")
        }
        return tensor
    }

    /// A tensor's stored bytes, aligned, and verified if the entry's checksum covers the bytes.
    private func bytes(of entry: BundleEntry, _ name: String) throws(CheckpointError) -> Shard.Part {
        switch shards[entry.shard] {
        case .memory(let memory): return try memory.part(name, entry)
        case .file(let file):
            guard let memory = PrivateMemory(byteCount: entry.byteCount) else {
                throw CheckpointError(
                    .io, file: file.path, "tensor \"\(name)\": not enough memory for \(entry.byteCount) bytes")
            }
            var checksum = Checksum()
            try file.read(into: memory.bytes, at: entry.offset) { checksum.extend($0) }
            if entry.dtype != .string { try entry.require(checksum, name, in: file.path) }
            return Shard.Part(bytes: UnsafeRawBufferPointer(memory.bytes), owner: memory)
        }
    }

    /// A copy in this machine's byte order, with Booleans as 0 or 1; nil if there is not enough memory.
    private func changed(_ bytes: UnsafeRawBufferPointer, _ entry: BundleEntry) -> Tensor? {
        Tensor(dtype: entry.dtype, shape: entry.shape) { memory in
            memory.copyMemory(from: bytes)
            if isBigEndian { Self.swapBytes(of: memory, entry.dtype) }
            if entry.dtype == .bool { for index in memory.indices where memory[index] > 1 { memory[index] = 1 } }
        }
    }

    private static func swapBytes(of memory: UnsafeMutableRawBufferPointer, _ dtype: DataType) {
        let isComplex = dtype == .complex64 || dtype == .complex128
        let width = (dtype.fixedWidth ?? 1) / (isComplex ? 2 : 1)
        for start in stride(from: 0, to: memory.count, by: max(1, width)) {
            memory[start..<start + width].reverse()
        }
    }
}
