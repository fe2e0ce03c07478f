internal import CKernels
internal import Tensors

/// A product of a matrix that lies row by row with one that lies in panels.
package struct PanelProduct: Hashable, Sendable {
    private let rows: Int
    private let format: PanelFormat
    private let finish: LinearFinish

    /// - Parameters:
    ///   - rows: Of the result.
    ///   - format: Of the right matrix.
    ///   - finish: What is done with each element.
    package init(rows: Int, _ format: PanelFormat, _ finish: LinearFinish) {
        self.rows = rows
        self.format = format
        self.finish = finish
    }

    /// The kernel: inputs are the left matrix, the panels, and what the finish takes.
    package var kernel: Kernel {
        let cut = PanelCut(format, rows: rows, finish)
        let operands = PanelOperands(finish)
        let phase = cut.phase { frame, part, _ in
            var product = operands.product(frame, format)
            ck_panels_multiply(
                &product, frame.input(0), format.depth, Int64(part.firstRow), Int64(part.rowCount),
                Int64(part.firstPanel), Int64(part.panelCount))
        }
        return Kernel(
            format.precision == .bf16 ? "matmul.bf16Panels" : "matmul.panels",
            overwritableInputs: operands.overwritableInputs, phases: [phase])
    }
}
