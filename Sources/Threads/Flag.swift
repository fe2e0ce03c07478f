internal import Synchronization

/// A truth value that one thread sets and others look at, without an order to anything else.
public final class Flag: Sendable {
    private let value = Atomic<Bool>(false)

    /// A flag that is down.
    public init() {}

    /// Whether it has been raised.
    public var isRaised: Bool { value.load(ordering: .relaxed) }

    /// Raises it.
    public func raise() { value.store(true, ordering: .relaxed) }

    /// Takes it down, for another use.
    public func lower() { value.store(false, ordering: .relaxed) }
}
