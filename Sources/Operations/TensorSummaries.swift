internal import Graphs
internal import Kernels
internal import Tensors

extension OpTable {
    /// Ops that make serialized `Summary` messages that hold whole tensors.
    static let tensorSummaries: [OpEntry] = [
        OpEntry("TensorSummary", make: NamedTensorSummary.init),
        OpEntry("TensorSummaryV2", make: TaggedTensorSummary.init),
    ]
}

/// A tensor under the name of the node that makes it. The attributes tell nothing that is written.
struct NamedTensorSummary: TensorOp {
    private let name: String

    init(_ node: NodeReader) throws(CompileError) {
        try node.expectInputs(1)
        name = node.name
    }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] { [TensorFact(.string, .scalar)] }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(CompileError) -> [Tensor] {
        var value = MessageWriter()
        value.append(Array(name.utf8), field: 7)
        value.append(try inputs[0].message(), field: 8)
        return [try text(value.asSummary)]
    }
}

/// A tensor under a tag.
///
/// - Inputs: `tag`, a scalar string; `tensor`; `serialized_summary_metadata`, a scalar string: a `SummaryMetadata`.
struct TaggedTensorSummary: TensorOp {
    init(_ node: NodeReader) throws(CompileError) { try node.expectInputs(3) }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
        for (input, name) in [(inputs[0], "tag"), (inputs[2], "serialized_summary_metadata")] {
            try input.require(.string, name)
            guard input.shape.rank ?? 0 == 0 else { throw .invalid("\(name) must be scalar") }
        }
        return [TensorFact(.string, .scalar)]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(CompileError) -> [Tensor] {
        _ = try outputs(for: inputs.map { TensorFact($0) })
        var value = MessageWriter()
        value.append(tag: inputs[0].strings?.first ?? [])
        value.append(try inputs[1].message(), field: 8)
        value.append(inputs[2].strings?.first ?? [], field: 9)
        return [try text(value.asSummary)]
    }
}

extension MessageWriter {
    /// A `Summary` that has the message as its one value.
    fileprivate var asSummary: [UInt8] {
        var summary = MessageWriter()
        summary.append(bytes, field: 1)
        return summary.bytes
    }
}

extension Tensor {
    /// The tensor as a serialized `TensorProto`.
    fileprivate func message() throws(CompileError) -> [UInt8] {
        do { return try serialized() } catch { throw .unsupported(error.reason) }
    }
}
