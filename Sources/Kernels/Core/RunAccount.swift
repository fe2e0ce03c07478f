package import Memory
package import Threads

/// The memory of one run: every byte that it takes is counted here before it is taken.
///
/// Belongs to one run at a time, and so to one thread; but kernels that several threads compute may take memory by
/// ``takeShared(_:)``. It takes from the server's account in steps, so that most runs touch no
/// shared variable.
package final class RunAccount {
    /// What may end the run. Who computes for long looks at them now and then.
    package var limits = RunLimits.none
    /// The most that the run may take.
    package private(set) var limitBytes: Int
    /// What the run has taken.
    package private(set) var usedBytes = 0
    /// The most that the run had taken at any time.
    package private(set) var peakBytes = 0
    private let memory: MemoryAccount?
    /// What was taken from the server's account.
    private var grantedBytes = 0
    /// What the workspace keeps between runs; part of what was granted.
    private var keptBytes = 0

    private let turn = Locked(())

    private static let step = 1 << 20

    /// - Parameters:
    ///   - limitBytes: The most that a run may take.
    ///   - memory: The server's account; nil where there is none.
    package init(limitBytes: Int = .max, memory: MemoryAccount? = nil) {
        self.limitBytes = limitBytes
        self.memory = memory
    }

    deinit { memory?.give(grantedBytes, for: .runs) }

    /// Begins a run.
    ///
    /// - Parameters:
    ///   - limitBytes: The most that it may take.
    ///   - arenaBytes: What of the workspace's arena it uses.
    ///   - keptBytes: What the workspace keeps, the arena and more: it is taken from the server's account, and stays taken.
    /// - Returns: Why it cannot begin.
    package func begin(limitBytes: Int, arenaBytes: Int, keptBytes: Int) -> MemoryRefusal? {
        self.limitBytes = limitBytes
        usedBytes = 0
        peakBytes = 0
        self.keptBytes = keptBytes - arenaBytes
        guard let refusal = take(arenaBytes) else { return nil }
        self.keptBytes = 0
        return refusal
    }

    /// Whether the run has to end.
    package var isOver: Bool { !limits.isNone && limits.isReached }

    /// Ends the run: all that it took is given back but what the workspace keeps.
    package func end(keptBytes: Int) {
        usedBytes = 0
        limits = .none
        self.keptBytes = keptBytes
        guard let memory, grantedBytes > keptBytes + Self.step else { return }
        memory.give(grantedBytes - keptBytes, for: .runs)
        grantedBytes = keptBytes
    }

    /// Counts memory that is about to be taken.
    ///
    /// - Returns: Why it may not be taken; then nothing is counted.
    package func take(_ byteCount: Int) -> MemoryRefusal? {
        guard byteCount <= limitBytes - usedBytes else {
            return MemoryRefusal(byteCount: byteCount, remainingBytes: limitBytes - usedBytes, isPassing: false)
        }
        let (needed, overflow) = (usedBytes + byteCount).addingReportingOverflow(keptBytes)
        if overflow || needed > grantedBytes {
            if let refusal = grant(overflow ? .max : needed - grantedBytes) { return refusal }
        }
        usedBytes += byteCount
        if usedBytes > peakBytes { peakBytes = usedBytes }
        return nil
    }

    /// The same, from any of the threads that compute a kernel.
    func takeShared(_ byteCount: Int) -> MemoryRefusal? { turn.withLock { _ in take(byteCount) } }

    /// Whether the run may take so much.
    func hasRoom(for byteCount: Int) -> Bool { byteCount <= limitBytes - usedBytes }

    /// Counts memory that is about to be taken, and that the workspace keeps after the run.
    ///
    /// - Returns: Why it may not be taken; then nothing is counted.
    func keep(_ byteCount: Int) -> MemoryRefusal? {
        let (needed, overflow) = (usedBytes + keptBytes).addingReportingOverflow(byteCount)
        if overflow || needed > grantedBytes {
            if let refusal = grant(overflow ? .max : needed - grantedBytes) { return refusal }
        }
        keptBytes += byteCount
        return nil
    }

    private func grant(_ missing: Int) -> MemoryRefusal? {
        guard let memory else { return nil }
        // In steps, as long as there is plenty.
        let size = missing < Self.step && memory.remainingBytes > 64 * Self.step ? Self.step : missing
        if memory.take(size, for: .runs) {
            grantedBytes += size
            return nil
        }
        return MemoryRefusal(
            byteCount: missing, remainingBytes: memory.remainingBytes, isPassing: missing <= memory.attainableBytes)
    }

    /// Gives counted memory back.
    package func give(_ byteCount: Int) { usedBytes -= byteCount }

    /// Gives back all that was taken since the account stood at `usedBytes`.
    package func give(downTo usedBytes: Int) { self.usedBytes = min(self.usedBytes, usedBytes) }
}
