internal import Synchronization

/// An array of numbers that many threads add to. Adding takes no lock.
package final class Counters: Sendable {
    package let count: Int
    // Safety: allocated and initialised for as long as self lives; the atomics are made for use by many threads, and every access
    // checks the index.
    nonisolated(unsafe) private let values: UnsafeMutablePointer<Atomic<Int>>

    /// - Parameter count: The number of counters. Each is 0 at first.
    package init(_ count: Int) {
        self.count = max(0, count)
        values = .allocate(capacity: max(1, count))
        for index in 0..<self.count { (values + index).initialize(to: Atomic(0)) }
    }

    deinit {
        values.deinitialize(count: count)
        values.deallocate()
    }

    /// Adds to the number at an index. An index out of range has no effect.
    package func add(_ amount: Int, at index: Int) {
        guard index >= 0, index < count else { return }
        values[index].wrappingAdd(amount, ordering: .relaxed)
    }

    /// The number at an index; 0 if the index is out of range.
    package subscript(index: Int) -> Int {
        guard index >= 0, index < count else { return 0 }
        return values[index].load(ordering: .relaxed)
    }
}
