internal import Glibc

/// Private memory in whole pages. It is returned to the system with its last owner.
///
/// No file lies behind it: whatever happens to files, what was read stays as it is.
// Safety: written by its maker only, before it is shared; from ``seal()`` on the system refuses writes, but for those of
// ``rewrite(_:_:)``, whose caller makes sure that nobody reads the bytes.
final class PrivateMemory: @unchecked Sendable {
    let bytes: UnsafeMutableRawBufferPointer
    private let mapping: UnsafeMutableRawBufferPointer
    private let isHuge: Bool

    /// From this size on, large pages are requested. They cause fewer faults during loading, and fewer TLB misses when weights are read.
    private static let hugeFromBytes = 4 << 20
    private static let hugePageBytes = 2 << 20

    /// Allocates memory of zeros; nil if there is not enough.
    ///
    /// - Parameters:
    ///   - byteCount: The number of bytes.
    ///   - isSealed: Whether only ``rewrite(_:_:)`` writes it.
    init?(byteCount: Int, isSealed: Bool = false) {
        guard byteCount > 0 else {
            mapping = UnsafeMutableRawBufferPointer(start: nil, count: 0)
            bytes = mapping
            isHuge = false
            return
        }
        // Large pages are aligned to their size.
        let isHuge = byteCount >= Self.hugeFromBytes
        let (total, overflow) = byteCount.addingReportingOverflow(isHuge ? Self.hugePageBytes : 0)
        guard !overflow,
            let memory = mmap(
                nil, total, isSealed ? PROT_READ : PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            memory != MAP_FAILED
        else { return nil }
        mapping = UnsafeMutableRawBufferPointer(start: memory, count: total)
        let lead = isHuge ? -Int(bitPattern: memory) & (Self.hugePageBytes - 1) : 0
        bytes = UnsafeMutableRawBufferPointer(start: memory + lead, count: byteCount)
        if isHuge { madvise(memory + lead, byteCount, MADV_HUGEPAGE) }
        self.isHuge = isHuge
    }

    deinit {
        // Safety: the address and size are those of the mapping; all users of the bytes hold the memory.
        if let base = mapping.baseAddress { munmap(base, mapping.count) }
    }

    /// Makes the memory read-only.
    func seal() { if let base = mapping.baseAddress { mprotect(base, mapping.count, PROT_READ) } }

    private static let pageBytes = Int(sysconf(Int32(_SC_PAGESIZE)))

    /// The whole pages in a range of the bytes.
    private func pages(in range: Range<Int>) -> UnsafeMutableRawBufferPointer {
        guard let base = bytes.baseAddress else { return UnsafeMutableRawBufferPointer(start: nil, count: 0) }
        let (mask, start) = (Self.pageBytes - 1, Int(bitPattern: base))
        let first = (start + range.lowerBound + mask) & ~mask
        let end = (start + range.upperBound) & ~mask
        guard first < end else { return UnsafeMutableRawBufferPointer(start: nil, count: 0) }
        return UnsafeMutableRawBufferPointer(start: base + (first - start), count: end - first)
    }

    /// How many bytes ``giveBack(_:)`` gives back.
    func pageBytes(in range: Range<Int>) -> Int { pages(in: range).count }

    /// Gives the whole pages of a range back to the system: they read as zeros. Nobody may read them before ``rewrite(_:_:)``.
    func giveBack(_ range: Range<Int>) {
        let pages = pages(in: range)
        guard let base = pages.baseAddress else { return }
        // Else the system would make large pages of what is left, and fill the holes.
        if isHuge { madvise(base, pages.count, MADV_NOHUGEPAGE) }
        madvise(base, pages.count, MADV_DONTNEED)
    }

    /// Lets `write` fill a range again, after it was given back.
    func rewrite<Failure: Error>(
        _ range: Range<Int>, _ write: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        guard let base = bytes.baseAddress else { return }
        // The pages at both ends belong to others too, who only read.
        let (mask, start) = (Self.pageBytes - 1, Int(bitPattern: base))
        let first = ((start + range.lowerBound) & ~mask) - start
        let count = range.upperBound - first
        let pages = pages(in: range)
        if isHuge, let start = pages.baseAddress { madvise(start, pages.count, MADV_HUGEPAGE) }
        mprotect(base + first, count, PROT_READ | PROT_WRITE)
        defer { mprotect(base + first, count, PROT_READ) }
        try write(UnsafeMutableRawBufferPointer(rebasing: bytes[range]))
    }
}
