package import Kernels
package import Memory
internal import Tensors

/// Why a plan cannot be made, or why its run ended: TensorFlow's `tf.errors.OpError`, which stands for exceeded deadlines and
/// cancelled runs too.
public struct OpError: Error, Hashable, Sendable {
    /// Whose fault it is.
    public enum Kind: Hashable, Sendable {
        /// The graph has an op, an attribute value or a dtype that is not supported.
        case unsupported
        /// The graph contradicts itself: a missing attribute, a wrong number of inputs, a cycle.
        case malformed
        /// The shapes, dtypes or values fed do not fit the op.
        case invalidArgument
        /// The graph has no such tensor.
        case notFound
        /// A placeholder that the fetches need is not fed.
        case missingFeed
        /// A variable has no value.
        case missingVariable
        /// The run would assign a variable of a read-only session.
        case readOnlyVariable
        /// An output would be larger than is allowed, or than memory.
        case resourceExhausted
        /// Other runs and requests hold the memory that the run needs: it may be there later.
        case memoryShort
        /// The run took longer than it may.
        case deadlineExceeded
        /// Nobody waits for the run's results any more.
        case cancelled
    }

    /// Whose fault it is.
    public let kind: Kind
    /// What is wrong, with what was expected and what was found.
    public let reason: String
    /// The node's name, once known.
    public private(set) var node: String?
    /// The node's op, once known.
    public private(set) var op: String?
    /// Of kind `unsupported`: whether dtypes are the reason.
    package private(set) var refusesDType = false
    /// Of kind `missingFeed`: the names of the tensors.
    package let tensors: [String]

    /// Of kind `memoryShort`, of a run that has not begun: how much it needs to begin. It may be run again when there is as much.
    package private(set) var neededBytes: Int?

    package init(_ kind: Kind, _ reason: String, node: String? = nil, op: String? = nil, tensors: [String] = []) {
        self.kind = kind
        self.reason = reason
        self.node = node
        self.op = op
        self.tensors = tensors
    }

    /// The request, not the graph, is wrong.
    package static func invalid(_ reason: String) -> OpError { OpError(.invalidArgument, reason) }

    /// metaserve cannot do it (yet).
    package static func unsupported(_ reason: String) -> OpError { OpError(.unsupported, reason) }

    /// No kernel for a dtype.
    static func unsupported(_ dtype: DataType) -> OpError { .unsupportedDTypes("dtype \(dtype) is not supported") }

    /// No kernel for dtypes, whatever the shapes are.
    static func unsupportedDTypes(_ reason: String) -> OpError {
        var error = OpError(.unsupported, reason)
        error.refusesDType = true
        return error
    }

    /// What a kernel found wrong.
    package init(_ fault: Fault) {
        switch fault.kind {
        case .timeOver: self.init(.deadlineExceeded, fault.description)
        case .memoryRefused(let refusal): self.init(refusal)
        case .outOfMemory: self.init(.resourceExhausted, fault.description)
        case .missingLibrary: self.init(.unsupported, fault.description)
        default: self.init(.invalidArgument, fault.description)
        }
    }

    /// Why memory is refused.
    package init(_ refusal: MemoryRefusal) {
        self.init(refusal.isPassing ? .memoryShort : .resourceExhausted, refusal.description)
    }

    /// Why a run cannot begin.
    ///
    /// - `refusal`: Why it has no memory.
    /// - `neededBytes`: What it needs.
    package static func notBegun(_ refusal: MemoryRefusal, neededBytes: Int) -> OpError {
        var error = OpError(refusal)
        if refusal.isPassing { error.neededBytes = neededBytes }
        return error
    }

    /// The same error, telling at which node, unless it tells already.
    package func at(node: String, op: String) -> OpError {
        guard self.node == nil else { return self }
        var located = self
        located.node = node
        located.op = op
        return located
    }
}

extension OpError: CustomStringConvertible {
    /// The reason, with node and op where they are known.
    public var description: String {
        guard let node, let op else { return reason }
        return "node \"\(node)\" (op \(op)): \(reason)"
    }
}
