internal import Glibc

// Safety: `baseAddress` is written only by the maker before the storage is shared; from then on it is read only.
/// Memory that holds the elements of one or more tensors. It is freed with the last of them.
///
/// Memory is never written after it is shared with a second tensor or a second thread. The creator fills it first, with
/// ``Tensor/init(dtype:shape:initializing:)``.
public final class TensorStorage: @unchecked Sendable {
    /// The alignment for vector instructions, in bytes.
    package static let alignment = 64

    /// From this size on, large pages are requested.
    private static let largeBytes = 8 << 20
    private static let largePageBytes = 2 << 20

    package let baseAddress: UnsafeMutableRawPointer
    package let byteCount: Int
    private let owner: Owner

    private enum Owner {
        case heap
        /// Memory of another owner, such as other tensors. The storage keeps the object alive.
        case object(any Sendable)
        /// The caller's memory, valid until the call returns.
        case caller
    }

    /// Whether the memory is valid only until the call returns. To keep the elements, make a copy.
    package var isCallers: Bool { if case .caller = owner { true } else { false } }

    /// Whether the memory is a part of somebody else's, such as a checkpoint's.
    package var isBorrowed: Bool { if case .object = owner { true } else { false } }

    /// Allocates memory that is not initialised.
    ///
    /// - Returns: nil if there is not enough memory.
    package init?(byteCount: Int) {
        let isLarge = byteCount >= Self.largeBytes
        let alignment = isLarge ? Self.largePageBytes : Self.alignment
        guard byteCount >= 0, byteCount <= Int.max - alignment,
            let memory = aligned_alloc(alignment, max(byteCount, 1).roundedUp(to: Self.alignment))
        else { return nil }
        // Fewer faults when it is filled, fewer TLB misses when weights are read.
        if isLarge { madvise(memory, byteCount, MADV_HUGEPAGE) }
        baseAddress = memory
        self.byteCount = byteCount
        owner = .heap
    }

    /// Uses memory that `owner` keeps alive.
    ///
    /// - Parameters:
    ///   - memory: The bytes. They must stay valid and unchanged while `owner` lives.
    ///   - owner: Kept alive as long as the storage.
    package init(borrowing memory: UnsafeRawBufferPointer, owner: any Sendable) {
        // Safety: no code writes through it, because a storage with an owner is only read.
        baseAddress = UnsafeMutableRawPointer(mutating: memory.baseAddress ?? Self.nothing)
        byteCount = memory.count
        self.owner = .object(owner)
    }

    /// Uses the caller's memory for the duration of a call.
    ///
    /// - Parameter memory: The bytes. They must stay valid and unchanged until the call returns.
    package init(lending memory: UnsafeRawBufferPointer) {
        // Safety: no code writes through it, and code that keeps it longer than the call checks ``isCallers``.
        baseAddress = UnsafeMutableRawPointer(mutating: memory.baseAddress ?? Self.nothing)
        byteCount = memory.count
        owner = .caller
    }

    deinit {
        if case .heap = owner { free(baseAddress) }
    }

    // Safety: a constant address that is never dereferenced: it stands for the memory of empty tensors.
    private static nonisolated(unsafe) let nothing = UnsafeRawPointer(bitPattern: alignment).unsafelyUnwrapped
}

extension Int {
    /// The next multiple of `step`, a power of two. The receiver must be at most `Int.max - step`.
    package func roundedUp(to step: Int) -> Int { (self &+ step &- 1) & ~(step &- 1) }
}
