internal import CKernels
package import Tensors

/// An operand of two dimensions that may repeat along either.
private struct Matrix: Sendable {
    let input: Int
    let rowStep: Int
    let step: Int

    /// Aligns the shape with the output's two dimensions at their ends.
    init(input: Int, _ shape: Shape) {
        self.input = input
        let columns = shape.dimensions.last ?? 1
        let rows = shape.rank > 1 ? shape.dimensions[shape.rank - 2] : 1
        rowStep = rows == 1 ? 0 : columns
        step = columns == 1 ? 0 : 1
    }

    /// The rows from one on; an element is `width` bytes.
    func elements(_ frame: KernelFrame, _ row: Int, _ width: Int) -> ck_matrix {
        ck_matrix(elements: frame.rawInput(input) + row &* rowStep &* width, row_step: rowStep, step: step)
    }
}

extension Kernel {
    /// Softmax, or its logarithm, over the last axis.
    ///
    /// - Returns: nil if the dtype is not float32 or float64.
    package static func softmax(_ dtype: DataType, rows: Int, count: Int, logarithm: Bool) -> Kernel? {
        let function = logarithm ? ck_log_softmax_loop(dtype.rawValue) : ck_softmax_loop(dtype.rawValue)
        guard let loop = Loop(function) else { return nil }
        let rowBytes = count &* dtype.stride
        return .rows(
            logarithm ? "logSoftmax" : "softmax", count: rows,
            nanoseconds: max(1, count.saturatingProduct(dtype.stride) / 4),
            work: count, overwritableInputs: [0]
        ) { frame, first, rows in
            let start = first &* rowBytes
            loop.call(frame.rawInput(0) + start, frame.rawOutput() + start, rows, count)
        }
    }

    /// The cross entropy of softmax of input 0 (logits) with input 1 (labels): the loss of each row, and its gradient.
    ///
    /// - Parameters:
    ///   - dtype: The inputs' dtype.
    ///   - logits: At most two dimensions; each is 1 or the output's.
    ///   - labels: As `logits`.
    ///   - rows: How many rows the output has.
    ///   - count: How long each is.
    /// - Returns: nil if the dtype is not float32 or float64.
    package static func softmaxCrossEntropy(
        _ dtype: DataType, _ logits: Shape, _ labels: Shape, rows: Int, count: Int
    ) -> Kernel? {
        guard let loop = Loop(ck_cross_entropy_loop(dtype.rawValue)) else { return nil }
        let left = Matrix(input: 0, logits)
        let right = Matrix(input: 1, labels)
        let width = dtype.stride
        return Kernel("softmaxCrossEntropy") { frame in
            frame.inBlocks(ofRows: rows, work: count) { first, rows in
                loop.call(
                    left.elements(frame, first, width), right.elements(frame, first, width),
                    frame.rawOutput(0) + first &* width, frame.rawOutput(1) + first &* count &* width, rows, count)
            }
        }
    }
}
