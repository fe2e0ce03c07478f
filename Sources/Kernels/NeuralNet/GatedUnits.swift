internal import CKernels
internal import Tensors

// What recurrent cells have in common, and the cell with the fewest gates.

/// Puts the rows of two matrices side by side.
func joinRows(
    _ left: UnsafePointer<Float>, _ leftSize: Int, _ right: UnsafePointer<Float>, _ rightSize: Int, count: Int,
    into joined: UnsafeMutablePointer<Float>
) {
    for row in 0..<count {
        let target = joined + row &* (leftSize &+ rightSize)
        target.update(from: left + row &* leftSize, count: leftSize)
        (target + leftSize).update(from: right + row &* rightSize, count: rightSize)
    }
}

/// The functions of gates.
struct Activations: Sendable {
    private let sigmoidLoop: Loop<ck_unary_fn>
    private let tanhLoop: Loop<ck_unary_fn>

    init?() {
        guard let sigmoid = Loop(ck_unary_loop(CK_SIGMOID, DataType.float32.rawValue)),
            let tanh = Loop(ck_unary_loop(CK_TANH, DataType.float32.rawValue))
        else { return nil }
        sigmoidLoop = sigmoid
        tanhLoop = tanh
    }

    func sigmoid(_ x: UnsafeMutablePointer<Float>, _ count: Int) { sigmoidLoop.call(x, x, count) }

    func tanh(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ count: Int) { tanhLoop.call(x, y, count) }
}

/// A cell with gates to reset and to update its memory. All tensors are float32.
package struct GRUCell: Sendable, Hashable {
    private let batch: Int
    private let inputSize: Int
    private let cellSize: Int

    /// - Parameters:
    ///   - batch: Rows of each matrix.
    ///   - inputSize: Columns of the input.
    ///   - cellSize: Columns of the memory.
    package init(batch: Int, inputSize: Int, cellSize: Int) {
        self.batch = batch
        self.inputSize = inputSize
        self.cellSize = cellSize
    }

    /// One step: inputs x, h_prev, w_ru, w_c, b_ru, b_c; outputs r, u, c, h; nil for sizes that BLAS cannot count.
    package func step() -> Kernel? {
        let (size, depth) = (cellSize, inputSize + cellSize)
        guard let gateProduct = MatrixProduct(rows: batch, columns: 2 &* size, depth: depth),
            let contentProduct = MatrixProduct(rows: batch, columns: size, depth: depth),
            let activations = Activations()
        else { return nil }
        let joinedBytes = (batch &* depth &* 4).roundedUp(to: TensorStorage.alignment)
        let count = batch &* size
        return Kernel("gru.step", scratchBytes: joinedBytes &+ 2 &* count &* 4) { frame in
            let joined = frame.scratch.assumingMemoryBound(to: Float.self)
            let gates = (frame.scratch + joinedBytes).assumingMemoryBound(to: Float.self)
            let (x, old) = (frame.input(0, as: Float.self), frame.input(1, as: Float.self))
            let (gateBias, contentBias) = (frame.input(4, as: Float.self), frame.input(5, as: Float.self))
            let (reset, update) = (frame.output(0, as: Float.self), frame.output(1, as: Float.self))
            let (content, output) = (frame.output(2, as: Float.self), frame.output(3, as: Float.self))
            joinRows(x, inputSize, old, size, count: batch, into: joined)
            Float.multiply(frame, gateProduct, joined, frame.input(2), gates)
            for index in 0..<count {
                let (row, column) = (index / size, index % size)
                reset[index] = gates[row &* 2 &* size &+ column] + gateBias[column]
                update[index] = gates[(row &* 2 &+ 1) &* size &+ column] + gateBias[size &+ column]
            }
            activations.sigmoid(reset, count)
            activations.sigmoid(update, count)
            for index in 0..<count { output[index] = old[index] * reset[index] }
            joinRows(x, inputSize, output, size, count: batch, into: joined)
            Float.multiply(frame, contentProduct, joined, frame.input(3), content)
            for index in 0..<count { content[index] += contentBias[index % size] }
            activations.tanh(content, content, count)
            for index in 0..<count { output[index] = update[index] * (old[index] - content[index]) + content[index] }
        }
    }
}
