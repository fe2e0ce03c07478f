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
    static var traits: OpTraits { .bookkeeping }

    private let name: String

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(1)
        name = node.name
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] { [TensorFact(.string, .scalar)] }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        let name = Array(name.utf8)
        let message = try TensorMessage(inputs[0])
        let size = MessageSize.field(name.count) + MessageSize.field(message.byteCount)
        var summary = try StringTensorBuilder(.scalar, byteCount: MessageSize.field(size), account)
        try summary.append(headerOf: 1, byteCount: size)
        try summary.append(name, field: 7)
        try message.append(to: &summary, field: 8)
        try summary.endString()
        return [try summary.tensor()]
    }
}

/// A tensor under a tag.
///
/// - Inputs: `tag`, a scalar string; `tensor`; `serialized_summary_metadata`, a scalar string: a `SummaryMetadata`.
struct TaggedTensorSummary: TensorOp {
    static var traits: OpTraits { .bookkeeping }

    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(3) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        for (input, name) in [(inputs[0], "tag"), (inputs[2], "serialized_summary_metadata")] {
            try input.require(.string, name)
            guard input.shape.rank ?? 0 == 0 else { throw .invalid("\(name) must be scalar") }
        }
        return [TensorFact(.string, .scalar)]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        _ = try outputs(for: inputs.map { TensorFact($0) })
        let (tag, metadata) = (try inputs[0].oneStringElement("tag"), try inputs[2].oneStringElement("metadata"))
        let message = try TensorMessage(inputs[1])
        var size = ByteSum()
        if tag.count > 0 { size.add(MessageSize.field(tag.count)) }
        size.add(MessageSize.field(message.byteCount))
        size.add(MessageSize.field(metadata.count))
        var summary = try StringTensorBuilder(.scalar, byteCount: MessageSize.field(size.total), account)
        try summary.append(headerOf: 1, byteCount: size.total)
        if tag.count > 0 { try summary.append(tag, field: 1) }
        try message.append(to: &summary, field: 8)
        try summary.append(metadata, field: 9)
        try summary.endString()
        return [try summary.tensor()]
    }
}
