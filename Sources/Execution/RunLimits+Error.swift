internal import Operations
internal import Threads

extension RunLimits {
    /// Why the run has ended, once ``isReached``.
    ///
    /// - Parameter place: Where it was: "a loop was still running".
    /// - Returns: `cancelled` or `deadlineExceeded`.
    func error(_ place: String) -> OpError {
        if let abandonment, abandonment.isRaised {
            return OpError(.cancelled, "\(place) when the client had gone")
        }
        return OpError(.deadlineExceeded, "\(place) when the request's time was over")
    }
}
