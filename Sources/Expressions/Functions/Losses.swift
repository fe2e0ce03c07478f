internal import Graphs
internal import Tensors

extension Call {
    /// `max(x, 0) - x * z + log1p(exp(-abs(x)))`
    fileprivate func sigmoidCrossEntropy() throws(ExpressionError) -> Operand {
        let (labels, logits) = try pair("labels", "logits")
        let zero = try one("ZerosLike", [logits])
        let isPositive = try one("GreaterEqual", [logits, zero])
        let positive = try one("SelectV2", [isPositive, logits, zero], ["T": .type(logits.dtype)])
        let magnitude = try one(
            "SelectV2", [isPositive, try one("Neg", [logits]), logits], ["T": .type(logits.dtype)])
        let linear = try one("Sub", [positive, try one("Mul", [logits, labels])])
        return try one("AddV2", [linear, try one("Log1p", [try one("Exp", [magnitude])])])
    }

    fileprivate func softmaxCrossEntropy() throws(ExpressionError) -> Operand {
        let (labels, logits) = try pair("labels", "logits")
        guard try int("axis") == -1 else { throw error("axis must be -1; transpose the logits") }
        guard let rank = logits.rank, labels.rank == rank, rank > 0 else {
            throw error("both need the same known rank of 1 or more")
        }
        guard rank != 2 else { return try builder.add("SoftmaxCrossEntropyWithLogits", [logits, labels])[0] }
        let shape = try builder.shape(of: logits)
        let classes = try builder.index(.tensor(shape), [.slice(begin: .literal(.int(-1)), end: nil, step: nil)])
        let flat = try builder.tensor(
            .list([.literal(.int(-1)), try builder.index(classes, [.at(.literal(.int(0)))])]))
        let rows = try builder.add(
            "SoftmaxCrossEntropyWithLogits",
            [
                try one("Reshape", [logits, flat], ["Tshape": .type(.int32)]),
                try one("Reshape", [labels, flat], ["Tshape": .type(.int32)]),
            ])[0]
        let outer = try builder.tensor(
            try builder.index(.tensor(shape), [.slice(begin: nil, end: .literal(.int(-1)), step: nil)]))
        return try one("Reshape", [rows, outer], ["Tshape": .type(.int32)])
    }

    fileprivate func sparseCrossEntropy() throws(ExpressionError) -> Operand {
        let (labels, logits) = (try indices("labels"), try float("logits"))
        guard let rank = logits.rank, rank > 0 else { throw error("the rank of the logits is not known, or 0") }
        let types: [String: Tensors.DataType] = ["T": logits.dtype, "Tlabels": labels.dtype]
        let attributes = types.mapValues { AttributeValue.type($0) }
        guard rank != 2 else {
            return try builder.add("SparseSoftmaxCrossEntropyWithLogits", [logits, labels], attributes)[0]
        }
        let classes = try builder.index(.tensor(try builder.shape(of: logits)), [.at(.literal(.int(-1)))])
        let flat = try builder.tensor(.list([.literal(.int(-1)), classes]))
        let rows = try builder.add(
            "SparseSoftmaxCrossEntropyWithLogits",
            [
                try one("Reshape", [logits, flat], ["Tshape": .type(.int32)]),
                try one("Reshape", [labels, try builder.integers([-1])], ["Tshape": .type(.int32)]),
            ], attributes)[0]
        return try one("Reshape", [rows, try builder.shape(of: labels)], ["Tshape": .type(.int32)])
    }
}

extension FunctionTable {
    static let losses: [ExpressionFunction] = [
        ExpressionFunction(
            "nn.softmax_cross_entropy_with_logits", "labels, logits, axis=-1",
            one: { call throws(ExpressionError) in
                try call.softmaxCrossEntropy()
            }),
        ExpressionFunction(
            "nn.sparse_softmax_cross_entropy_with_logits", "labels, logits",
            one: { call throws(ExpressionError) in
                try call.sparseCrossEntropy()
            }),
        ExpressionFunction(
            "nn.sigmoid_cross_entropy_with_logits", "labels, logits",
            one: { call throws(ExpressionError) in
                try call.sigmoidCrossEntropy()
            }),
        .floating("nn.l2_loss", "L2Loss", "t"),
    ]
}
