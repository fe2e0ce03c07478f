/// The reason why a graph, or a part of it, cannot be read.
public struct GraphError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The problem, with the names and numbers that matter.
    public let reason: String

    package init(_ reason: String) { self.reason = reason }

    /// The reason.
    public var description: String { reason }
}
