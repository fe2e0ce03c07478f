internal import Synchronization

/// Objects that are kept for reuse, up to a fixed number. Taking and giving are lock-free. A thread gets what it gave, if it can: that is still
/// in its processor's cache.
///
/// Only the interface is generic. The work is done on addresses, so that no caller pays for generic code.
package struct ObjectPool<Object: AnyObject>: Sendable {
    @usableFromInline let slots: WaitingObjects

    /// - Parameter count: The maximum number of objects in the pool: as many as are used at once.
    package init(count: Int) { slots = WaitingObjects(count: count) }

    /// Takes an object; nil if the pool is empty.
    @inlinable @inline(__always)
    package func take() -> Object? {
        // `map` would be a call of generic code.
        guard let object = slots.take() else { return nil }
        return Unmanaged<Object>.fromOpaque(object).takeRetainedValue()
    }

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
    /// The number of places. Each has a cache line of its own.
    private let count: Int
    private static let perLine = Stripes.lineBytes / MemoryLayout<UInt>.stride

    init(count: Int) {
        self.count = max(1, count)
        addresses = AtomicAddresses(count: self.count * Self.perLine)
    }

    /// The address at a place: places are counted from the thread's own.
    @inline(__always)
    private func index(_ place: Int, from first: Int) -> Int {
        let sum = first + place
        return (sum < count ? sum : sum - count) * Self.perLine
    }

    @inline(__always)
    private var first: Int { Stripes.ofThread % count }

    deinit { removeAll() }

    /// Removes at most as many objects as the pool holds, because other threads may add more meanwhile.
    func removeAll() {
        for _ in 0..<count {
            guard let object = take() else { return }
            Unmanaged<AnyObject>.fromOpaque(object).release()
        }
    }

    /// Hands out an object with its reference.
    @usableFromInline
    func take() -> UnsafeRawPointer? {
        let first = first
        for place in 0..<count {
            let index = index(place, from: first)
            guard addresses[index].load(ordering: .relaxed) != 0 else { continue }
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
        let first = first
        for place in 0..<count {
            let index = index(place, from: first)
            guard addresses[index].load(ordering: .relaxed) == 0 else { continue }
            if addresses[index].compareExchange(expected: 0, desired: desired, ordering: .releasing).exchanged {
                return
            }
        }
        Unmanaged<AnyObject>.fromOpaque(object).release()
    }
}
