internal import Synchronization

/// A value that many threads read, and that is sometimes replaced as a whole. Reading takes no lock and never waits.
///
/// A reader holds a reference of its own. A replaced value lives until its last reader releases it.
package final class Published<Value: AnyObject & Sendable>: Sendable {
    @usableFromInline let cell: PublishedCell

    /// - Parameter value: The initial value.
    package init(_ value: Value) { cell = PublishedCell(value) }

    /// The current value.
    @inline(__always)
    package var current: Value {
        // Safety: the cell holds only what init and replace(with:) put there.
        unsafeDowncast(cell.read(), to: Value.self)
    }

    /// Calls `body` with the current value, without taking a reference to it. Replacing the value waits meanwhile, so `body` must be short, and
    /// must not replace the value.
    @inlinable @inline(__always)
    package func withCurrent<Result>(_ body: (Value) -> Result) -> Result {
        let turn = cell.enter()
        defer { cell.leave(turn) }
        // Safety: as above; the cell keeps the value while the reader is counted.
        return Unmanaged<Value>.fromOpaque(cell.value)._withUnsafeGuaranteedRef { body($0) }
    }

    /// Replaces the value. Two threads must not call this at once.
    ///
    /// Waits a few nanoseconds, until no reader is between finding the old value and taking a reference to it.
    ///
    /// - Returns: The old value, which readers may still hold.
    @discardableResult
    package func replace(with value: Value) -> Value { unsafeDowncast(cell.replace(value), to: Value.self) }
}

/// The cell is not generic, so that no reader pays for generic code.
@usableFromInline
final class PublishedCell: Sendable {
    // Safety: the address of an object that this cell retains.
    private let address: Atomic<UInt>
    private let readers = Readers()

    init(_ value: any AnyObject & Sendable) {
        address = Atomic(UInt(bitPattern: Unmanaged.passRetained(value as AnyObject).toOpaque()))
    }

    deinit {
        guard let pointer = UnsafeRawPointer(bitPattern: address.load(ordering: .acquiring)) else { return }
        Unmanaged<AnyObject>.fromOpaque(pointer).release()
    }

    /// Counts a reader in, who may use ``value`` until it leaves.
    @usableFromInline
    func enter() -> Int { readers.enter() }

    /// Not inlined: a reference that is taken before must not be moved behind this.
    @inline(never) @usableFromInline
    func leave(_ turn: Int) { readers.leave(turn) }

    /// The address of the current value.
    @usableFromInline
    var value: UnsafeRawPointer {
        // Safety: the address is never 0.
        UnsafeRawPointer(bitPattern: address.load(ordering: .sequentiallyConsistent)).unsafelyUnwrapped
    }

    func read() -> AnyObject {
        let turn = readers.enter()
        let value = Self.retained(address.load(ordering: .sequentiallyConsistent))
        readers.leave(turn)
        return value
    }

    /// Takes a reference. A separate call, so that the compiler cannot take the reference later.
    // Safety: the address is never 0, and replace(_:) does not give up the cell's reference while the reader is counted.
    @inline(never)
    private static func retained(_ address: UInt) -> AnyObject {
        Unmanaged<AnyObject>.fromOpaque(UnsafeRawPointer(bitPattern: address).unsafelyUnwrapped).takeUnretainedValue()
    }

    func replace(_ value: any AnyObject & Sendable) -> AnyObject {
        let new = UInt(bitPattern: Unmanaged.passRetained(value as AnyObject).toOpaque())
        let old = address.exchange(new, ordering: .sequentiallyConsistent)
        readers.waitForAll()
        // Safety: no reader can be about to retain it any more; the cell's reference goes to the caller.
        return Unmanaged<AnyObject>.fromOpaque(UnsafeRawPointer(bitPattern: old).unsafelyUnwrapped)
            .takeRetainedValue()
    }
}
