internal import Glibc
internal import SwiftProtobuf
internal import TensorFlowProtos
package import Tensors

/// Writes a tensor bundle: `PREFIX.data-?????-of-?????` and `PREFIX.index`, as TensorFlow's `SaveV2` does (tensor_bundle.cc).
///
/// Tensors are written in the order of their names. The index is written last, so that a bundle with an index is complete.
package struct BundleWriter {
    /// A tensor to write; its value is asked for when its turn comes, so that not all need to be in memory.
    package struct Item {
        /// The key in the checkpoint.
        package let name: String
        /// Gives the value.
        package let value: () throws(CheckpointError) -> Tensor

        package init(_ name: String, _ value: @escaping () throws(CheckpointError) -> Tensor) {
            self.name = name
            self.value = value
        }
    }

    private let prefix: String
    private let shardCount: Int

    /// - Parameters:
    ///   - prefix: The prefix of the files.
    ///   - shardCount: The number of data files; at least 1.
    package init(prefix: String, shardCount: Int = 1) {
        self.prefix = prefix
        self.shardCount = max(1, shardCount)
    }

    /// The paths of the data files.
    package var dataFiles: [String] { (0..<shardCount).map(dataFile) }

    /// The number of data files that the index of a prefix refers to; nil where there is no readable index.
    package static func shardCount(ofIndexAt prefix: String) -> Int? {
        guard let file = try? FileContents(path: prefix + ".index"), let table = try? SortedTable(file),
            let first = table.entries.first, first.key.isEmpty, let header: BundleHeaderProto = first.value.decoded()
        else { return nil }
        return Int(header.numShards)
    }

    private func dataFile(_ shard: Int) -> String {
        "\(prefix).data-\(Self.padded(shard))-of-\(Self.padded(shardCount))"
    }

    private static func padded(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    }

    /// Writes all files.
    ///
    /// - Parameters:
    ///   - items: The tensors, whose names differ.
    ///   - progress: Gets the number of bytes of each tensor that is written.
    /// - Throws: ``CheckpointError`` of kind `io` if the disk is full or the folder cannot be written, of kind `unsupported` for a dtype that has
    ///   no bytes, and what an item throws. Files of the same names stay as they were.
    package func write(_ items: [Item], progress: (Int) -> Void = { _ in }) throws(CheckpointError) {
        let items = items.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        var entries: [(name: String, entry: BundleEntryProto)] = []
        for shard in 0..<shardCount {
            var file = try NewFile(path: dataFile(shard))
            // Neighbours in the order of names share a file.
            for place in items.count * shard / shardCount..<items.count * (shard + 1) / shardCount {
                let tensor = try items[place].value()
                let start = file.byteCount
                let checksum = try Self.write(tensor, items[place].name, to: &file)
                entries.append((items[place].name, Self.entry(tensor, shard, start..<file.byteCount, checksum)))
                progress(file.byteCount - start)
            }
            try file.finish()
        }
        try writeIndex(entries)
    }

    private func writeIndex(_ entries: [(name: String, entry: BundleEntryProto)]) throws(CheckpointError) {
        var header = BundleHeaderProto()
        header.numShards = Int32(clamping: shardCount)
        header.version.producer = 1
        var table = SortedTableWriter()
        do {
            table.add([], try header.serializedBytes())
            for (name, entry) in entries { table.add(Array(name.utf8), try entry.serializedBytes()) }
        } catch { throw CheckpointError(.unsupported, file: prefix + ".index", "cannot be encoded: \(error)") }
        var file = try NewFile(path: prefix + ".index")
        try file.write(table.finish())
        try file.finish()
    }

    private static func entry(
        _ tensor: Tensor, _ shard: Int, _ place: Range<Int>, _ checksum: Checksum
    ) -> BundleEntryProto {
        var entry = BundleEntryProto()
        entry.dtype = tensor.dtype.rawValue
        entry.shape = TensorShapeProto()
        for size in tensor.shape.dimensions {
            var dimension = TensorShapeProto.Dim()
            dimension.size = Int64(size)
            entry.shape.dim.append(dimension)
        }
        entry.shardID = Int32(clamping: shard)
        entry.offset = Int64(place.lowerBound)
        entry.size = Int64(place.count)
        entry.crc32C = checksum.masked
        return entry
    }

    /// Writes the elements.
    ///
    /// - Returns: Their checksum.
    private static func write(
        _ tensor: Tensor, _ name: String, to file: inout NewFile
    ) throws(CheckpointError) -> Checksum {
        if let strings = tensor.strings { return try write(strings, to: &file) }
        guard tensor.dtype.fixedWidth != nil else {
            throw CheckpointError(
                .unsupported, file: file.path, "\"\(name)\" is a \(tensor.dtype), which cannot be saved")
        }
        return try tensor.withUnsafeBytes { bytes throws(CheckpointError) in
            var checksum = Checksum()
            checksum.extend(bytes)
            try file.write(bytes)
            return checksum
        }
    }

    /// The lengths as varints, a checksum of the lengths, and the strings. The checksum of all counts each length as a number of four bytes,
    /// or of eight for a long string.
    private static func write(_ strings: [[UInt8]], to file: inout NewFile) throws(CheckpointError) -> Checksum {
        var lengths: [UInt8] = []
        var checksum = Checksum()
        for string in strings {
            lengths.append(varint: UInt64(string.count))
            if let length = UInt32(exactly: string.count) {
                withUnsafeBytes(of: length.littleEndian) { checksum.extend($0) }
            } else {
                withUnsafeBytes(of: UInt64(string.count).littleEndian) { checksum.extend($0) }
            }
        }
        var sum: [UInt8] = []
        sum.append(littleEndian: checksum.masked)
        sum.withUnsafeBytes { checksum.extend($0) }
        try file.write(lengths + sum)
        for string in strings {
            string.withUnsafeBytes { checksum.extend($0) }
            try file.write(string)
        }
        return checksum
    }
}
