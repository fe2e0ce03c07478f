internal import Glibc

/// Private memory in whole pages. It is returned to the system with its last owner.
///
/// No file backs it, so changes of files do not affect it.
// Safety: written by its maker only, before it is shared; from ``seal()`` on the system refuses writes.
final class PrivateMemory: @unchecked Sendable {
    let bytes: UnsafeMutableRawBufferPointer
    private let mapping: UnsafeMutableRawBufferPointer

    /// From this size on, large pages are requested. They cause fewer faults during loading, and fewer TLB misses when weights are read.
    private static let hugeFromBytes = 4 << 20
    private static let hugePageBytes = 2 << 20

    /// Allocates memory of zeros.
    ///
    /// - Returns: nil if there is not enough.
    init?(byteCount: Int) {
        guard byteCount > 0 else {
            mapping = UnsafeMutableRawBufferPointer(start: nil, count: 0)
            bytes = mapping
            return
        }
        // Large pages are aligned to their size.
        let isHuge = byteCount >= Self.hugeFromBytes
        let (total, overflow) = byteCount.addingReportingOverflow(isHuge ? Self.hugePageBytes : 0)
        guard !overflow,
            let memory = mmap(nil, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            memory != MAP_FAILED
        else { return nil }
        mapping = UnsafeMutableRawBufferPointer(start: memory, count: total)
        let lead = isHuge ? -Int(bitPattern: memory) & (Self.hugePageBytes - 1) : 0
        bytes = UnsafeMutableRawBufferPointer(start: memory + lead, count: byteCount)
        if isHuge { madvise(memory + lead, byteCount, MADV_HUGEPAGE) }
    }

    deinit {
        // Safety: the address and size are those of the mapping; all users of the bytes hold the memory.
        if let base = mapping.baseAddress { munmap(base, mapping.count) }
    }

    /// Makes the memory read-only.
    func seal() { if let base = mapping.baseAddress { mprotect(base, mapping.count, PROT_READ) } }
}
