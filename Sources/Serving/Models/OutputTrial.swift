internal import Execution
internal import Graphs
internal import Operations

/// Finds the outputs that a session cannot compute with any feeds.
struct OutputTrial {
    private let session: Session
    /// The outputs that cannot be computed, with the errors.
    private(set) var failures: [Endpoint: OpError] = [:]
    /// The outputs that were tried.
    private(set) var tried: Set<Endpoint> = []

    init(_ session: Session) { self.session = session }

    /// Checks outputs together, and one by one if that fails.
    ///
    /// A missing feed is not a failure, because a request may feed it.
    mutating func add(feeds: [Endpoint], fetches: [Endpoint]) {
        guard (1...Self.maxOutputs).contains(fetches.count), !tried.isSuperset(of: fetches) else { return }
        tried.formUnion(fetches)
        guard let failure = failure(feeds, fetches) else { return }
        guard fetches.count > 1 else {
            failures[fetches[0]] = failure
            return
        }
        for fetch in fetches {
            if let failure = self.failure(feeds, [fetch]) { failures[fetch] = failure }
        }
    }

    /// The maximum number of outputs to try. Requests report the errors of others.
    private static let maxOutputs = 1024

    private func failure(_ feeds: [Endpoint], _ fetches: [Endpoint]) -> OpError? {
        do throws(OpError) {
            try session.check(feeds: feeds, fetches: fetches)
            return nil
        } catch { return error.kind == .missingFeed ? nil : error }
    }
}
