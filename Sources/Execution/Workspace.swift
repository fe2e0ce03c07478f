internal import Glibc
internal import Kernels
internal import Synchronization
internal import Tensors

/// The memory of one run, kept from run to run: the arena, the table of values, the fault.
///
/// Belongs to one thread between ``WorkspacePool/take()`` and ``WorkspacePool/give(_:)``.
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

    /// An arena larger than this is given back after its run.
    private static let keptArenaBytes = 256 << 20

    init() {
        valueCapacity = 64
        values = .allocate(capacity: valueCapacity)
        arenaCapacity = 0
        arena = UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: TensorStorage.alignment)
        dimensionCapacity = 64
        dimensions = .allocate(capacity: dimensionCapacity)
        state = .allocate(capacity: 1)
        state.initialize(to: RunState())
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
    /// - Returns: false if there is not enough memory.
    func prepare(valueCount: Int, arenaBytes: Int, dimensionCount: Int) -> Bool {
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
        guard arenaBytes > arenaCapacity else { return true }
        guard let larger = aligned_alloc(TensorStorage.alignment, arenaBytes.roundedUp(to: TensorStorage.alignment))
        else {
            return false
        }
        free(arena)
        arena = larger
        arenaCapacity = arenaBytes
        return true
    }

    /// Forgets the run.
    func reset() {
        state.pointee.reset()
        guard arenaCapacity > Self.keptArenaBytes,
            let smaller = aligned_alloc(TensorStorage.alignment, TensorStorage.alignment)
        else { return }
        free(arena)
        arena = smaller
        arenaCapacity = 0
    }
}

/// Workspaces that wait for their next run. Taking and giving is lock-free.
final class WorkspacePool: Sendable {
    private final class Slot: Sendable {
        /// 0, or the address of a retained workspace.
        // Safety: whoever exchanges an address out owns the workspace alone.
        let address = Atomic<UInt>(0)

        deinit { WorkspacePool.workspace(at: address.load(ordering: .acquiring))?.release() }
    }

    private let slots: [Slot]

    private static func workspace(at address: UInt) -> Unmanaged<Workspace>? {
        UnsafeRawPointer(bitPattern: address).map { Unmanaged<Workspace>.fromOpaque($0) }
    }

    /// - Parameter count: How many workspaces are kept; as many as threads that run at once.
    init(count: Int) {
        slots = (0..<max(1, count)).map { _ in Slot() }
    }

    /// Takes a workspace, or makes one.
    func take() -> Workspace {
        for slot in slots {
            if let waiting = Self.workspace(at: slot.address.exchange(0, ordering: .acquiring)) {
                return waiting.takeRetainedValue()
            }
        }
        return Workspace()
    }

    /// Gives it back; one for which there is no room is freed.
    func give(_ workspace: Workspace) {
        workspace.reset()
        let retained = Unmanaged.passRetained(workspace)
        let address = UInt(bitPattern: retained.toOpaque())
        for slot in slots
        where slot.address.compareExchange(expected: 0, desired: address, ordering: .releasing).exchanged { return }
        retained.release()
    }
}
