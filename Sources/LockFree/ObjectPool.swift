package import Synchronization

/// Objects that wait to be used again. Taking and giving is lock-free; at most a fixed number waits.
package final class ObjectPool<Object: AnyObject>: Sendable {
    @usableFromInline
    package final class Slot: Sendable {
        /// 0, or the address of a retained object.
        // Safety: whoever exchanges an address out owns the object alone.
        @usableFromInline package let address = Atomic<UInt>(0)

        @usableFromInline package init() {}
    }

    @usableFromInline let slots: [Slot]

    /// - Parameter count: How many objects may wait; as many as are used at once.
    package init(count: Int) { slots = (0..<max(1, count)).map { _ in Slot() } }

    deinit { while take() != nil {} }

    /// An object that waits; nil if there is none.
    @inlinable
    package func take() -> Object? {
        for slot in slots where slot.address.load(ordering: .relaxed) != 0 {
            if let pointer = UnsafeRawPointer(bitPattern: slot.address.exchange(0, ordering: .acquiring)) {
                return Unmanaged<Object>.fromOpaque(pointer).takeRetainedValue()
            }
        }
        return nil
    }

    /// Lets an object wait, if there is room. The caller must be its only user, and stops using it.
    @inlinable
    package func give(_ object: Object) {
        let retained = Unmanaged.passRetained(object)
        let address = UInt(bitPattern: retained.toOpaque())
        for slot in slots where slot.address.load(ordering: .relaxed) == 0 {
            if slot.address.compareExchange(expected: 0, desired: address, ordering: .releasing).exchanged { return }
        }
        retained.release()
    }
}
