package import Operations
internal import TensorFlowProtos
internal import Tensors
package import VectorSupport

/// An error that TensorFlow raised in a recorded run. It checks that our error has the same reason.
package struct RecordedRefusal: Sendable {
    /// The class of TensorFlow's error.
    package let errorClass: String
    /// TensorFlow's message.
    package let message: String
    /// The recorded run's name.
    package let label: String
    /// The op that refuses; nil for a graph, where our error names the op.
    private let op: String?

    /// The refusal of one op.
    package init(_ vector: OpVector) {
        errorClass = vector.error
        message = vector.message
        label = vector.label
        op = vector.node.op
    }

    /// The refusal of a run of a graph.
    package init(_ run: GraphRun, of graph: GraphVector) {
        errorClass = run.error
        message = run.message
        label = graph.label
        op = nil
    }

    /// Compares an error of ours with TensorFlow's.
    ///
    /// - Parameter error: Our error for the same run.
    /// - Returns: The difference in kind, in words; nil if the kinds are equal, or an exception is listed.
    package func difference(from error: OpError) -> String? {
        guard let difference = kindDifference(from: error), exception(for: error) == nil else { return nil }
        return difference
    }

    /// The exception that applies to an error of another kind than TensorFlow's.
    package func exception(for error: OpError) -> RefusalException? {
        guard kindDifference(from: error) != nil else { return nil }
        return RefusalException.all.first {
            $0.errorClass == errorClass && $0.op == op ?? error.op && $0.kind == error.kind
                && ($0.labels.isEmpty || $0.labels.contains(label))
        }
    }

    private func kindDifference(from error: OpError) -> String? {
        // The recorded node lacks it, which says nothing about the op.
        if error.kind == .malformed, error.reason.hasPrefix("attribute "), error.reason.hasSuffix(" is missing") {
            return "the record is incomplete: \(error)"
        }
        let kinds = kinds
        if kinds.contains(error.kind), error.kind != .unsupported || isUnsupported(error) { return nil }
        let expected = kinds.map { "\($0)" }.joined(separator: ", ")
        return "\(error.kind) (\(error)), TensorFlow: \(errorClass) (\(message)), which is one of: \(expected)"
    }

    /// Our kinds for TensorFlow's class of errors; empty for an unknown class.
    private var kinds: [OpError.Kind] {
        switch errorClass {
        case "InvalidArgumentError":
            if message.hasPrefix("You must feed a value for placeholder") { return [.missingFeed] }
            // The op exists, and accepts the attribute, but has no kernel for it.
            if message.hasPrefix("No OpKernel was registered") { return [.unsupported, .malformed, .invalidArgument] }
            return [.invalidArgument, .malformed]
        // Raised when the graph is made: shapes or attributes do not fit the op.
        case "ValueError": return [.invalidArgument, .malformed]
        // Raised when the graph is made: the op does not accept a dtype.
        case "TypeError": return [.invalidArgument, .malformed, .unsupported]
        case "OutOfRangeError": return [.invalidArgument, .malformed]
        case "DataLossError": return [.invalidArgument]
        case "UnimplementedError": return [.unsupported]
        case "FailedPreconditionError": return [.missingVariable]
        case "ResourceExhaustedError": return [.resourceExhausted]
        default: return []
        }
    }

    /// The unsupported part must be the one that TensorFlow refuses: for a TypeError, a dtype.
    private func isUnsupported(_ error: OpError) -> Bool {
        guard errorClass == "TypeError" else { return true }
        return error.reason.split { !$0.isLetter && !$0.isNumber }.contains { word in
            DataType.allCases.contains { "\($0)" == word }
        }
    }
}
