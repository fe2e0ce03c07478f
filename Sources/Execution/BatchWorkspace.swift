internal import Glibc
internal import Memory
internal import Tensors
internal import Threads

/// The memory in which the feeds of several requests are put end to end, kept for the next batch.
///
/// Belongs to one thread between being taken from its pool and being given back.
final class BatchWorkspace {
    private var memory: UnsafeMutableRawPointer?
    private var capacity = 0
    private var used = 0
    /// Where the capacity is counted.
    private var account: MemoryAccount?

    /// Those that are not in use.
    static let waiting = ObjectPool<BatchWorkspace>(count: 16)
    /// More than this is given back after the batch.
    private static let keptBytes = 16 << 20

    deinit { giveBack() }

    /// Makes room for all that is going to be taken.
    ///
    /// - Parameters:
    ///   - byteCount: The sum of what each part of the memory takes by ``size(of:)``.
    ///   - account: The server's account.
    /// - Returns: false if there is not enough memory.
    func prepare(byteCount: Int, _ account: MemoryAccount?) -> Bool {
        used = 0
        guard byteCount > capacity || self.account !== account else { return true }
        giveBack()
        if let account, !account.take(byteCount, for: .runs) { return false }
        guard let made = aligned_alloc(TensorStorage.alignment, byteCount) else {
            account?.give(byteCount, for: .runs)
            return false
        }
        self.account = account
        memory = made
        capacity = byteCount
        return true
    }

    private func giveBack() {
        free(memory)
        account?.give(capacity, for: .runs)
        memory = nil
        account = nil
        capacity = 0
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
        if capacity > Self.keptBytes { giveBack() }
    }
}
