internal import Synchronization

/// The memory of the process, by use: one account that runs, bodies, answers, caches and loads share.
///
/// Whoever is about to take memory takes it from the account first, and gives it back when the memory is freed. Taking is a few
/// atomic operations: those who take often take in steps (``RunAccount``).
package final class MemoryAccount: Sendable {
    /// The uses of memory.
    package enum Use: Int, CaseIterable, Sendable {
        /// Memory of runs: arenas, lists, strings, temporaries.
        case runs
        /// Bodies of requests that are being received or are read, inflated ones among them.
        case requests
        /// Answers that are written, or not yet sent.
        case responses
        /// Programs, what is folded into them, prepared calls, expressions, pools.
        case caches
        /// Weights, and what loading takes beside them.
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
    ///   - limitBytes: What all uses may take together.
    ///   - runLimitBytes: What one run may take of it.
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

    /// Counts memory that is about to be taken. Where too little is left, what waits to be used again is freed first.
    ///
    /// - Returns: false where the account has too little left: then nothing is counted.
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

    /// Counts memory that is there already, whatever the limit.
    package func note(_ byteCount: Int, for use: Use) {
        total.add(byteCount, ordering: .relaxed)
        uses[use.rawValue].bytes.add(byteCount, ordering: .relaxed)
    }

    /// Gives counted memory back.
    package func give(_ byteCount: Int, for use: Use) {
        total.subtract(byteCount, ordering: .relaxed)
        uses[use.rawValue].bytes.subtract(byteCount, ordering: .relaxed)
    }
}

/// Memory that somebody keeps for the next run or request.
///
/// An object of its own, because the account refers to it weakly: Swift counts references to such objects the slow way.
package final class MemoryHolder: Sendable {
    fileprivate let free: @Sendable () -> Void

    /// - Parameter free: Frees what nobody uses at the moment. Called by any thread.
    package init(free: @escaping @Sendable () -> Void) { self.free = free }
}

extension MemoryAccount {
    fileprivate struct Holder: Sendable {
        weak var object: MemoryHolder?
    }

    /// Takes note of memory that is kept. The holder is not kept alive.
    package func add(_ holder: MemoryHolder) {
        holders.withLock { holders in
            holders.removeAll { $0.object == nil }
            holders.append(Holder(object: holder))
        }
    }

    /// Frees all memory that waits to be used again.
    package func freeIdleMemory() {
        let known = holders.withLock { $0.compactMap(\.object) }
        for holder in known { holder.free() }
    }
}

/// Why memory is refused.
package struct MemoryRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// The requested bytes.
    package let byteCount: Int
    /// The bytes that were left.
    package let remainingBytes: Int
    /// Whether others hold what is missing: later it may be there.
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
