package import Kernels
internal import Tensors

/// The elementwise part of a cell with gates to reset and to update, around the products of its gates. No graph has this op: a pass makes it
/// of the ops that graphs have.
///
/// - Inputs: what the stage takes, as columns of matrices, [batch, columns], and of biases, [columns]. All float32. A batch of one row is
///   the same for all rows.
/// - Outputs: those of the stage, [batch, cells] each.
package struct GRUGates: KernelOp {
    /// Columns of an input.
    package struct Place: Hashable, Sendable {
        fileprivate let input: Int
        fileprivate let first: Int

        /// - Parameters:
        ///   - input: The number of the input.
        ///   - first: The first of as many columns as there are cells.
        package init(input: Int, first: Int) {
            self.input = input
            self.first = first
        }
    }

    private let stage: GRUGateKernel.Stage
    private let cells: Int
    private let places: [Place?]

    /// - Parameters:
    ///   - stage: The part of the cell.
    ///   - cells: Columns of the state.
    ///   - places: Where each operand of the stage lies; nil where a sum has no such term.
    package init(_ stage: GRUGateKernel.Stage, cells: Int, _ places: [Place?]) {
        self.stage = stage
        self.cells = cells
        self.places = places
    }

    package func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs.requireOneDType()
        var shape = PartialShape([1, cells])
        for input in inputs where input.shape.rank != 1 {
            shape = try shape.broadcast(with: PartialShape([input.shape.dimension(0), cells]))
        }
        return Array(repeating: TensorFact(inputs[0].dtype, shape), count: stage == .gates ? 2 : 1)
    }

    package func batching(_ node: BatchedNode) -> [BatchRole]? {
        node.rowwise(Set(node.inputs.indices.filter { node.rank($0) == 2 }))
    }

    package func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let rows = try spec.outputShape().dimensions[0]
        guard rows > 0, cells > 0 else { return .nothing }
        var operands: [GRUGateKernel.Columns?] = []
        for place in places {
            guard let place else {
                operands.append(nil)
                continue
            }
            let shape = try spec.inputShape(place.input).dimensions
            guard let width = shape.last, (1...2).contains(shape.count), place.first >= 0,
                place.first <= width - cells, shape.count == 1 || shape[0] == rows || shape[0] == 1
            else { throw .unsupported("a term of gates of \(spec.inputs[place.input].shape) is not supported") }
            let isRepeated = shape.count == 1 || shape[0] != rows
            operands.append(
                GRUGateKernel.Columns(input: place.input, first: place.first, step: isRepeated ? 0 : width))
        }
        guard operands.count == stage.operandCount else { throw OpError(.malformed, "a stage lacks operands") }
        return GRUGateKernel(stage, rows: rows, cells: cells, operands).kernel
    }
}
