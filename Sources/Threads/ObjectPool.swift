internal import Synchronization

/// Objects that are kept for reuse, up to a fixed number. Taking and giving are lock-free.
///
/// Only the interface is generic. The work is done on addresses, so that no caller pays for generic code.
package struct ObjectPool<Object: AnyObject>: Sendable {
    @usableFromInline let slots: WaitingObjects

    /// - Parameter count: The maximum number of objects in the pool: as many as are used at once.
    package init(count: Int) { slots = WaitingObjects(count: count) }

    /// Takes an object; nil if the pool is empty.
    @inlinable @inline(__always)
    package func take() -> Object? { slots.take().map { Unmanaged<Object>.fromOpaque($0).takeRetainedValue() } }

    /// Puts an object into the pool, if there is room. The caller must be its only user, and must not use it afterwards.
    @inlinable @inline(__always)
    package func give(_ object: Object) { slots.give(Unmanaged.passRetained(object).toOpaque()) }

    /// Releases all objects in the pool.
    package func removeAll() { slots.removeAll() }
}

/// The addresses of retained objects.
@usableFromInline
final class WaitingObjects: Sendable {
    /// Each 0, or the address of a retained object.
    // Safety: the thread that exchanges an address for 0 is the only owner of the object.
    private let addresses: AtomicAddresses

    init(count: Int) { addresses = AtomicAddresses(count: max(1, count)) }

    deinit { removeAll() }

    /// Removes at most as many objects as the pool holds, because other threads may add more meanwhile.
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

    /// Takes ownership of an object's reference.
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
