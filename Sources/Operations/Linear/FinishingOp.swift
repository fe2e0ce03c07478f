package import Kernels
package import Tensors

/// An op that finishes the elements of its output before it writes them: it adds a bias for each channel, adds another tensor, applies an
/// activation. The last axis of the output is that of the channels.
///
/// What it takes follows its other inputs: the bias, then the other tensor.
package protocol FinishingOp: KernelOp {
    /// What is done with each element.
    var finish: LinearFinish { get }

    /// The same op with another finish.
    func with(_ finish: LinearFinish) -> any FinishingOp
}

extension FinishingOp {
    /// The inputs besides those that the finish takes.
    var ownInputCount: Int { 2 }

    /// Checks dtypes and shapes of what the finish takes.
    ///
    /// - Parameters:
    ///   - inputs: Of the op.
    ///   - output: Of the op.
    ///   - precision: The numbers of the weight, which is input 1.
    /// - Throws: ``OpError`` of kind `malformed`: a pass has joined what does not fit.
    func checkFinish(
        _ inputs: [TensorFact], _ output: TensorFact, _ precision: Precision = .fp32
    ) throws(OpError) {
        let taken = (finish.hasBias ? 1 : 0) + (finish.hasResidual ? 1 : 0)
        let areTaken = inputs.enumerated().allSatisfy { number, input in
            input.dtype == (number == 1 ? precision.dataType : .float32)
        }
        guard inputs.count == ownInputCount + taken, areTaken else {
            throw OpError(.malformed, "has \(inputs.count) inputs, or one of another dtype")
        }
        if finish.hasBias, let count = inputs[ownInputCount].shape.known?.elementCount,
            let channels = output.shape.dimensions?.last, channels >= 0, count != channels
        {
            throw OpError(.malformed, "has a bias of \(count) elements for \(channels) channels")
        }
        guard finish.hasResidual, let other = inputs.last?.shape.known, let shape = output.shape.known else { return }
        guard other == shape else { throw OpError(.malformed, "adds \(other) to \(shape)") }
    }

    /// How the outputs depend on the rows of a batch, where the data is input 0.
    func finishedBatching(_ node: BatchedNode) -> [BatchRole] {
        node.rowwise(finish.hasResidual ? [0, node.inputs.count - 1] : [0], minimumRank: 2)
    }
}

/// A ``LinearOp`` for which there is a ``FinishingOp``, most often over a weight that lies otherwise.
package protocol PackableOp: LinearOp {
    /// The op that finishes its sums; nil where there is none for the dtypes and shapes, as far as they are known.
    ///
    /// - Parameters:
    ///   - inputs: Of the op.
    ///   - precision: The numbers that panels of the weight should hold.
    /// - Returns: The form, perhaps with float32 where there is no other one.
    func packed(_ inputs: [TensorFact], _ precision: Precision) -> PackedForm?
}

/// A linear op that finishes its sums.
package struct PackedForm: Sendable {
    /// Makes panels of the weight; nil where the op takes it as it lies.
    package let packing: (any Op)?
    /// Takes the data and the panels.
    package let op: any FinishingOp
    /// The number of the input that is the data.
    package let data: Int
    /// The number of the input that is the weight.
    package let weight: Int

    init(packing: (any Op)?, _ op: any FinishingOp) {
        self.packing = packing
        self.op = op
        data = 0
        weight = 1
    }

    init(_ format: PanelFormat, transposed: Bool = false, _ op: any FinishingOp) {
        self.init(packing: PackPanels(format: format, transposed: transposed), op)
    }
}

/// Panels of a weight: see ``PanelFormat``.
///
/// - Inputs: float32 whose elements, in their order, are the matrix [depth, columns], or [columns, depth] where it is transposed.
/// - Outputs: the panels, of rank 1, float32 or bfloat16.
/// - Numerics: bfloat16 is the nearest number; of two, the even one.
struct PackPanels: MovementOp {
    let format: PanelFormat
    let transposed: Bool

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let count = format.depth.multipliedReportingOverflow(by: format.columns)
        guard inputs.count == 1, inputs[0].dtype == .float32, !count.overflow, let elements = format.elementCount,
            inputs[0].shape.known.map({ $0.elementCount == count.partialValue }) ?? true
        else { throw OpError(.malformed, "cannot make panels of \(inputs.first?.shape ?? .unknown)") }
        return [TensorFact(format.precision.dataType, PartialShape([elements]))]
    }

    func movement(_ inputs: [TensorFact]) -> Movement? { nil }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel { format.packing(transposed: transposed) }
}

extension PackPanels: PartwiseOp {
    /// A part of a transposed matrix is whole panels. One that is larger than this does not stay in the cache.
    private static let maxPartBytes = 4 << 20

    func partwiseOutput(from input: TensorFact, _ output: Shape) -> PartwiseOutput? {
        let rows = transposed ? format.panelWidth : 1
        let (multiple, overflow) = (rows * MemoryLayout<Float>.stride).multipliedReportingOverflow(
            by: transposed ? format.depth : format.columns)
        let rowBytes = multiple / rows
        guard format.precision == .fp32, !overflow, multiple > 0, multiple <= Self.maxPartBytes,
            input.dtype == .float32,
            let tensor = Tensor(dtype: .float32, shape: output, initializing: { _ in })
        else { return nil }
        // Safety: nobody reads the tensor before all parts were taken, and each part fills its own elements of it.
        nonisolated(unsafe) let panels = (tensor.storage.baseAddress + tensor.byteOffset)
            .assumingMemoryBound(to: Float.self)
        let (format, transposed) = (format, transposed)
        return PartwiseOutput(tensor: tensor, multipleBytes: multiple) { bytes, offset in
            guard let base = bytes.baseAddress else { return }
            // Safety: a part has whole rows of the matrix as it lies.
            format.pack(
                base.assumingMemoryBound(to: Float.self), transposed: transposed, rows: bytes.count / rowBytes,
                from: offset / rowBytes, into: panels)
        }
    }
}
