internal import CKernels
internal import Glibc
internal import Tensors

/// A cell with a long and a short memory. All tensors are float32.
package struct LSTMCell: Sendable, Hashable {
    /// In which order the gates lie in the weights: input, cell (the new content), forget, output.
    package enum GateOrder: Sendable, Hashable {
        case inputCellForgetOutput
        case inputForgetCellOutput
    }

    private let batch: Int
    private let inputSize: Int
    private let cellSize: Int
    private let order: GateOrder
    private let forgetBias: Float
    /// Not positive: the memory is not clipped.
    private let clip: Float
    private let usesPeephole: Bool

    /// - Parameters:
    ///   - batch: Rows of each matrix.
    ///   - inputSize: Columns of the input.
    ///   - cellSize: Columns of the memories.
    ///   - order: How the gates lie.
    ///   - forgetBias: Is added to the forget gate.
    ///   - clip: The largest magnitude of the memory; none if it is not positive.
    ///   - usesPeephole: Whether the gates see the memory.
    package init(
        batch: Int, inputSize: Int, cellSize: Int, order: GateOrder, forgetBias: Float, clip: Float,
        usesPeephole: Bool
    ) {
        self.batch = batch
        self.inputSize = inputSize
        self.cellSize = cellSize
        self.order = order
        self.forgetBias = forgetBias
        self.clip = clip
        self.usesPeephole = usesPeephole
    }

    private var stateSize: Int { batch &* cellSize }

    /// One step: inputs x, cs_prev, h_prev, w, wci, wcf, wco, b; outputs i, cs, f, o, ci, co, h.
    ///
    /// - Returns: nil for sizes that BLAS cannot count.
    package func step() -> Kernel? {
        guard let body = body() else { return nil }
        return Kernel(scratchBytes: body.scratchBytes) { frame in
            body.run(
                x: frame.input(0), previous: (frame.input(1), frame.input(2)), Weights(frame, first: 3),
                Results(frame, offset: 0), frame.scratch)
        }
    }

    /// A step for each matrix of x: inputs seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, b; outputs as ``step()``, with
    /// zeros after the first seq_len_max steps. A length that is not in [0, steps] is a fault.
    ///
    /// - `steps`: Matrices of x.
    package func sequence(steps: Int) -> Kernel? {
        guard let body = body() else { return nil }
        return Kernel(scratchBytes: body.scratchBytes) { frame in
            let length = Int(frame.input(0, as: Int64.self)[0])
            let count = min(max(0, length), steps)
            if count != length { frame.report(.other("seq_len_max must be in [0, the number of steps of x]")) }
            var previous = (frame.input(2, as: Float.self), frame.input(3, as: Float.self))
            for step in 0..<count {
                let results = Results(frame, offset: step &* stateSize)
                let x = frame.input(1, as: Float.self) + step &* batch &* inputSize
                body.run(x: x, previous: previous, Weights(frame, first: 4), results, frame.scratch)
                previous = (UnsafePointer(results.memory), UnsafePointer(results.output))
            }
            for index in 0..<7 {
                memset(frame.output(index, as: Float.self) + count &* stateSize, 0, (steps &- count) &* stateSize &* 4)
            }
        }
    }

    private func body() -> Body? { Body(self) }
}

extension LSTMCell {
    private struct Weights {
        let matrix: UnsafePointer<Float>
        let peepholes: (input: UnsafePointer<Float>, forget: UnsafePointer<Float>, output: UnsafePointer<Float>)
        let bias: UnsafePointer<Float>

        init(_ frame: KernelFrame, first: Int) {
            matrix = frame.input(first)
            peepholes = (frame.input(first + 1), frame.input(first + 2), frame.input(first + 3))
            bias = frame.input(first + 4)
        }
    }

    private struct Results {
        let inputGate: UnsafeMutablePointer<Float>
        let memory: UnsafeMutablePointer<Float>
        let forgetGate: UnsafeMutablePointer<Float>
        let outputGate: UnsafeMutablePointer<Float>
        let content: UnsafeMutablePointer<Float>
        let squashed: UnsafeMutablePointer<Float>
        let output: UnsafeMutablePointer<Float>

        init(_ frame: KernelFrame, offset: Int) {
            inputGate = frame.output(0) + offset
            memory = frame.output(1) + offset
            forgetGate = frame.output(2) + offset
            outputGate = frame.output(3) + offset
            content = frame.output(4) + offset
            squashed = frame.output(5) + offset
            output = frame.output(6) + offset
        }
    }

    /// The computation, with everything made that can be.
    private struct Body: Sendable {
        private let cell: LSTMCell
        private let product: MatrixProduct
        private let activations: Activations
        private let joinedBytes: Int

        var scratchBytes: Int { joinedBytes &+ 4 &* cell.stateSize &* 4 }

        init?(_ cell: LSTMCell) {
            let depth = cell.inputSize + cell.cellSize
            guard let product = MatrixProduct(rows: cell.batch, columns: 4 &* cell.cellSize, depth: depth),
                let activations = Activations()
            else { return nil }
            self.cell = cell
            self.product = product
            self.activations = activations
            joinedBytes = (cell.batch &* depth &* 4).roundedUp(to: TensorStorage.alignment)
        }

        func run(
            x: UnsafePointer<Float>, previous: (memory: UnsafePointer<Float>, output: UnsafePointer<Float>),
            _ weights: Weights, _ results: Results, _ scratch: UnsafeMutableRawPointer
        ) {
            let joined = scratch.assumingMemoryBound(to: Float.self)
            let gates = (scratch + joinedBytes).assumingMemoryBound(to: Float.self)
            let (size, count) = (cell.cellSize, cell.stateSize)
            joinRows(x, cell.inputSize, previous.output, size, count: cell.batch, into: joined)
            Float.multiply(product, joined, weights.matrix, gates)
            let isContentSecond = cell.order == .inputCellForgetOutput
            let (content, forget) = (isContentSecond ? size : 2 &* size, isContentSecond ? 2 &* size : size)
            let peep = cell.usesPeephole
            for index in 0..<count {
                let (row, column) = (index / size, index % size)
                let gate = gates + row &* 4 &* size + column
                let bias = weights.bias + column
                let old = previous.memory[index]
                results.content[index] = gate[content] + bias[content]
                results.inputGate[index] = gate[0] + bias[0] + (peep ? old * weights.peepholes.input[column] : 0)
                results.forgetGate[index] =
                    gate[forget] + bias[forget] + cell.forgetBias + (peep ? old * weights.peepholes.forget[column] : 0)
            }
            activations.sigmoid(results.inputGate, count)
            activations.sigmoid(results.forgetGate, count)
            activations.tanh(results.content, results.content, count)
            for index in 0..<count {
                let (row, column) = (index / size, index % size)
                var memory =
                    results.content[index] * results.inputGate[index]
                    + previous.memory[index] * results.forgetGate[index]
                if cell.clip > 0 { memory = memory < -cell.clip ? -cell.clip : memory > cell.clip ? cell.clip : memory }
                results.memory[index] = memory
                results.outputGate[index] =
                    gates[row &* 4 &* size &+ 3 &* size &+ column] + weights.bias[3 &* size &+ column]
                    + (peep ? memory * weights.peepholes.output[column] : 0)
            }
            activations.sigmoid(results.outputGate, count)
            activations.tanh(results.memory, results.squashed, count)
            for index in 0..<count { results.output[index] = results.squashed[index] * results.outputGate[index] }
        }
    }
}

/// Puts the rows of two matrices side by side.
private func joinRows(
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
private struct Activations: Sendable {
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
        return Kernel(scratchBytes: joinedBytes &+ 2 &* count &* 4) { frame in
            let joined = frame.scratch.assumingMemoryBound(to: Float.self)
            let gates = (frame.scratch + joinedBytes).assumingMemoryBound(to: Float.self)
            let (x, old) = (frame.input(0, as: Float.self), frame.input(1, as: Float.self))
            let (gateBias, contentBias) = (frame.input(4, as: Float.self), frame.input(5, as: Float.self))
            let (reset, update) = (frame.output(0, as: Float.self), frame.output(1, as: Float.self))
            let (content, output) = (frame.output(2, as: Float.self), frame.output(3, as: Float.self))
            joinRows(x, inputSize, old, size, count: batch, into: joined)
            Float.multiply(gateProduct, joined, frame.input(2), gates)
            for index in 0..<count {
                let (row, column) = (index / size, index % size)
                reset[index] = gates[row &* 2 &* size &+ column] + gateBias[column]
                update[index] = gates[(row &* 2 &+ 1) &* size &+ column] + gateBias[size &+ column]
            }
            activations.sigmoid(reset, count)
            activations.sigmoid(update, count)
            for index in 0..<count { output[index] = old[index] * reset[index] }
            joinRows(x, inputSize, output, size, count: batch, into: joined)
            Float.multiply(contentProduct, joined, frame.input(3), content)
            for index in 0..<count { content[index] += contentBias[index % size] }
            activations.tanh(content, content, count)
            for index in 0..<count { output[index] = update[index] * (old[index] - content[index]) + content[index] }
        }
    }
}
