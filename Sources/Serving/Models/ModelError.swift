package import Checkpoints
internal import Graphs
package import Operations

/// The reason why a model cannot be loaded, or cannot compute outputs.
public struct ModelError: Error, Hashable, Sendable {
    /// The kind of an error, which also states whose fault it is.
    public enum Kind: Hashable, Sendable {
        /// The model's files are missing, damaged, or contradict each other.
        case load
        /// There is no feed or fetch with that name.
        case unknownTensor
        /// The tensor may not be fed or fetched.
        case refused
        /// Feeds are missing, or do not fit in dtype, shape or value.
        case invalidArgument
        /// The graph needs an op, or a dtype, that is not supported.
        case unsupported
        /// The checkpoint lacks a variable that the fetches need, or the graph is inconsistent.
        case brokenModel
        /// The run would assign a variable, and the model's variables are read-only.
        case readOnlyVariable
        /// The response would take more memory than a run may have.
        case resourceExhausted
        /// Other requests hold the memory that the response needs.
        case memoryShort
        /// The run took longer than it may.
        case deadlineExceeded
        /// The client disconnected before its response was complete.
        case cancelled
    }

    /// The reason why files cannot be loaded, which determines whether and when to try again.
    package enum LoadFailure: String, CaseIterable, Hashable, Sendable {
        /// The path does not exist.
        case notThere = "not_there"
        /// Files are missing or incomplete: look again when the folder has changed.
        case incomplete
        /// The files changed while they were read: look again at once.
        case changed
        /// The operating system refused: try again later.
        case io
        /// There is not enough memory: try again later.
        case memory
        /// The files are damaged, contradict each other, or need what is not supported: wait for other files.
        case broken
        /// The model cannot compute everything that the previous version computes: wait for other files.
        case unfit
    }

    /// The kind of the error.
    public let kind: Kind
    /// The problem, the expected value and the value found.
    public let message: String
    /// For an error of kind `load`: whether to try again.
    package let failure: LoadFailure?

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
        failure = kind == .load ? .broken : nil
    }

    /// An error of kind `load`.
    package init(_ failure: LoadFailure, _ message: String) {
        kind = .load
        self.message = message
        self.failure = failure
    }

    package init(_ error: CheckpointError) {
        let failure: LoadFailure =
            switch error.kind {
            case .notFound: .incomplete
            case .io: .io
            case .changed: .changed
            case .corrupt, .malformed, .unsupported, .mismatch: .broken
            }
        self.init(failure, "\(error)")
    }

    package init(_ error: OpError) {
        let kind: Kind =
            switch error.kind {
            case .unsupported: .unsupported
            case .malformed, .missingVariable: .brokenModel
            case .readOnlyVariable: .readOnlyVariable
            case .invalidArgument, .missingFeed: .invalidArgument
            case .notFound: .unknownTensor
            case .resourceExhausted: .resourceExhausted
            case .memoryShort: .memoryShort
            case .deadlineExceeded: .deadlineExceeded
            case .cancelled: .cancelled
            }
        self.init(kind, "\(error)")
    }
}

extension ModelError: CustomStringConvertible {
    /// The message.
    public var description: String { message }
}
