internal import Files
internal import SwiftProtobuf
internal import TensorFlowProtos
internal import Tensors
internal import Text

/// A V1 checkpoint: one file, or several, each a sorted table of slices (tensor_slice_writer.cc).
///
/// The empty key holds the list of a file's tensors and slices. Each slice's values are a `TensorProto` under the slice's own key. Blocks
/// have checksums, so opening the files verifies everything.
struct SlicedTensors: TensorStore {
    static let title = "V1 checkpoint"

    private struct Entry: Sendable {
        let dtype: DataType
        let shape: Shape
        var slices: [TensorSlice] = []
        var shards: [Int] = []
        var storedBytes = 0
    }

    let indexPath: String
    let files: [FileIdentity]
    private let entries: [ExactText: Entry]
    private let values: [[UInt8]: SortedTable.Value]

    private static let version: Int32 = 1
    private static let maxShards = 100_000

    static func exists(prefix: String) -> Bool {
        guard let first = paths(of: prefix).first, FileIdentity.exists(first) else { return false }
        // A damaged file is recognised by its meta graph, so that the error names the damage.
        return SortedTable.isTable(first) || FileIdentity.exists(prefix + ".meta")
    }

    static func prefixes(among files: FileNames, in folder: String) -> [String] {
        let others = [".index", ".meta", ".pb", ".pbtxt", ".json", ".txt"]
        return files.sorted.compactMap { name in
            // Summaries are skipped, because training writes many of them.
            guard !others.contains(where: name.ends), name != "checkpoint", !name.begins(with: "events.out.tfevents"),
                ShardName.split(name, after: ".data") == nil
            else { return nil }
            guard let parts = ShardName.split(name) else {
                return files.contains(name + ".meta") || SortedTable.isTable("\(folder)/\(name)") ? name : nil
            }
            let prefix = "\(parts.base)-?????-of-\(ShardName.padded(parts.total))"
            guard parts.shard == 0, paths(of: prefix).allSatisfy(files.contains) else { return nil }
            return SortedTable.isTable("\(folder)/\(name)") ? prefix : nil
        }
    }

    /// The files of a prefix. `model-?????-of-00002` means two files.
    static func paths(of prefix: String) -> [String] {
        guard let parts = ShardName.split(prefix), parts.shard == nil else { return [prefix] }
        guard (1...maxShards).contains(parts.total) else { return [] }
        return (0..<parts.total).map { "\(parts.base)-\(ShardName.padded($0))-of-\(ShardName.padded(parts.total))" }
    }

    /// Opens and verifies all files.
    ///
    /// - Throws: ``CheckpointError`` that names the file, the tensor and the cause.
    init(prefix: String) throws(CheckpointError) {
        var entries: [ExactText: Entry] = [:]
        var values: [[UInt8]: SortedTable.Value] = [:]
        var files: [FileIdentity] = []
        for (shard, path) in Self.paths(of: prefix).enumerated() {
            let contents = try FileContents(path: path)
            files.append(contents.identity)
            let table = try SortedTable(contents)
            for entry in table.entries.dropFirst() { values[entry.key] = entry.value }
            for tensor in try Self.list(table, path).tensor {
                try Self.add(tensor, shard, path, values, to: &entries)
            }
        }
        indexPath = prefix
        self.files = files
        self.entries = entries
        self.values = values
    }

    private static func list(_ table: SortedTable, _ path: String) throws(CheckpointError) -> SavedTensorSliceMeta {
        guard let first = table.entries.first, first.key.isEmpty,
            let message: SavedTensorSlices = first.value.decoded(), message.hasMeta
        else {
            throw CheckpointError(.malformed, file: path, "has no list of tensors: it is not a V1 checkpoint")
        }
        guard message.meta.versions.minConsumer <= version else {
            throw CheckpointError(
                .unsupported, file: path,
                "needs a reader of version \(message.meta.versions.minConsumer); this one has \(version)")
        }
        return message.meta
    }

    private static func add(
        _ tensor: SavedSliceMeta, _ shard: Int, _ path: String, _ values: [[UInt8]: SortedTable.Value],
        to entries: inout [ExactText: Entry]
    ) throws(CheckpointError) {
        func failure(_ reason: String) -> CheckpointError {
            CheckpointError(.malformed, file: path, "tensor \"\(tensor.name)\": \(reason)")
        }
        guard let dtype = DataType(protoNumber: tensor.type) else { throw failure("dtype \(tensor.type) is not known") }
        let dimensions = tensor.shape.dim.map { Int($0.size) }
        guard !tensor.shape.unknownRank, let shape = Shape(dimensions), shape.byteCount(of: dtype) != nil else {
            throw failure("shape \(dimensions) is not one that a tensor can have")
        }
        var entry = entries[ExactText(tensor.name)] ?? Entry(dtype: dtype, shape: shape)
        guard entry.dtype == dtype, entry.shape == shape else {
            throw failure("is \(dtype) \(shape) here and \(entry.dtype) \(entry.shape) in another shard")
        }
        for slice in tensor.slice.map(TensorSlice.init(decoding:)) {
            guard slice.ranges(in: shape) != nil else { throw failure("a slice does not lie in its shape") }
            guard let value = values[slice.key(of: tensor.name)] else {
                throw failure("a slice is listed but not stored")
            }
            entry.slices.append(slice)
            entry.storedBytes += value.count
        }
        if entry.shards.last != shard { entry.shards.append(shard) }
        entries[ExactText(tensor.name)] = entry
    }

    var names: [String] { entries.keys.map(\.string) }

    /// Everything is in memory, and its blocks are verified. This checks that the values can be decoded.
    func loaded(_: ReadingOptions) throws(CheckpointError) -> SlicedTensors {
        for name in names { _ = try tensor(name, slice: nil) }
        return self
    }

    func verifyRest() {}

    func readParts(of name: String, multipleOf: Int, _: @escaping PartTaking) -> Bool { false }

    func giveBackUnused() {}

    var residentBytes: Int { entries.values.reduce(0) { $0 + $1.storedBytes } }

    func info(for name: String) -> CheckpointReader.TensorInfo? {
        guard let entry = entries[ExactText(name)] else { return nil }
        return CheckpointReader.TensorInfo(
            name: name, dtype: entry.dtype, shape: entry.shape, shards: entry.shards,
            byteCount: entry.dtype.fixedWidth.map { $0 * entry.shape.elementCount } ?? entry.storedBytes)
    }

    func tensor(_ name: String, slice: TensorSlice?) throws(CheckpointError) -> Tensor {
        guard let entry = entries[ExactText(name)] else {
            throw CheckpointError(.notFound, file: indexPath, "has no tensor \"\(name)\"")
        }
        let assembly = SliceAssembly(
            file: indexPath, name: name, dtype: entry.dtype, shape: entry.shape, slices: entry.slices)
        return try assembly.tensor(slice) { stored, ranges throws(CheckpointError) in
            try part(name, entry.dtype, stored, ranges)
        }
    }

    /// Decodes a slice's values. Only the values are stored. The list of tensors states dtype and shape.
    private func part(
        _ name: String, _ dtype: DataType, _ slice: TensorSlice, _ ranges: [Range<Int>]
    ) throws(CheckpointError) -> Tensor {
        func failure(_ kind: CheckpointError.Kind, _ reason: String) -> CheckpointError {
            CheckpointError(kind, file: indexPath, "tensor \"\(name)\": \(reason)")
        }
        guard let value = values[slice.key(of: name)], let message: SavedTensorSlices = value.decoded(), message.hasData
        else { throw failure(.malformed, "the values of a slice cannot be read") }
        var values = message.data.data
        values.dtype = dtype.rawValue
        values.tensorShape = TensorShapeProto.with { shape in
            shape.dim = ranges.map { range in .with { $0.size = Int64(range.count) } }
        }
        let expected = ranges.reduce(1) { $0 * $1.count }
        let found = values.valueCount(of: dtype)
        guard dtype.fixedWidth != nil || dtype == .string else {
            throw failure(.unsupported, "dtype \(dtype) cannot be read from a checkpoint")
        }
        guard found == expected || (found == 0 && !values.tensorContent.isEmpty) else {
            throw failure(.malformed, "a slice has \(found) values; its shape needs \(expected)")
        }
        do throws(TensorDecodingError) { return try Tensor(decoding: values) } catch {
            throw failure(.malformed, error.reason)
        }
    }
}
