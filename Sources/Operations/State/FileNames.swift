internal import Kernels
internal import Tensors

extension OpTable {
    /// The names of a checkpoint's files, as graphs work them out. No op of a served graph reads or writes the files.
    static let fileNames: [OpEntry] = [
        OpEntry("ShardedFilename", make: ShardedFilename.init)
    ]
}

/// `ShardedFilename`: `basename-00001-of-00004`. Inputs: the basename, the shard, the number of shards; all scalars.
struct ShardedFilename: TensorOp {
    static var traits: OpTraits { .checkpoints }

    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(3) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        for (input, name) in zip(inputs, ["basename", "shard", "num_shards"]) { try input.requireRank(0, name) }
        return [TensorFact(.string, Shape.scalar)]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        let name = try inputs[0].oneStringElement("basename")
        guard let shard = inputs[1].integers?.first, let count = inputs[2].integers?.first else {
            throw .invalid("expected a string and two integers")
        }
        var result = try StringTensorBuilder(.scalar, byteCount: name.count + 32, account)
        try result.append(name)
        try result.append("-\(Self.padded(shard))-of-\(Self.padded(count))")
        try result.endString()
        return [try result.tensor()]
    }

    /// With five digits at least, as C's `%05d`.
    private static func padded(_ number: Int) -> String {
        let digits = String(number.magnitude)
        let sign = number < 0 ? "-" : ""
        return sign + String(repeating: "0", count: max(0, 5 - sign.count - digits.count)) + digits
    }
}
