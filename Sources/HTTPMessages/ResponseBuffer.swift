internal import Glibc
package import Memory

// Safety: the memory is the buffer's own; pointers into it leave only through scoped calls and `bytes`, whose validity ends
// with the next change.
/// The bytes of a response. The buffer grows, and keeps its memory from response to response.
///
/// Belongs to one thread at a time. If memory runs out, ``hasFailed`` is set and what is appended is dropped.
public final class ResponseBuffer {
    // Safety: the memory is the buffer's own; pointers into it leave only through reserve(_:) and `bytes`, whose validity ends
    // with the next change.
    private var memory: UnsafeMutableRawPointer?
    private var capacity = 0
    /// The number of bytes written.
    public private(set) var count = 0
    /// Whether memory ran out, or ``isTooLong``.
    public private(set) var hasFailed = false
    /// Whether the response exceeded ``maxBytes``.
    public private(set) var isTooLong = false

    /// The maximum length of a response.
    public static let maxBytes = 1 << 30

    /// A larger buffer is freed after its response.
    private static let keptBytes = 4 << 20
    private static let firstBytes = 1 << 10

    /// Smaller buffers are not counted, because each request allocates some.
    private static let uncountedBytes = 64 << 10
    /// The account that counts the capacity, and the use.
    private var account: MemoryAccount?
    private var use = MemoryAccount.Use.responses
    /// The bytes of the capacity that are counted.
    private var countedBytes = 0
    /// The reason why the account had no more memory.
    package private(set) var refusal: MemoryRefusal?

    /// An empty buffer.
    public init() {}

    /// An empty buffer whose memory is counted.
    package init(_ account: MemoryAccount?, for use: MemoryAccount.Use) {
        self.account = account
        self.use = use
    }

    deinit { giveBack() }

    /// Counts the buffer's memory, which is not counted yet, from the next growth on.
    package func count(in account: MemoryAccount?) {
        if self.account == nil, let account { self.account = account }
    }

    private func giveBack() {
        free(memory)
        memory = nil
        capacity = 0
        account?.give(countedBytes, for: use)
        countedBytes = 0
    }

    /// The bytes written so far; valid until the next change.
    public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory, count: count) }

    /// Removes all bytes.
    public func clear() {
        count = 0
        hasFailed = false
        isTooLong = false
        refusal = nil
        if capacity > Self.keptBytes { giveBack() }
    }

    /// Removes all but the first `count` bytes.
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

    /// Appends a static text.
    public func append(_ text: StaticString) {
        append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends UTF-8.
    public func append(_ text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    /// Makes room for writing in place. The writer then calls ``commit(_:)`` with the number of bytes written.
    ///
    /// - Returns: At least `size` bytes, not initialised; nil if memory is short.
    public func reserve(_ size: Int) -> UnsafeMutableRawPointer? {
        if size > capacity - count || memory == nil {
            let (needed, overflow) = count.addingReportingOverflow(size)
            guard !overflow, !hasFailed else { return fail() }
            guard needed <= Self.maxBytes else {
                isTooLong = true
                return fail()
            }
            return grow(to: needed)
        }
        return memory.map { $0 + count }
    }

    private func grow(to needed: Int) -> UnsafeMutableRawPointer? {
        var larger = max(needed, capacity + capacity / 2, Self.firstBytes)
        if let account, larger > Self.uncountedBytes {
            if !account.take(larger - countedBytes, for: use) {
                // Half as much again is reserved for further growth.
                larger = needed
                guard account.take(larger - countedBytes, for: use) else {
                    refusal = MemoryRefusal(
                        byteCount: larger - countedBytes, remainingBytes: account.remainingBytes,
                        isPassing: larger <= account.attainableBytes)
                    return fail()
                }
            }
            countedBytes = larger
        }
        guard let grown = realloc(memory, larger) else {
            account?.give(max(0, countedBytes - capacity), for: use)
            countedBytes = min(countedBytes, capacity)
            return fail()
        }
        memory = grown
        capacity = larger
        return grown + count
    }

    /// Adds bytes that were written in place.
    public func commit(_ size: Int) { count += size }

    private func fail() -> UnsafeMutableRawPointer? {
        hasFailed = true
        return nil
    }
}
