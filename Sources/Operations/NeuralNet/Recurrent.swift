internal import Kernels
internal import Tensors

extension OpTable {
    /// Recurrent cells that are one op.
    static let recurrentCells: [OpEntry] = [
        OpEntry("LSTMBlockCell", make: LSTMBlockCell.init),
        OpEntry("BlockLSTM", make: BlockLSTM.init, .inputCellForgetOutput),
        OpEntry("BlockLSTMV2", make: BlockLSTM.init, .inputForgetCellOutput),
        OpEntry("GRUBlockCell", make: GRUBlockCell.init),
    ]
}

/// The attributes and sizes of LSTM cells.
struct LSTMAttributes: Hashable {
    private let forgetBias: Float
    private let clip: Float
    private let usesPeephole: Bool
    private let order: LSTMCell.GateOrder

    /// - Parameters:
    ///   - node: Has the attributes `cell_clip` and `use_peephole`, and `forget_bias` where that is not nil.
    ///   - order: How the gates lie in the weights.
    ///   - forgetBias: The default; nil where there is none.
    ///   - clip: The default.
    /// - Throws: ``OpError`` where an attribute is of another kind.
    init(
        _ node: NodeReader, _ order: LSTMCell.GateOrder, forgetBias: Float?, clip: Float
    ) throws(OpError) {
        self.order = order
        self.forgetBias = if let forgetBias { try node.float("forget_bias", default: forgetBias) } else { 0 }
        self.clip = try node.float("cell_clip", default: clip)
        usesPeephole = try node.bool("use_peephole", default: false)
    }

    func cell(batch: Int, inputSize: Int, cellSize: Int) -> LSTMCell {
        LSTMCell(
            batch: batch, inputSize: inputSize, cellSize: cellSize, order: order, forgetBias: forgetBias, clip: clip,
            usesPeephole: usesPeephole)
    }

    /// Checks shapes against each other.
    ///
    /// - Parameters:
    ///   - inputs: cs_prev, h_prev, w, wci, wcf, wco and b.
    ///   - batch: Rows of the input.
    ///   - inputSize: Columns of the input.
    /// - Returns: Rows and columns of the results, so far as they are known.
    /// - Throws: `invalidArgument` where shapes contradict each other.
    func state(
        _ inputs: ArraySlice<TensorFact>, batch: Int, inputSize: Int
    ) throws(OpError) -> PartialShape {
        let facts = Array(inputs)
        var state = PartialShape([batch, PartialShape.unknownDimension])
        state = try facts[0].merged(with: state, "cs_prev")
        state = try facts[1].merged(with: state, "h_prev")
        let size = state.dimension(1)
        let depth = size < 0 || inputSize < 0 ? PartialShape.unknownDimension : try size.plus(inputSize)
        let gates = size < 0 ? PartialShape.unknownDimension : try size.times(4)
        _ = try facts[2].merged(with: PartialShape([depth, gates]), "w")
        for (index, name) in [(3, "wci"), (4, "wcf"), (5, "wco")] {
            try facts[index].requireRank(1, name)
            guard usesPeephole else { continue }
            _ = try facts[index].merged(with: PartialShape([size]), name)
        }
        _ = try facts[6].merged(with: PartialShape([gates]), "b")
        return state
    }
}

extension TensorFact {
    /// What the shape and an expected one say together.
    fileprivate func merged(with expected: PartialShape, _ what: String) throws(OpError) -> PartialShape {
        guard let result = shape.merged(with: expected) else {
            throw .invalid("\(what) must have the shape \(expected), it has \(shape)")
        }
        return result
    }
}

extension OpError {
    fileprivate static let tooLarge = OpError(.resourceExhausted, "the matrices are too large")
}

/// One step of a cell with a long and a short memory.
///
/// - Inputs: `x`, [batch, inputs]; `cs_prev` and `h_prev`, [batch, cells]; `w`, [inputs + cells, 4 * cells]; `wci`, `wcf` and
///   `wco`, vectors, of [cells] where peepholes are used; `b`, [4 * cells]. float32 (float16, bfloat16).
/// - Outputs: i, cs, f, o, ci, co and h, all [batch, cells].
/// - Attributes: `forget_bias`, `cell_clip`, `use_peephole`.
struct LSTMBlockCell: KernelOp {
    private let attributes: LSTMAttributes

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(8)
        attributes = try LSTMAttributes(node, .inputCellForgetOutput, forgetBias: 1, clip: 3)
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs.requireOneDType()
        try inputs[0].requireRank(2, "x")
        let x = inputs[0].shape
        let state = try attributes.state(inputs[1...], batch: x.dimension(0), inputSize: x.dimension(1))
        return Array(repeating: TensorFact(inputs[0].dtype, state), count: 7)
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0, 1, 2) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        guard spec.inputs[0].dtype == .float32 else { throw .unsupported(spec.inputs[0].dtype) }
        let (x, state) = (try spec.inputShape(0).dimensions, try spec.outputShape())
        guard state.elementCount > 0 else { return .nothing }
        try spec.requireRoom(state.elementCount)
        try spec.requireRoom(try x[0].times(x[1]))
        let cell = attributes.cell(batch: x[0], inputSize: x[1], cellSize: state.dimensions[1])
        guard let kernel = cell.step() else { throw .tooLarge }
        return kernel
    }
}

/// Steps of a cell with a long and a short memory, one after the other.
///
/// - Inputs: `seq_len_max`, int64, a scalar: how many steps are taken; `x`, [steps, batch, inputs]; the others as
///   ``LSTMBlockCell`` has them.
/// - Outputs: as ``LSTMBlockCell``, for each step; zeros where none is taken.
/// - Attributes: `cell_clip`, `use_peephole`; not V2: `forget_bias`.
struct BlockLSTM: KernelOp {
    private let attributes: LSTMAttributes

    init(_ node: NodeReader, _ order: LSTMCell.GateOrder) throws(OpError) {
        try node.expectInputs(9)
        let isFirst = order == .inputCellForgetOutput
        attributes = try LSTMAttributes(node, order, forgetBias: isFirst ? 1 : nil, clip: isFirst ? 3 : 0)
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[1...].requireOneDType()
        try inputs[0].require(.int64, "seq_len_max")
        try inputs[0].requireRank(0, "seq_len_max")
        try inputs[1].requireRank(3, "x")
        let x = inputs[1].shape
        let state = try attributes.state(inputs[2...], batch: x.dimension(1), inputSize: x.dimension(2))
        let shape = PartialShape([x.dimension(0), state.dimension(0), state.dimension(1)])
        return Array(repeating: TensorFact(inputs[1].dtype, shape), count: 7)
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        guard spec.inputs[1].dtype == .float32 else { throw .unsupported(spec.inputs[1].dtype) }
        let (x, output) = (try spec.inputShape(1).dimensions, try spec.outputShape())
        guard output.elementCount > 0 else { return .nothing }
        try spec.requireRoom(output.elementCount)
        try spec.requireRoom(try x[1].times(x[2]))
        let cell = attributes.cell(batch: x[1], inputSize: x[2], cellSize: output.dimensions[2])
        guard let kernel = cell.sequence(steps: x[0]) else { throw .tooLarge }
        return kernel
    }
}

/// One step of a cell with gates to reset and to update.
///
/// - Inputs: `x`, [batch, inputs]; `h_prev`, [batch, cells]; `w_ru`, [inputs + cells, 2 * cells]; `w_c`, [inputs + cells,
///   cells]; `b_ru`, [2 * cells]; `b_c`, [cells]. float32 (float16, bfloat16).
/// - Outputs: r, u, c and h, all [batch, cells].
struct GRUBlockCell: KernelOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(6) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs.requireOneDType()
        try inputs[0].requireRank(2, "x")
        let x = inputs[0].shape
        let state = try inputs[1].merged(
            with: PartialShape([x.dimension(0), PartialShape.unknownDimension]), "h_prev")
        let (size, inputSize) = (state.dimension(1), x.dimension(1))
        let depth = size < 0 || inputSize < 0 ? PartialShape.unknownDimension : try size.plus(inputSize)
        let gates = size < 0 ? PartialShape.unknownDimension : try size.times(2)
        _ = try inputs[2].merged(with: PartialShape([depth, gates]), "w_ru")
        _ = try inputs[3].merged(with: PartialShape([depth, size]), "w_c")
        _ = try inputs[4].merged(with: PartialShape([gates]), "b_ru")
        _ = try inputs[5].merged(with: PartialShape([size]), "b_c")
        return Array(repeating: TensorFact(inputs[0].dtype, state), count: 4)
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0, 1) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        guard spec.inputs[0].dtype == .float32 else { throw .unsupported(spec.inputs[0].dtype) }
        let (x, state) = (try spec.inputShape(0).dimensions, try spec.outputShape())
        guard state.elementCount > 0 else { return .nothing }
        try spec.requireRoom(state.elementCount)
        try spec.requireRoom(try x[0].times(x[1]))
        guard let kernel = GRUCell(batch: x[0], inputSize: x[1], cellSize: state.dimensions[1]).step() else {
            throw .tooLarge
        }
        return kernel
    }
}
