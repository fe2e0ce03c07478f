internal import Glibc

/// What the kernels of one run share besides the tensors: the first fault, and memory for new strings.
///
/// It belongs to one thread at a time.
package struct RunState: ~Copyable {
    /// The first fault that a kernel of the run reported.
    package private(set) var fault: Fault?
    private var blocks: [UnsafeMutableRawPointer] = []
    private var next: UnsafeMutableRawPointer?
    private var remaining = 0
    /// Counts what the run takes.
    package let account: RunAccount

    private static let blockBytes = 64 << 10

    package init(_ account: RunAccount = RunAccount()) { self.account = account }

    deinit { for block in blocks { free(block) } }

    /// Notes a fault; all but the first are dropped.
    package mutating func report(_ kind: Fault.Kind) {
        if fault == nil { fault = Fault(kind) }
    }

    /// Forgets the fault and the strings, so that the state serves another run.
    package mutating func reset() {
        fault = nil
        guard !blocks.isEmpty else { return }
        for block in blocks { free(block) }
        blocks.removeAll(keepingCapacity: true)
        next = nil
        remaining = 0
    }

    /// Memory for the bytes of a new string, valid until ``reset()``.
    ///
    /// - Returns: nil, with the fault noted, if there is not enough memory.
    package mutating func allocate(byteCount: Int) -> UnsafeMutableRawPointer? {
        if byteCount > remaining || next == nil {
            let size = max(byteCount, Self.blockBytes)
            if let refusal = account.take(size) {
                report(.memoryRefused(refusal))
                return nil
            }
            guard let block = malloc(size) else {
                report(.outOfMemory(byteCount: byteCount))
                return nil
            }
            blocks.append(block)
            next = block
            remaining = size
        }
        defer {
            next = next.map { $0 + byteCount }
            remaining -= byteCount
        }
        return next
    }
}
