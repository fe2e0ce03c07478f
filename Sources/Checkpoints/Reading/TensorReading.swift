internal import Files
internal import Tensors
internal import Threads

/// Reads tensors of a file and verifies them. Several threads share the work: even a single large tensor is cut in parts.
// Safety: each unit fills its own part of an item's memory, which outlives the call; what takes parts may be called on any thread.
struct TensorReading: @unchecked Sendable {
    /// What is done with a tensor's bytes.
    enum Use {
        /// They stay in memory, which has room for all of them.
        case keep(UnsafeMutableRawBufferPointer)
        /// A function takes them in parts. All parts but the last have a multiple of so many bytes.
        case parts(multipleOf: Int, PartTaking)
        /// They are only verified.
        case verify
    }

    struct Item {
        let name: String
        let entry: BundleEntry
        let use: Use
    }

    /// A part of an item.
    private struct Unit {
        let item: Int
        let range: Range<Int>
    }

    /// The number of bytes of a part. They stay in the cache while they are verified and taken.
    private static let unitBytes = 512 << 10

    private let file: OpenFile
    private let items: [Item]
    private let units: [Unit]
    private let progress: ReadingProgress?

    private init(_ items: [Item], from file: OpenFile, _ progress: ReadingProgress?) {
        self.file = file
        self.items = items
        self.progress = progress
        var units: [Unit] = []
        for (number, item) in items.enumerated() {
            var step = Self.unitBytes
            if case .parts(let multiple, _) = item.use { step = max(1, step / multiple) * multiple }
            for start in stride(from: 0, to: item.entry.byteCount, by: step) {
                units.append(Unit(item: number, range: start..<min(start + step, item.entry.byteCount)))
            }
        }
        self.units = units
    }

    /// Reads and verifies tensors. The checksum of a string tensor is not that of its bytes: ``StringDecoder`` verifies it.
    ///
    /// - Parameters:
    ///   - items: The tensors.
    ///   - file: Their file.
    ///   - helpers: The source of threads that help; nil for none.
    ///   - progress: Counts what is read; nil for none.
    /// - Throws: ``CheckpointError`` for the first of the items that cannot be read, or has another checksum.
    static func read(
        _ items: [Item], from file: OpenFile, helpers: (any HelperSource)?, progress: ReadingProgress?
    ) throws(CheckpointError) {
        let reading = TensorReading(items, from: file, progress)
        let results = Results([Result?](repeating: nil, count: reading.units.count))
        SharedUnits.run(reading.units.count, helpers: helpers) { reading.work($0, results) }
        try reading.verify(results.withLock { $0 })
    }

    private typealias Result = Swift.Result<Checksum, CheckpointError>
    private typealias Results = Locked<[Result?]>

    /// Reads units until all are taken, or one fails.
    private func work(_ worker: SharedUnits.Worker, _ results: Results) {
        var buffer: PrivateMemory?
        while let number = worker.next() {
            let unit = units[number]
            let result: Result
            do throws(CheckpointError) {
                result = .success(try read(unit, &buffer))
                let isLast = unit.range.upperBound == items[unit.item].entry.byteCount
                progress?.add(ReadingProgress.Count(tensors: isLast ? 1 : 0, bytes: unit.range.count))
            } catch {
                result = .failure(error)
                worker.stop()
            }
            results.withLock { $0[number] = result }
        }
    }

    private func read(_ unit: Unit, _ buffer: inout PrivateMemory?) throws(CheckpointError) -> Checksum {
        let item = items[unit.item]
        var checksum = Checksum()
        let memory: UnsafeMutableRawBufferPointer
        if case .keep(let all) = item.use {
            memory = UnsafeMutableRawBufferPointer(rebasing: all[unit.range])
        } else {
            memory = try room(for: unit.range.count, item.name, &buffer)
        }
        try file.read(into: memory, at: item.entry.offset + unit.range.lowerBound) { checksum.extend($0) }
        if case .parts(_, let take) = item.use { take(UnsafeRawBufferPointer(memory), unit.range.lowerBound) }
        return checksum
    }

    /// A thread's own memory for bytes that do not stay.
    private func room(
        for byteCount: Int, _ name: String, _ buffer: inout PrivateMemory?
    ) throws(CheckpointError) -> UnsafeMutableRawBufferPointer {
        if buffer?.bytes.count ?? 0 < byteCount { buffer = PrivateMemory(byteCount: max(byteCount, Self.unitBytes)) }
        guard let buffer else {
            throw CheckpointError(.io, file: file.path, "tensor \"\(name)\": not enough memory for \(byteCount) bytes")
        }
        return UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<byteCount])
    }

    /// Puts the checksums of parts together, tensor by tensor.
    private func verify(_ results: [Result?]) throws(CheckpointError) {
        var next = 0
        for (number, item) in items.enumerated() {
            var checksum = Checksum()
            while next < units.count, units[next].item == number {
                // After a failure, later units were not read.
                guard let result = results[next] else { return }
                checksum.append(try result.get(), byteCount: units[next].range.count)
                next += 1
            }
            if item.entry.dtype != .string { try item.entry.require(checksum, item.name, in: file.path) }
        }
    }
}
