internal import CKernels

/// The elementwise part of a cell with gates to reset and to update, around the products of its gates. All tensors are float32.
package struct GRUGateKernel: Sendable {
    /// The parts of a cell that are computed in one go. A sum is up to two matrices and a bias.
    package enum Stage: Sendable, Hashable {
        /// From the sums of both gates: what updates the state, and the state after the reset, before it is multiplied by a weight.
        case gates
        /// From what updates the state, and the sum of the new content: the next state.
        case output
        /// The whole, where the product of the state is reset, not the state.
        case cell

        /// How many operands the stage takes.
        package var operandCount: Int {
            switch self {
            case .gates: Int(CK_GRU_GATES_INPUTS)
            case .output: Int(CK_GRU_OUTPUT_INPUTS)
            case .cell: Int(CK_GRU_CELL_INPUTS)
            }
        }

        fileprivate var name: Kernel.Name {
            switch self {
            case .gates: "gru.gates"
            case .output: "gru.output"
            case .cell: "gru.cell"
            }
        }

        /// About how long an element takes.
        fileprivate var picoseconds: Int {
            switch self {
            case .gates: 1000
            case .output: 600
            case .cell: 1500
            }
        }
    }

    /// Where an operand of a stage lies.
    package struct Columns: Sendable, Hashable {
        /// The number of the input.
        package let input: Int
        /// The first of its columns.
        package let first: Int
        /// Elements from one row to the next; 0 for a row that is the same for all.
        package let step: Int

        package init(input: Int, first: Int, step: Int) {
            self.input = input
            self.first = first
            self.step = step
        }
    }

    private let stage: Stage
    private let rows: Int
    private let cells: Int
    private let operands: [Columns?]

    /// - Parameters:
    ///   - stage: What is computed.
    ///   - rows: Of the results.
    ///   - cells: Elements of a row of the state.
    ///   - operands: As many as the stage takes, in the order of `ckernels_cells.h`; nil where a sum has no such term.
    package init(_ stage: Stage, rows: Int, cells: Int, _ operands: [Columns?]) {
        self.stage = stage
        self.rows = rows
        self.cells = cells
        self.operands = operands
    }

    /// The kernel.
    package var kernel: Kernel {
        let (stage, cells, operands) = (stage, cells, operands)
        return .rows(
            stage.name, count: rows, nanoseconds: max(1, cells.saturatingProduct(stage.picoseconds) / 1000),
            work: 8 &* cells
        ) { frame, first, count in
            // Safety: the stage's C function reads as many elements as `operandCount` tells; there are as many operands.
            withUnsafeTemporaryAllocation(of: ck_columns.self, capacity: operands.count) { inputs in
                for (index, operand) in operands.enumerated() {
                    let data = operand.map {
                        frame.input($0.input, as: Float.self) + $0.first + first &* $0.step
                    }
                    inputs.initializeElement(at: index, to: ck_columns(data: data, step: operand?.step ?? 0))
                }
                let result = frame.output(0, as: Float.self) + first &* cells
                switch stage {
                case .gates:
                    let second = frame.output(1, as: Float.self) + first &* cells
                    ck_gru_gates_f32(count, cells, inputs.baseAddress, result, second)
                case .output: ck_gru_output_f32(count, cells, inputs.baseAddress, result)
                case .cell: ck_gru_cell_f32(count, cells, inputs.baseAddress, result)
                }
            }
        }
    }
}
