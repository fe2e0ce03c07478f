internal import HTTPMessages
package import Tensors

/// The arrays of a `.npz` file, as `numpy.savez` and `numpy.savez_compressed` write it: a zip file with a `.npy` file for each array.
///
/// Format: PKWARE's APPNOTE.TXT, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.16 (its end). An array is decoded when
/// it is asked for, and its length and checksum are verified.
package struct NPZArchive: Sendable {
    /// A file of the archive.
    private struct Entry {
        let name: String
        let isDeflated: Bool
        let checksum: UInt32
        /// The number of bytes of the array's file.
        let byteCount: Int
        /// The bytes in the archive, compressed or not.
        let place: Range<Int>
    }

    private let bytes: [UInt8]
    private let entries: [Entry]

    /// The maximum size of an array's file.
    private static let maxArrayBytes = 1 << 30
    /// Deflate makes no more than so many bytes of one.
    private static let maxRatio = 1032

    /// The names of the arrays, in the order of the archive.
    package var names: [String] { entries.map(\.name) }

    /// Reads the directory of an archive.
    ///
    /// - Parameter bytes: The file.
    /// - Throws: ``NPYText/Fault`` if the file is not an archive of arrays.
    package init(file bytes: [UInt8]) throws(NPYText.Fault) {
        let reader = ZipReader(bytes)
        let (count, directory) = try reader.directory()
        var entries: [Entry] = []
        var names: Set<String> = []
        var place = directory.lowerBound
        for _ in 0..<count {
            let entry = try Self.entry(reader, at: &place, directory)
            guard names.insert(entry.name).inserted else {
                throw NPYText.Fault(reason: "it has two arrays \"\(entry.name)\"")
            }
            entries.append(entry)
        }
        self.bytes = bytes
        self.entries = entries
    }

    /// An array as a tensor. NumPy's defaults, float64 and int64, are converted to float32 and int32.
    ///
    /// - Parameters:
    ///   - name: One of ``names``.
    ///   - dtype: The dtype of the tensor; nil for the array's own.
    /// - Returns: A tensor with its own memory.
    /// - Throws: ``NPYText/Fault`` if the array is missing or damaged, or does not fit the dtype.
    package func tensor(_ name: String, as dtype: DataType?) throws(NPYText.Fault) -> Tensor {
        guard let entry = entries.first(where: { $0.name == name }) else {
            throw NPYText.Fault(reason: "it has no array \"\(name)\"")
        }
        return try bytes.withUnsafeBufferPointer { bytes throws(NPYText.Fault) in
            let stored = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[entry.place])
            guard entry.isDeflated else { return try Self.tensor(stored, entry, dtype) }
            let inflated = ResponseBuffer()
            guard let inflater = ZlibInflater(.plain) else { throw NPYText.Fault(reason: "not enough memory for it") }
            do throws(InflationFailure) {
                try inflater.inflate(stored, into: inflated, limit: entry.byteCount)
            } catch {
                let reason = error == .noMemory ? "not enough memory for array" : "damaged compressed bytes of array"
                throw NPYText.Fault(reason: "\(reason) \"\(name)\"")
            }
            // Safety: the buffer does not change while its bytes are read.
            defer { withExtendedLifetime(inflated) {} }
            return try Self.tensor(inflated.bytes, entry, dtype)
        }
    }

    private static func tensor(
        _ file: UnsafeRawBufferPointer, _ entry: Entry, _ dtype: DataType?
    ) throws(NPYText.Fault) -> Tensor {
        guard file.count == entry.byteCount else {
            throw NPYText.Fault(
                reason: "array \"\(entry.name)\" has \(file.count) bytes, expected \(entry.byteCount)")
        }
        let found = ZlibChecksum.crc32(file)
        guard found == entry.checksum else {
            throw NPYText.Fault(
                reason: "array \"\(entry.name)\" is damaged: checksum \(hexadecimal(found)), expected "
                    + hexadecimal(entry.checksum))
        }
        do throws(NPYText.Fault) { return try NPYText.tensor(bytes: file, as: dtype, feed: entry.name) } catch {
            throw NPYText.Fault(reason: "array \"\(entry.name)\": \(error.reason)")
        }
    }

    private static func hexadecimal(_ number: UInt32) -> String { "0x" + String(number, radix: 16) }

    /// Reads an entry of the directory, and goes to the next one.
    private static func entry(
        _ reader: ZipReader, at place: inout Int, _ directory: Range<Int>
    ) throws(NPYText.Fault) -> Entry {
        let record = try reader.record(at: place, .entry, within: directory)
        let length = reader.short(place + 28)
        let end = record.upperBound + length + reader.short(place + 30) + reader.short(place + 32)
        guard end <= directory.upperBound else { throw NPYText.Fault(reason: "its directory is cut off") }
        guard var name = reader.text(record.upperBound..<record.upperBound + length) else {
            throw NPYText.Fault(reason: "it has a name that is not UTF-8")
        }
        guard name.hasSuffix(".npy") else {
            throw NPYText.Fault(reason: "it contains \"\(name)\", which is not an array: save it with numpy.savez")
        }
        name.removeLast(".npy".count)
        let (flags, method) = (reader.short(place + 8), reader.short(place + 10))
        guard flags & 1 == 0 else { throw NPYText.Fault(reason: "array \"\(name)\" is encrypted") }
        guard method == 0 || method == 8 else {
            throw NPYText.Fault(
                reason:
                    "array \"\(name)\" is compressed by method \(method); supported are 0 and 8, of numpy.savez and "
                    + "numpy.savez_compressed")
        }
        let (packed, unpacked) = (reader.long(place + 20), reader.long(place + 24))
        guard unpacked <= maxArrayBytes else {
            throw NPYText.Fault(reason: "array \"\(name)\" has \(unpacked) bytes, more than \(maxArrayBytes)")
        }
        guard method == 0 ? packed == unpacked : unpacked <= (packed + 1) * maxRatio else {
            throw NPYText.Fault(reason: "array \"\(name)\" has \(packed) bytes in the file for \(unpacked)")
        }
        let header = try reader.record(
            at: reader.long(place + 42), .file, within: 0..<directory.lowerBound)
        let start = header.upperBound + reader.short(header.lowerBound + 26) + reader.short(header.lowerBound + 28)
        guard start <= directory.lowerBound, packed <= directory.lowerBound - start else {
            throw NPYText.Fault(reason: "array \"\(name)\" is cut off")
        }
        let checksum = UInt32(truncatingIfNeeded: reader.long(place + 16))
        place = end
        return Entry(
            name: name, isDeflated: method == 8, checksum: checksum, byteCount: unpacked, place: start..<start + packed)
    }
}

/// Reads the fields of a zip file. All numbers are little-endian, and below 2^32.
private struct ZipReader {
    /// A kind of record: its signature, and the bytes of its fixed part.
    enum Record {
        case file, entry, end

        var signature: Int {
            switch self {
            case .file: 0x0403_4b50
            case .entry: 0x0201_4b50
            case .end: 0x0605_4b50
            }
        }

        var byteCount: Int {
            switch self {
            case .file: 30
            case .entry: 46
            case .end: 22
            }
        }
    }

    private let bytes: [UInt8]
    /// A comment of any length may follow the end of the directory.
    private static let maxComment = 65_535
    private static let maxEntries = 4096

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    // Places of the two functions are within a record that was found.
    func short(_ place: Int) -> Int { Int(bytes[place]) | Int(bytes[place + 1]) << 8 }
    func long(_ place: Int) -> Int { short(place) | short(place + 2) << 16 }

    func text(_ place: Range<Int>) -> String? { String(validating: bytes[place], as: UTF8.self) }

    /// The place of the fixed part of a record.
    ///
    /// - Throws: ``NPYText/Fault`` if there is none.
    func record(at place: Int, _ record: Record, within range: Range<Int>) throws(NPYText.Fault) -> Range<Int> {
        guard place >= range.lowerBound, place <= range.upperBound - record.byteCount,
            long(place) == record.signature
        else { throw NPYText.Fault(reason: "its directory is damaged: there is no record at byte \(place)") }
        return place..<place + record.byteCount
    }

    /// The number of entries, and the place of the directory.
    ///
    /// - Throws: ``NPYText/Fault``.
    func directory() throws(NPYText.Fault) -> (count: Int, place: Range<Int>) {
        let last = bytes.count - Record.end.byteCount
        guard last >= 0,
            let end = (max(0, last - Self.maxComment)...last).reversed().first(where: {
                long($0) == Record.end.signature && $0 + Record.end.byteCount + short($0 + 20) == bytes.count
            })
        else { throw NPYText.Fault(reason: "it is not a zip file, or is cut off") }
        let (count, size, start) = (short(end + 10), long(end + 12), long(end + 16))
        guard short(end + 4) == 0, short(end + 6) == 0, short(end + 8) == count, start <= end, size <= end - start
        else {
            throw NPYText.Fault(reason: "the end of its directory is damaged")
        }
        guard count <= Self.maxEntries else {
            throw NPYText.Fault(reason: "it has \(count) arrays, more than \(Self.maxEntries)")
        }
        return (count, start..<start + size)
    }
}
