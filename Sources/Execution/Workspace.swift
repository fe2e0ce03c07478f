internal import Glibc
internal import Kernels
internal import Memory
internal import Tensors

/// The memory of one run, kept from run to run: the arena, the table of values, the fault.
///
/// Belongs to one thread between being taken from its pool and being given back.
final class Workspace {
    /// The addresses of the values of the run.
    private(set) var values: UnsafeMutablePointer<UnsafeMutableRawPointer>
    private var valueCapacity: Int
    private(set) var arena: UnsafeMutableRawPointer
    private var arenaCapacity: Int
    /// Room for the dimensions of the fetches.
    private(set) var dimensions: UnsafeMutablePointer<Int>
    private var dimensionCapacity: Int
    /// What the kernels share.
    let state: UnsafeMutablePointer<RunState>
    /// What helpers need.
    let workers: KernelWorkers

    /// An arena larger than this is given back after its run.
    private static let keptArenaBytes = 256 << 20

    /// - Parameter memory: The server's account.
    init(_ memory: MemoryAccount? = nil) {
        valueCapacity = 64
        values = .allocate(capacity: valueCapacity)
        arenaCapacity = 0
        arena = UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: TensorStorage.alignment)
        dimensionCapacity = 64
        dimensions = .allocate(capacity: dimensionCapacity)
        state = .allocate(capacity: 1)
        let account = RunAccount(memory: memory)
        state.initialize(to: RunState(account))
        workers = KernelWorkers(account)
    }

    deinit {
        values.deallocate()
        free(arena)
        dimensions.deallocate()
        state.deinitialize(count: 1)
        state.deallocate()
    }

    /// Makes room.
    ///
    /// - Parameters:
    ///   - valueCount: The number of values of the program.
    ///   - arenaBytes: The size of the arena.
    ///   - dimensionCount: The sum of the ranks of the fetches.
    ///   - limitBytes: The maximum memory of the run in bytes, including the arena.
    /// - Returns: Why there is no room; nil if there is.
    func prepare(
        valueCount: Int, arenaBytes: Int, dimensionCount: Int, limitBytes: Int
    ) -> MemoryRefusal? {
        let refusal = state.pointee.account.begin(
            limitBytes: limitBytes, arenaBytes: arenaBytes,
            keptBytes: max(arenaBytes, arenaCapacity) + workers.memoryBytes)
        if let refusal { return refusal }
        if valueCount > valueCapacity {
            values.deallocate()
            valueCapacity = valueCount
            values = .allocate(capacity: valueCount)
        }
        if dimensionCount > dimensionCapacity {
            dimensions.deallocate()
            dimensionCapacity = dimensionCount
            dimensions = .allocate(capacity: dimensionCount)
        }
        guard arenaBytes > arenaCapacity else { return nil }
        // The smaller one goes first: both together may be too much.
        giveArenaBack()
        guard let larger = aligned_alloc(TensorStorage.alignment, arenaBytes.roundedUp(to: TensorStorage.alignment))
        else { return MemoryRefusal(byteCount: arenaBytes, remainingBytes: 0, isPassing: true) }
        free(arena)
        arena = larger
        arenaCapacity = arenaBytes
        return nil
    }

    /// Whether an address is in the arena.
    func isArena(_ address: UnsafeMutableRawPointer) -> Bool { address >= arena && address < arena + arenaCapacity }

    /// Forgets the run.
    func reset() {
        state.pointee.reset()
        workers.reset()
        if arenaCapacity > Self.keptArenaBytes { giveArenaBack() }
        state.pointee.account.end(keptBytes: arenaCapacity + workers.memoryBytes)
    }

    private func giveArenaBack() {
        guard arenaCapacity > 0, let smaller = aligned_alloc(TensorStorage.alignment, TensorStorage.alignment) else {
            return
        }
        free(arena)
        arena = smaller
        arenaCapacity = 0
    }
}
