internal import Glibc

// Safety: the memory is the buffer's own; pointers into it leave only through scoped calls and `bytes`, whose validity ends
// with the next change.
/// Bytes that an answer is written into: grows, and keeps its memory from answer to answer.
///
/// Belongs to one thread at a time. If memory runs out, ``hasFailed`` is set and what is appended is dropped.
public final class ResponseBuffer {
    // Safety: the memory is the buffer's own; pointers into it leave only through reserve(_:) and `bytes`, whose validity ends
    // with the next change.
    private var memory: UnsafeMutableRawPointer?
    private var capacity = 0
    /// How many bytes have been written.
    public private(set) var count = 0
    /// Whether there was not enough memory, or ``isTooLong``.
    public private(set) var hasFailed = false
    /// Whether more than ``mostBytes`` were to be written.
    public private(set) var isTooLong = false

    /// Longer answers are not given.
    public static let mostBytes = 1 << 30

    /// A larger buffer is given back after its answer.
    private static let keptBytes = 4 << 20
    private static let firstBytes = 1 << 10

    /// An empty buffer.
    public init() {}

    deinit { free(memory) }

    /// What has been written; valid until the next change.
    public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory, count: count) }

    /// Forgets what has been written.
    public func clear() {
        count = 0
        hasFailed = false
        isTooLong = false
        guard capacity > Self.keptBytes else { return }
        free(memory)
        memory = nil
        capacity = 0
    }

    /// Drops what was written after the first `count` bytes.
    public func truncate(to count: Int) { self.count = min(self.count, max(0, count)) }

    /// Appends one byte.
    public func append(_ byte: UInt8) {
        guard let room = reserve(1) else { return }
        room.storeBytes(of: byte, as: UInt8.self)
        count += 1
    }

    /// Appends bytes.
    public func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, let room = reserve(bytes.count) else { return }
        room.copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }

    /// Appends a text of the program's own.
    public func append(_ text: StaticString) {
        append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends UTF-8.
    public func append(_ text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    /// Makes room for a writer in place, which then tells how much it wrote by ``commit(_:)``.
    ///
    /// - Returns: At least `size` bytes, not initialised; nil if memory is short.
    public func reserve(_ size: Int) -> UnsafeMutableRawPointer? {
        if size > capacity - count || memory == nil {
            let (needed, overflow) = count.addingReportingOverflow(size)
            guard !overflow, !hasFailed else { return fail() }
            guard needed <= Self.mostBytes else {
                isTooLong = true
                return fail()
            }
            let larger = max(needed, capacity + capacity / 2, Self.firstBytes)
            guard let grown = realloc(memory, larger) else { return fail() }
            memory = grown
            capacity = larger
        }
        return memory.map { $0 + count }
    }

    /// Adds what was written in place.
    public func commit(_ size: Int) { count += size }

    private func fail() -> UnsafeMutableRawPointer? {
        hasFailed = true
        return nil
    }
}
