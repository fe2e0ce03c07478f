internal import Glibc
internal import Tensors
internal import Threads

/// The memory in which the feeds of several requests are put end to end, kept for the next batch.
///
/// Belongs to one thread between being taken from its pool and being given back.
final class BatchWorkspace {
    private var memory: UnsafeMutableRawPointer?
    private var capacity = 0
    private var used = 0

    /// Those that are not in use.
    static let waiting = ObjectPool<BatchWorkspace>(count: 16)
    /// More than this is given back after the batch.
    private static let keptBytes = 16 << 20

    deinit { free(memory) }

    /// Makes room for all that is going to be taken.
    ///
    /// - `byteCount`: The sum of what each part of the memory takes by ``size(of:)``.
    ///
    /// Gives false if there is not enough memory.
    func prepare(byteCount: Int) -> Bool {
        used = 0
        guard byteCount > capacity else { return true }
        guard let grown = aligned_alloc(TensorStorage.alignment, byteCount) else { return false }
        free(memory)
        memory = grown
        capacity = byteCount
        return true
    }

    /// How much of the memory a part of so many bytes takes.
    static func size(of byteCount: Int) -> Int { max(byteCount, 1).roundedUp(to: TensorStorage.alignment) }

    /// The next part of the memory, aligned; nil where less was prepared.
    func take(_ byteCount: Int) -> UnsafeMutableRawPointer? {
        let size = Self.size(of: byteCount)
        guard let memory, size <= capacity - used else { return nil }
        used += size
        return memory + (used - size)
    }

    /// Forgets the batch.
    func reset() {
        guard capacity > Self.keptBytes else { return }
        free(memory)
        memory = nil
        capacity = 0
    }
}
