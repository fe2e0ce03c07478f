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
        return Kernel("lstm.step", scratchBytes: body.scratchBytes) { frame in
            body.run(
                frame, x: frame.input(0), previous: (frame.input(1), frame.input(2)), Weights(frame, first: 3),
                Results(frame, offset: 0), frame.scratch)
        }
    }

    /// A step for each matrix of x: inputs seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, b; outputs as ``step()``, with
    /// zeros after the first seq_len_max steps. A length that is not in [0, steps] is a fault.
    ///
    /// - `steps`: Matrices of x.
    package func sequence(steps: Int) -> Kernel? {
        guard let body = body() else { return nil }
        return Kernel("lstm.sequence", scratchBytes: body.scratchBytes) { frame in
            let length = Int(frame.input(0, as: Int64.self)[0])
            let count = min(max(0, length), steps)
            if count != length { frame.report(.other("seq_len_max must be in [0, the number of steps of x]")) }
            var previous = (frame.input(2, as: Float.self), frame.input(3, as: Float.self))
            for step in 0..<count {
                let results = Results(frame, offset: step &* stateSize)
                let x = frame.input(1, as: Float.self) + step &* batch &* inputSize
                if frame.isOver(after: 8 &* stateSize) { return }
                body.run(frame, x: x, previous: previous, Weights(frame, first: 4), results, frame.scratch)
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
            _ frame: KernelFrame, x: UnsafePointer<Float>,
            previous: (memory: UnsafePointer<Float>, output: UnsafePointer<Float>),
            _ weights: Weights, _ results: Results, _ scratch: UnsafeMutableRawPointer
        ) {
            let joined = scratch.assumingMemoryBound(to: Float.self)
            let gates = (scratch + joinedBytes).assumingMemoryBound(to: Float.self)
            let (size, count) = (cell.cellSize, cell.stateSize)
            joinRows(x, cell.inputSize, previous.output, size, count: cell.batch, into: joined)
            Float.multiply(frame, product, joined, weights.matrix, gates)
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
