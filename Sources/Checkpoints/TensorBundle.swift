internal import TensorFlowProtos
internal import Tensors

/// A V2 checkpoint: the index, and the shards with the tensors' bytes (tensor_bundle.h).
struct TensorBundle: TensorStore {
    static let title = "V2 checkpoint"

    let prefix: String
    /// The tensors by name; slices' own entries are not among them.
    let entries: [String: BundleEntry]
    private let slices: [[UInt8]: BundleEntry]
    private let shards: [MappedFile]
    private let isBigEndian: Bool

    var indexPath: String { prefix + ".index" }

    var names: [String] { Array(entries.keys) }

    private static let version: Int32 = 1
    private static let mostShards = 100_000

    static func exists(prefix: String) -> Bool { MappedFile.exists(prefix + ".index") }

    static func prefixes(among files: Set<String>, in folder: String) -> [String] {
        files.filter { $0.hasSuffix(".index") }.map { String($0.dropLast(6)) }
    }

    /// Opens all files and checks all entries; the tensors' bytes are checked when they are read.
    ///
    /// - Throws: ``CheckpointError`` naming file, key and cause.
    init(prefix: String) throws(CheckpointError) {
        let index = try MappedFile(path: prefix + ".index")
        let table = try SortedTable(index)
        let header = try Self.header(table, index.path)
        var entries: [String: BundleEntry] = [:]
        var slices: [[UInt8]: BundleEntry] = [:]
        for entry in table.entries.dropFirst() {
            let name = String(decoding: entry.key, as: UTF8.self)
            do throws(BundleEntry.Failure) {
                let decoded = try BundleEntry(decoding: entry.value, shardCount: Int(header.numShards))
                if entry.key.first == 0 { slices[entry.key] = decoded } else { entries[name] = decoded }
            } catch { throw CheckpointError(error.kind, file: index.path, "tensor \"\(name)\": \(error.reason)") }
        }
        self.prefix = prefix
        self.entries = entries
        self.slices = slices
        isBigEndian = header.endianness == 1
        shards = try Self.openShards(prefix, Int(header.numShards))
        for (name, entry) in entries { try checkBounds(name, entry) }
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
        guard (1...mostShards).contains(Int(header.numShards)) else {
            throw CheckpointError(.malformed, file: file, "the header says \(header.numShards) shards")
        }
        guard (0...1).contains(header.endianness) else {
            throw CheckpointError(.malformed, file: file, "the header's byte order \(header.endianness) is not known")
        }
        return header
    }

    private static func openShards(_ prefix: String, _ count: Int) throws(CheckpointError) -> [MappedFile] {
        var shards: [MappedFile] = []
        for shard in 0..<count {
            shards.append(
                try MappedFile(path: "\(prefix).data-\(ShardName.padded(shard))-of-\(ShardName.padded(count))"))
        }
        return shards
    }

    private func checkBounds(_ name: String, _ entry: BundleEntry) throws(CheckpointError) {
        guard entry.slices.isEmpty else { return }
        let shard = shards[entry.shard]
        guard shard.range(offset: entry.offset, count: entry.byteCount) != nil else {
            throw CheckpointError(
                .malformed, file: shard.path,
                "tensor \"\(name)\": \(entry.byteCount) bytes at \(entry.offset) do not lie in the file, which has "
                    + "\(shard.bytes.count) bytes: it is cut off, or belongs to another index")
        }
    }

    /// The names of the shard files that hold a tensor's bytes.
    func shards(of name: String) -> [Int] {
        guard let entry = entries[name] else { return [] }
        guard !entry.slices.isEmpty else { return [entry.shard] }
        return Array(Set(entry.slices.compactMap { slices[$0.key(of: name)]?.shard })).sorted()
    }

    func info(for name: String) -> CheckpointReader.TensorInfo? {
        guard let entry = entries[name] else { return nil }
        let width = entry.dtype.fixedWidth ?? 0
        return CheckpointReader.TensorInfo(
            name: name, dtype: entry.dtype, shape: entry.shape, shards: shards(of: name),
            byteCount: entry.slices.isEmpty ? entry.byteCount : entry.shape.elementCount * width)
    }

    /// Reads a tensor; where its bytes are aligned in the file they are used as they lie.
    ///
    /// - Throws: ``CheckpointError`` if its checksum or its parts do not fit, or its dtype cannot be read.
    func tensor(_ name: String, slice: TensorSlice?) throws(CheckpointError) -> Tensor {
        guard let entry = entries[name] else {
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
        let shard = shards[entry.shard]
        guard let bytes = shard.range(offset: entry.offset, count: entry.byteCount) else {
            throw CheckpointError(.malformed, file: shard.path, "tensor \"\(name)\" does not lie in the file")
        }
        if entry.dtype == .string { return try StringDecoder(shard.path, name, entry).decode(bytes) }
        guard entry.dtype.fixedWidth != nil else {
            throw CheckpointError(
                .unsupported, file: shard.path,
                "tensor \"\(name)\": dtype \(entry.dtype) cannot be read from a checkpoint")
        }
        let found = Checksum.masked(of: bytes)
        guard found == entry.checksum else {
            throw CheckpointError(
                .corrupt, file: shard.path,
                "tensor \"\(name)\" at \(entry.offset): checksum \(found.hexadecimal), expected \(entry.checksum.hexadecimal)"
            )
        }
        guard let tensor = isBigEndian || entry.dtype == .bool ? nil : used(bytes, entry, shard) else {
            return try copied(bytes, name, entry, shard)
        }
        return tensor
    }

    /// The tensor over the mapping; nil if it is not aligned.
    private func used(_ bytes: UnsafeRawBufferPointer, _ entry: BundleEntry, _ shard: MappedFile) -> Tensor? {
        Tensor(dtype: entry.dtype, shape: entry.shape, storage: TensorStorage(borrowing: bytes, owner: shard))
    }

    private func copied(
        _ bytes: UnsafeRawBufferPointer, _ name: String, _ entry: BundleEntry, _ shard: MappedFile
    ) throws(CheckpointError) -> Tensor {
        let tensor = Tensor(dtype: entry.dtype, shape: entry.shape) { memory in
            memory.copyMemory(from: bytes)
            if isBigEndian { Self.swapBytes(of: memory, entry.dtype) }
            if entry.dtype == .bool { for index in memory.indices where memory[index] > 1 { memory[index] = 1 } }
        }
        guard let tensor else {
            throw CheckpointError(
                .io, file: shard.path, "tensor \"\(name)\": not enough memory for \(bytes.count) bytes")
        }
        return tensor
    }

    private static func swapBytes(of memory: UnsafeMutableRawBufferPointer, _ dtype: DataType) {
        let isComplex = dtype == .complex64 || dtype == .complex128
        let width = (dtype.fixedWidth ?? 1) / (isComplex ? 2 : 1)
        for start in stride(from: 0, to: memory.count, by: max(1, width)) {
            memory[start..<start + width].reverse()
        }
    }
}
