public import Synchronization

// Safety: `slots` is allocated and initialised for as long as the pool lives, and its elements are atomic.
/// Objects that wait to be used again. Taking and giving is lock-free; at most a fixed number waits.
///
/// Public, as is ``AppendOnlyTable``, for the compiler alone: only what is public is specialised for its type in other targets, and
/// a generic that is not looks up its types at every call.
public final class ObjectPool<Object: AnyObject>: @unchecked Sendable {
    /// Each 0, or the address of a retained object. Whoever exchanges an address out owns the object alone.
    @usableFromInline let slots: UnsafeMutablePointer<Atomic<UInt>>
    @usableFromInline let count: Int

    /// - Parameter count: How many objects may wait; as many as are used at once.
    public init(count: Int) {
        self.count = max(1, count)
        slots = .allocate(capacity: self.count)
        for index in 0..<self.count { (slots + index).initialize(to: Atomic(0)) }
    }

    deinit {
        while take() != nil {}
        slots.deinitialize(count: count)
        slots.deallocate()
    }

    /// An object that waits; nil if there is none.
    @inlinable
    public func take() -> Object? {
        for index in 0..<count where slots[index].load(ordering: .relaxed) != 0 {
            if let pointer = UnsafeRawPointer(bitPattern: slots[index].exchange(0, ordering: .acquiring)) {
                return Unmanaged<Object>.fromOpaque(pointer).takeRetainedValue()
            }
        }
        return nil
    }

    /// Lets an object wait, if there is room. The caller must be its only user, and stops using it.
    @inlinable
    public func give(_ object: Object) {
        let retained = Unmanaged.passRetained(object)
        let address = UInt(bitPattern: retained.toOpaque())
        for index in 0..<count where slots[index].load(ordering: .relaxed) == 0 {
            if slots[index].compareExchange(expected: 0, desired: address, ordering: .releasing).exchanged { return }
        }
        retained.release()
    }
}
