internal import Threads

/// Whether the server wants requests; what `GET /v2/health/ready` answers.
public final class Readiness: Sendable {
    private let draining = Flag()

    /// Of a server that wants them.
    public init() {}

    /// Whether the server is stopping.
    public var isDraining: Bool { draining.isRaised }

    /// Says that the server is stopping: balancers are to send requests elsewhere. Those that come are still answered.
    public func beginDraining() { draining.raise() }
}
