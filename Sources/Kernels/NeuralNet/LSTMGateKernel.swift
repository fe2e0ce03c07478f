internal import CKernels

/// The elementwise part of a cell with a long and a short memory, after the products of its gates. All tensors are float32.
package struct LSTMGateKernel: Sendable {
    /// In which of four places of a row of gates each gate lies.
    package struct Places: Sendable, Hashable {
        package let input: Int
        package let content: Int
        package let forget: Int
        package let output: Int

        package init(input: Int, content: Int, forget: Int, output: Int) {
            self.input = input
            self.content = content
            self.forget = forget
            self.output = output
        }
    }

    private let task: ck_lstm_gates
    private let rows: Int
    private let cells: Int
    /// About how long an element of the memory takes.
    private static let picoseconds = 2500

    /// - Parameters:
    ///   - rows: Of the results.
    ///   - cells: Elements of a row of the memory.
    ///   - places: Of the gates.
    ///   - forgetBias: Is added to the forget gate.
    ///   - repeats: Which of the gates' first term, their second one, and the memory have one row for all.
    package init(
        rows: Int, cells: Int, _ places: Places, forgetBias: Float,
        repeats: (first: Bool, second: Bool, memory: Bool)
    ) {
        self.rows = rows
        self.cells = cells
        task = ck_lstm_gates(
            rows: rows, cells: cells, input: places.input &* cells, content: places.content &* cells,
            forget: places.forget &* cells, output: places.output &* cells,
            first_step: repeats.first ? 0 : 4 &* cells, second_step: repeats.second ? 0 : 4 &* cells,
            memory_step: repeats.memory ? 0 : cells, forget_bias: forgetBias)
    }

    /// The kernel. Inputs: the gates' first term, the second one and the bias where there are such, the memory; if there are peepholes, those of
    /// the forget gate, the input gate and the output gate. Outputs: the next memory, the result.
    ///
    /// - Parameters:
    ///   - hasSecond: Whether the gates are a sum of two.
    ///   - hasBias: Whether a row is added to the gates.
    ///   - hasPeepholes: Whether gates see the memory.
    /// - Returns: The kernel.
    package func kernel(hasSecond: Bool, hasBias: Bool, hasPeepholes: Bool) -> Kernel {
        let biasIndex = hasSecond ? 2 : 1
        let memoryIndex = biasIndex + (hasBias ? 1 : 0)
        return .rows(
            "lstm.gates", count: rows, nanoseconds: max(1, cells.saturatingProduct(Self.picoseconds) / 1000),
            work: 8 &* cells
        ) { frame, first, count in
            var part = task
            part.rows = count
            let gates = frame.input(0, as: Float.self) + first &* task.first_step
            let second = hasSecond ? frame.input(1, as: Float.self) + first &* task.second_step : nil
            let bias = hasBias ? frame.input(biasIndex, as: Float.self) : nil
            let memory = frame.input(memoryIndex, as: Float.self) + first &* task.memory_step
            let next = frame.output(0, as: Float.self) + first &* cells
            let result = frame.output(1, as: Float.self) + first &* cells
            guard hasPeepholes else {
                return ck_lstm_gates_f32(&part, gates, second, bias, nil, memory, next, result)
            }
            var peepholes = ck_lstm_peepholes(
                forget: frame.input(memoryIndex + 1), input: frame.input(memoryIndex + 2),
                output: frame.input(memoryIndex + 3))
            ck_lstm_gates_f32(&part, gates, second, bias, &peepholes, memory, next, result)
        }
    }
}
