internal import CKernels

/// Rows of float32 without their mean and divided by their spread, then scaled and shifted.
package struct LayerNormalization: Hashable, Sendable {
    /// Elements of a row.
    package let count: Int
    /// Elements of scale and offset, which repeat along a row; a row is a multiple of it.
    package let period: Int
    /// Is added to variances.
    package let epsilon: Float
    /// The number of the input that scales; nil where none does.
    package let scale: Int?
    /// The number of the input that is added; nil where none is.
    package let offset: Int?

    package init(count: Int, period: Int, epsilon: Float, scale: Int?, offset: Int?) {
        self.count = count
        self.period = period
        self.epsilon = epsilon
        self.scale = scale
        self.offset = offset
    }

    /// The kernel for input 0.
    package func kernel(rows: Int) -> Kernel {
        .rows(
            "layerNormalization", count: rows, nanoseconds: max(1, count / 3), work: count, overwritableInputs: [0]
        ) { frame, first, rows in
            let start = first &* count
            run(frame, frame.input(0) + start, frame.output() + start, rows: rows)
        }
    }

    /// Computes some rows; `y` may be `x`.
    func run(_ frame: KernelFrame, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, rows: Int) {
        ck_layer_norm_f32(
            x, scale.map { frame.input($0) }, offset.map { frame.input($0) }, y, rows, count, period, epsilon)
    }
}
