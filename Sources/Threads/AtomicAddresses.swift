internal import Synchronization

/// An array of addresses that many threads read and replace. Each is 0 at first.
struct AtomicAddresses: ~Copyable, Sendable {
    let count: Int
    // Safety: allocated and initialised for as long as self lives; the atomics are made for use by many threads, and every access
    // checks the index.
    nonisolated(unsafe) private let values: UnsafeMutablePointer<Atomic<UInt>>

    init(count: Int) {
        self.count = count
        values = .allocate(capacity: max(1, count))
        for index in 0..<count { (values + index).initialize(to: Atomic(0)) }
    }

    deinit {
        values.deinitialize(count: count)
        values.deallocate()
    }

    subscript(index: Int) -> Atomic<UInt> {
        _read {
            precondition(index >= 0 && index < count)
            yield values[index]
        }
    }
}
