internal import CKernels
internal import Tensors

/// Several formulas that are computed together, one tile of elements after another: what a step gives the next one stays in the cache.
// Safety: functions of CKernels have no state; any thread may call them.
struct FusedProgram: @unchecked Sendable {
    /// Where an operand or a result lies.
    struct Place {
        enum Kind {
            /// In an input, at the tile's elements.
            case input
            /// In an input of one element.
            case single
            /// In the worker's own memory.
            case own
            /// In the output, at the tile's elements.
            case output
        }

        let kind: Kind
        /// The number of the input; the bytes from the beginning of the own memory.
        var number = 0
        /// Bytes of an element.
        let width: Int

        /// From one element to the next: 0 for a single one.
        var step: Int { kind == .single || isConstant ? 0 : 1 }
        var isConstant = false

        @inline(__always)
        func address(_ frame: KernelFrame, _ own: UnsafeMutableRawPointer, _ first: Int) -> UnsafeMutableRawPointer {
            switch kind {
            case .input: frame.rawOperand(number) + first &* width
            case .single: frame.rawOperand(number)
            case .own: own + number
            case .output: frame.rawOutput() + first &* width
            }
        }
    }

    enum Function {
        case unary(ck_unary_fn)
        case binary(ck_binary_fn)
        case ternary(ck_ternary_fn)
    }

    struct Instruction {
        let function: Function
        /// The operands. Those that the function does not have are the first one.
        let operands: (Place, Place, Place)
        let result: Place
    }

    /// An input that repeats along some axes, as the elements of a tile.
    struct Repetition {
        let input: Int
        let width: Int
        /// As `ck_repeat` wants it.
        let axes: [Int]
        /// Where in the own memory it lies.
        var place = 0

        /// After how many elements everything repeats; nil where it is more than that.
        var period: Int? { axes.count == 4 && axes[1] == 0 && axes[3] == 1 ? axes[2] : nil }

        func fill(_ frame: KernelFrame, _ own: UnsafeMutableRawPointer, _ first: Int, _ count: Int) {
            axes.withUnsafeBufferPointer { axes in
                ck_repeat(
                    axes.baseAddress, Int32(axes.count / 2), frame.rawInput(input), first, count, own + place, width)
            }
        }
    }

    let count: Int
    /// Elements of a tile.
    let tile: Int
    let instructions: [Instruction]
    /// Those that are the same in all tiles.
    let fixed: [Repetition]
    /// Those that differ from tile to tile.
    let varying: [Repetition]
    /// Numbers that are not inputs, with their places in the own memory.
    let constants: [(place: Int, bytes: SIMD2<UInt64>)]
    let ownBytes: Int
    let tail: TailCall?

    /// Computes some tiles, until the run's time is over.
    func run(_ frame: KernelFrame, _ tiles: Range<Int>, _ own: UnsafeMutableRawPointer) {
        for constant in constants { (own + constant.place).storeBytes(of: constant.bytes, as: SIMD2<UInt64>.self) }
        for repetition in fixed { repetition.fill(frame, own, 0, min(tile, count)) }
        instructions.withUnsafeBufferPointer { instructions in
            for number in tiles {
                let first = number &* tile
                let size = min(tile, count &- first)
                for repetition in varying { repetition.fill(frame, own, first, size) }
                for instruction in instructions { Self.run(instruction, frame, own, first, size) }
                tail?.run(frame, first, size)
                if frame.isOver(after: size &* instructions.count) { return }
            }
        }
    }

    @inline(__always)
    private static func run(
        _ instruction: Instruction, _ frame: KernelFrame, _ own: UnsafeMutableRawPointer, _ first: Int, _ count: Int
    ) {
        let (a, b, c) = instruction.operands
        let result = instruction.result.address(frame, own, first)
        switch instruction.function {
        case .unary(let function): function(a.address(frame, own, first), result, count)
        case .binary(let function):
            _ = function(a.address(frame, own, first), a.step, b.address(frame, own, first), b.step, result, count)
        case .ternary(let function):
            function(
                a.address(frame, own, first), a.step, b.address(frame, own, first), b.step,
                c.address(frame, own, first), c.step, result, count)
        }
    }
}

extension FusedProgram {
    /// What is done with the rows of a tile of the output.
    struct TailCall {
        let tail: FusedTail
        /// Elements of a row.
        let row: Int
        let softmax: ck_rows_fn?

        init?(_ tail: FusedTail, row: Int) {
            self.tail = tail
            self.row = row
            softmax = ck_softmax_loop(DataType.float32.rawValue)
            guard softmax != nil else { return nil }
        }

        func run(_ frame: KernelFrame, _ first: Int, _ count: Int) {
            let rows = frame.output(as: Float.self) + first
            switch tail {
            case .softmax: softmax?(rows, rows, count / row, row)
            case .layerNormalization(let norm): norm.run(frame, rows, rows, rows: count / row)
            }
        }
    }
}

extension FusedStep {
    /// The loop of the formula; nil where there is none for the dtype.
    var function: FusedProgram.Function? {
        switch formula {
        case .unary(let formula):
            ck_unary_loop(formula.code, dtype.rawValue).map { .unary($0) }
        case .binary(let formula):
            // Booleans are numbers that are 0 or 1.
            (ck_binary_loop(formula.code, dtype.rawValue)
                ?? (dtype == .bool ? ck_binary_loop(formula.code, DataType.uint8.rawValue) : nil)).map { .binary($0) }
        case .ternary(let formula):
            ck_ternary_loop(formula.code, dtype.rawValue).map { .ternary($0) }
        case .leakyRelu:
            ck_ternary_loop(CK_LEAKY_RELU_GRAD, dtype.rawValue).map { .ternary($0) }
        }
    }
}
