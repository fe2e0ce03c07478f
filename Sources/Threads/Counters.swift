internal import Synchronization

/// An array of numbers that many threads add to. Adding takes no lock, and threads seldom wait for each other's caches.
package final class Counters: Sendable {
    package let count: Int
    // Safety: the numbers of this object, one after the other in each stripe; every access checks the index.
    private let lines: StripedNumbers

    /// - Parameter count: The number of counters. Each is 0 at first.
    package init(_ count: Int) {
        self.count = max(0, count)
        lines = StripedNumbers(self.count)
    }

    /// Adds to the number at an index. An index out of range has no effect.
    package func add(_ amount: Int, at index: Int) {
        guard index >= 0, index < count else { return }
        lines.ofThread[index].wrappingAdd(amount, ordering: .relaxed)
    }

    /// Adds to two numbers. An index out of range has no effect.
    package func add(_ amount: Int, at index: Int, _ otherAmount: Int, at otherIndex: Int) {
        guard index >= 0, index < count, otherIndex >= 0, otherIndex < count else { return }
        let values = lines.ofThread
        values[index].wrappingAdd(amount, ordering: .relaxed)
        values[otherIndex].wrappingAdd(otherAmount, ordering: .relaxed)
    }

    /// The number at an index; 0 if the index is out of range.
    package subscript(index: Int) -> Int {
        guard index >= 0, index < count else { return 0 }
        return (0..<lines.count).reduce(0) { $0 &+ lines[$1][index].load(ordering: .relaxed) }
    }
}

/// The latest of the times that many threads note. Noting takes no lock, and threads seldom wait for each other's caches.
package final class Latest: Sendable {
    private let lines = StripedNumbers(1)

    /// No time yet.
    package init() {}

    /// Notes a time, by ``MonotonicClock``, which is now or was a moment ago.
    package func note(_ time: UInt64) { lines.ofThread[0].store(Int(truncatingIfNeeded: time), ordering: .relaxed) }

    /// The latest time; 0 if there is none.
    package var value: UInt64 {
        (0..<lines.count).reduce(0) { max($0, UInt64(bitPattern: Int64(lines[$1][0].load(ordering: .relaxed)))) }
    }
}

/// Equal rows of numbers, one for each stripe, in cache lines of their own. Each number is 0 at first.
struct StripedNumbers: ~Copyable, Sendable {
    /// The number of stripes.
    let count: Int
    private let rowCount: Int
    private let mask: Int
    // Safety: allocated and initialised for as long as self lives; the atomics are made for use by many threads.
    nonisolated(unsafe) private let values: UnsafeMutablePointer<Atomic<Int>>

    private static let perLine = Stripes.lineBytes / MemoryLayout<Int>.stride

    /// - Parameter width: The number of numbers of a row.
    init(_ width: Int) {
        count = Stripes.count
        mask = count - 1
        rowCount = max(1, (width + Self.perLine - 1) / Self.perLine) * Self.perLine
        let bytes = count * rowCount * MemoryLayout<Int>.stride
        values = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: Stripes.lineBytes)
            .bindMemory(to: Atomic<Int>.self, capacity: count * rowCount)
        for index in 0..<count * rowCount { (values + index).initialize(to: Atomic(0)) }
    }

    deinit {
        values.deinitialize(count: count * rowCount)
        UnsafeMutableRawPointer(values).deallocate()
    }

    /// The row of the calling thread, which other threads may use too.
    @inline(__always)
    var ofThread: UnsafeMutablePointer<Atomic<Int>> { values + (Stripes.ofThread & mask) * rowCount }

    /// A row.
    subscript(stripe: Int) -> UnsafeMutablePointer<Atomic<Int>> { values + (stripe & mask) * rowCount }
}
