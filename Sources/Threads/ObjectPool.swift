internal import Synchronization

/// Objects that wait to be used again. Taking and giving is lock-free; at most a fixed number waits.
///
/// Generic only in its surface: the work is done on addresses, so that no caller pays for generic code.
package struct ObjectPool<Object: AnyObject>: Sendable {
    @usableFromInline let slots: WaitingObjects

    /// - Parameter count: How many objects may wait; as many as are used at once.
    package init(count: Int) { slots = WaitingObjects(count: count) }

    /// An object that waits; nil if there is none.
    @inlinable @inline(__always)
    package func take() -> Object? { slots.take().map { Unmanaged<Object>.fromOpaque($0).takeRetainedValue() } }

    /// Lets an object wait, if there is room. The caller must be its only user, and stops using it.
    @inlinable @inline(__always)
    package func give(_ object: Object) { slots.give(Unmanaged.passRetained(object).toOpaque()) }

    /// Lets go of all objects that wait.
    package func removeAll() { slots.removeAll() }
}

/// The addresses of retained objects.
@usableFromInline
final class WaitingObjects: Sendable {
    /// Each 0, or the address of a retained object.
    // Safety: whoever exchanges an address out owns the object alone.
    private let addresses: AtomicAddresses

    init(count: Int) { addresses = AtomicAddresses(count: max(1, count)) }

    deinit { removeAll() }

    /// Ends at the latest when as many have gone as there can be: others may give meanwhile.
    func removeAll() {
        for _ in 0..<addresses.count {
            guard let object = take() else { return }
            Unmanaged<AnyObject>.fromOpaque(object).release()
        }
    }

    /// Hands out an object with its reference.
    @usableFromInline
    func take() -> UnsafeRawPointer? {
        for index in 0..<addresses.count where addresses[index].load(ordering: .relaxed) != 0 {
            if let object = UnsafeRawPointer(bitPattern: addresses[index].exchange(0, ordering: .acquiring)) {
                return object
            }
        }
        return nil
    }

    /// Takes over an object's reference.
    @usableFromInline
    func give(_ object: UnsafeMutableRawPointer) {
        let desired = UInt(bitPattern: object)
        for index in 0..<addresses.count where addresses[index].load(ordering: .relaxed) == 0 {
            if addresses[index].compareExchange(expected: 0, desired: desired, ordering: .releasing).exchanged {
                return
            }
        }
        Unmanaged<AnyObject>.fromOpaque(object).release()
    }
}
