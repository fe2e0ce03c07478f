internal import Synchronization

/// A Boolean that one thread sets and others read, without memory ordering.
public final class Flag: Sendable {
    private let value = Atomic<Bool>(false)

    /// Makes a flag that is not raised.
    public init() {}

    /// Whether it has been raised.
    public var isRaised: Bool { value.load(ordering: .relaxed) }

    /// Raises the flag.
    public func raise() { value.store(true, ordering: .relaxed) }

    /// Lowers the flag, so that it can be used again.
    public func lower() { value.store(false, ordering: .relaxed) }
}
