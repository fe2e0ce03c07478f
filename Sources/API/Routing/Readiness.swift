internal import Threads

/// Whether the server wants requests: the response of `GET /v2/health/ready`.
public final class Readiness: Sendable {
    private let draining = Flag()

    /// Makes the state of a server that wants requests.
    public init() {}

    /// Whether the server is stopping.
    public var isDraining: Bool { draining.isRaised }

    /// Announces that the server is stopping, so that load balancers send requests elsewhere. Requests are still answered.
    public func beginDraining() { draining.raise() }
}
