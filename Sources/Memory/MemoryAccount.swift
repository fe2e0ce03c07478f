internal import Synchronization

/// The memory of the process, by use. Runs, bodies, responses, caches and loads share one account.
///
/// Code takes memory from the account before it allocates, and gives it back after it has freed the memory. Taking is a few
/// atomic operations. Frequent callers take memory in steps (``RunAccount``).
package final class MemoryAccount: Sendable {
    /// The uses of memory.
    package enum Use: Int, CaseIterable, Sendable {
        /// Memory of runs: arenas, lists, strings, temporaries.
        case runs
        /// Bodies of requests that are being received or read, including decompressed ones.
        case requests
        /// Responses that are being written or sent.
        case responses
        /// Programs with their folded constants, prepared calls, regular expressions, pools.
        case caches
        /// Weights, and the temporary memory of loading.
        case models
    }

    private final class Counter: Sendable { let bytes = Atomic<Int>(0) }

    private let limit: Atomic<Int>
    private let runLimit: Atomic<Int>
    private let refusals = Atomic<Int>(0)
    private let waits = Atomic<Int>(0)
    private let holders = Mutex<[Holder]>([])
    private let total = Atomic<Int>(0)
    private let uses = Use.allCases.map { _ in Counter() }

    /// - Parameters:
    ///   - limitBytes: The limit for all uses together.
    ///   - runLimitBytes: The limit for one run.
    package init(limitBytes: Int = .max, runLimitBytes: Int = .max) {
        limit = Atomic(limitBytes)
        runLimit = Atomic(runLimitBytes)
    }

    /// The limit of one run.
    package var runLimitBytes: Int {
        get { min(runLimit.load(ordering: .relaxed), limitBytes) }
        set { runLimit.store(newValue, ordering: .relaxed) }
    }

    /// The limit for all uses together.
    package var limitBytes: Int {
        get { limit.load(ordering: .relaxed) }
        set { limit.store(newValue, ordering: .relaxed) }
    }

    /// The memory that all uses have taken.
    package var usedBytes: Int { total.load(ordering: .relaxed) }

    /// The memory that is left.
    package var remainingBytes: Int { max(0, limitBytes - usedBytes) }

    /// The memory that would be left if only models were in memory. Waiting cannot free more.
    package var attainableBytes: Int { max(0, limitBytes - usedBytes(for: .models)) }

    /// How often memory was refused.
    package var refusalCount: Int { refusals.load(ordering: .relaxed) }

    /// How often a run had to wait for memory.
    package var waitCount: Int { waits.load(ordering: .relaxed) }

    /// Counts a run that has to wait.
    package func countWait() { waits.add(1, ordering: .relaxed) }

    /// The memory that one use has taken.
    package func usedBytes(for use: Use) -> Int { uses[use.rawValue].bytes.load(ordering: .relaxed) }

    /// Counts memory that is about to be allocated. If too little is left, pooled memory is freed first.
    ///
    /// - Returns: false if the account has too little left. Nothing is counted then.
    package func take(_ byteCount: Int, for use: Use) -> Bool {
        if takeNow(byteCount, for: use) { return true }
        if byteCount <= limitBytes {
            freeIdleMemory()
            if takeNow(byteCount, for: use) { return true }
        }
        refusals.add(1, ordering: .relaxed)
        return false
    }

    private func takeNow(_ byteCount: Int, for use: Use) -> Bool {
        var used = total.load(ordering: .relaxed)
        while true {
            guard byteCount <= limitBytes - used else { return false }
            let (exchanged, original) = total.compareExchange(
                expected: used, desired: used + byteCount, ordering: .relaxed)
            if exchanged { break }
            used = original
        }
        uses[use.rawValue].bytes.add(byteCount, ordering: .relaxed)
        return true
    }

    /// Counts memory that is already allocated, regardless of the limit.
    package func note(_ byteCount: Int, for use: Use) {
        total.add(byteCount, ordering: .relaxed)
        uses[use.rawValue].bytes.add(byteCount, ordering: .relaxed)
    }

    /// Returns counted memory to the account.
    package func give(_ byteCount: Int, for use: Use) {
        total.subtract(byteCount, ordering: .relaxed)
        uses[use.rawValue].bytes.subtract(byteCount, ordering: .relaxed)
    }
}

/// Pooled memory, kept for the next run or request.
///
/// A separate object, because the account refers to it weakly, and Swift counts references to such objects more slowly.
package final class MemoryHolder: Sendable {
    fileprivate let free: @Sendable () -> Void

    /// - Parameter free: Frees the memory that is not in use. Called on any thread.
    package init(free: @escaping @Sendable () -> Void) { self.free = free }
}

extension MemoryAccount {
    fileprivate struct Holder: Sendable {
        weak var object: MemoryHolder?
    }

    /// Registers pooled memory. The account does not keep the holder alive.
    package func add(_ holder: MemoryHolder) {
        holders.withLock { holders in
            holders.removeAll { $0.object == nil }
            holders.append(Holder(object: holder))
        }
    }

    /// Frees all pooled memory.
    package func freeIdleMemory() {
        let known = holders.withLock { $0.compactMap(\.object) }
        for holder in known { holder.free() }
    }
}

/// The reason why memory is refused.
package struct MemoryRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// The requested bytes.
    package let byteCount: Int
    /// The bytes that were left.
    package let remainingBytes: Int
    /// Whether the memory is only in use at the moment, so that a later attempt may succeed.
    package let isPassing: Bool

    package init(byteCount: Int, remainingBytes: Int, isPassing: Bool) {
        self.byteCount = byteCount
        self.remainingBytes = max(0, remainingBytes)
        self.isPassing = isPassing
    }

    package var description: String {
        isPassing
            ? "needs \(byteCount) more bytes, and other requests use all but \(remainingBytes) bytes of the server's memory: try again"
            : "needs \(byteCount) more bytes, but the run may take only \(remainingBytes) more"
    }
}
