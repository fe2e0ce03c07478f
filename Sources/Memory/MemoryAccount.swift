internal import Synchronization

/// The memory of the process, by use: one account that runs, bodies, answers, caches and loads share.
///
/// Whoever is about to take memory takes it from the account first, and gives it back when the memory is freed. Taking is a few
/// atomic operations: those who take often take in steps (``RunAccount``).
package final class MemoryAccount: Sendable {
    /// What memory is used for.
    package enum Use: Int, CaseIterable, Sendable {
        /// What runs compute: arenas, lists, strings, temporaries.
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
    private let total = Atomic<Int>(0)
    private let uses = Use.allCases.map { _ in Counter() }

    /// - Parameter limitBytes: What all uses may take together.
    package init(limitBytes: Int = .max) { limit = Atomic(limitBytes) }

    /// What all uses may take together.
    package var limitBytes: Int {
        get { limit.load(ordering: .relaxed) }
        set { limit.store(newValue, ordering: .relaxed) }
    }

    /// What all uses have taken.
    package var usedBytes: Int { total.load(ordering: .relaxed) }

    /// What is left.
    package var remainingBytes: Int { max(0, limitBytes - usedBytes) }

    /// What one use has taken.
    package func usedBytes(for use: Use) -> Int { uses[use.rawValue].bytes.load(ordering: .relaxed) }

    /// Counts memory that is about to be taken.
    ///
    /// - Returns: false where the account has too little left: then nothing is counted.
    package func take(_ byteCount: Int, for use: Use) -> Bool {
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

/// Why memory is refused.
package struct MemoryRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was asked for.
    package let byteCount: Int
    /// What was left.
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
            ? "needs \(byteCount) bytes more, and other requests hold all but \(remainingBytes) of the server's memory: try again"
            : "needs \(byteCount) bytes more than the \(remainingBytes) that the run may still take"
    }
}
