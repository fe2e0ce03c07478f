internal import CKernels
internal import Glibc
package import Tensors

/// A C function that a kernel calls.
// Safety: functions of CKernels have no state; any thread may call them.
struct Loop<Function>: @unchecked Sendable {
    let call: Function

    init?(_ function: Function?) {
        guard let function else { return nil }
        call = function
    }
}

extension Loop where Function == ck_unary_fn {
    /// Calls the function for blocks of elements, until the run's time is over.
    ///
    /// - Parameters:
    ///   - frame: Of the call.
    ///   - input: What is read.
    ///   - width: Bytes of an element of it.
    ///   - output: What is written.
    ///   - outputWidth: Bytes of an element of it.
    ///   - count: How many elements there are.
    @inline(__always)
    func run(
        _ frame: KernelFrame, _ input: UnsafeRawPointer, _ width: Int, _ output: UnsafeMutableRawPointer,
        _ outputWidth: Int, count: Int
    ) {
        frame.inBlocks(of: count) { first, count in
            call(input + first &* width, output + first &* outputWidth, count)
        }
    }
}

extension Kernel {
    /// One output element from one input element.
    ///
    /// - Parameters:
    ///   - formula: What is computed.
    ///   - dtype: The input's dtype.
    ///   - result: The output's dtype.
    ///   - count: How many elements there are.
    /// - Returns: nil if the formula has no loop for the dtype.
    package static func unary(_ formula: UnaryFormula, _ dtype: DataType, result: DataType, count: Int) -> Kernel? {
        guard let loop = Loop(ck_unary_loop(formula.code, dtype.rawValue)) else { return nil }
        let (width, outputWidth) = (dtype.stride, result.stride)
        return elements(
            Name("elementwise", formula.name), count: count,
            picoseconds: formula.picoseconds + picoseconds(moving: width + outputWidth),
            overwritableInputs: width == outputWidth ? [0] : []
        ) { frame, first, count in
            loop.call(frame.rawInput(0) + first &* width, frame.rawOutput() + first &* outputWidth, count)
        }
    }

    /// About how long moving so many bytes takes.
    static func picoseconds(moving bytes: Int) -> Int { 40 &* bytes }

    /// Converts between element types; quantised numbers are the integers that they are stored as.
    ///
    /// - Parameters:
    ///   - source: The input's dtype.
    ///   - target: The output's dtype.
    ///   - truncates: Whether a float loses the bits that a narrower one has not, instead of being rounded.
    ///   - count: How many elements there are.
    /// - Returns: nil if there is no conversion.
    package static func cast(
        from source: DataType, to target: DataType, truncates: Bool = false, count: Int
    ) -> Kernel? {
        if source == target { return .alias() }
        let (source, target) = (source.quantizedStorage ?? source, target.quantizedStorage ?? target)
        guard let loop = Loop(ck_cast_loop(source.rawValue, target.rawValue)) else { return nil }
        guard truncates, let cut = Loop(ck_truncate_loop(source.rawValue, target.rawValue)) else {
            let (width, outputWidth) = (source.stride, target.stride)
            return elements(
                "cast", count: count, picoseconds: picoseconds(moving: width + outputWidth),
                overwritableInputs: width == outputWidth ? [0] : []
            ) { frame, first, count in
                loop.call(frame.rawInput(0) + first &* width, frame.rawOutput() + first &* outputWidth, count)
            }
        }
        return Kernel("cast.truncating", scratchBytes: count &* source.stride) {
            cut.run($0, $0.rawInput(0), source.stride, $0.scratch, source.stride, count: count)
            loop.run($0, $0.scratch, source.stride, $0.rawOutput(), target.stride, count: count)
        }
    }

    /// One output element from one element of each of two broadcast inputs, of one dtype.
    ///
    /// - Parameters:
    ///   - formula: What is computed.
    ///   - dtype: The inputs' dtype.
    ///   - left: The shape of input 0 as it is aligned with the output.
    ///   - right: The shape of input 1 as it is aligned with the output.
    ///   - output: The shape that they broadcast to.
    ///   - result: The output's dtype.
    /// - Returns: nil if the formula has no loop for the dtype, or more than 8 axes are left to broadcast.
    package static func binary(
        _ formula: BinaryFormula, _ dtype: DataType, _ left: Shape, _ right: Shape, output: Shape, result: DataType
    ) -> Kernel? {
        guard let axes = BroadcastAxes(left, right, output: output) else { return nil }
        if dtype == .string { return strings(formula, axes) }
        guard let loop = Loop(ck_binary_loop(formula.code, dtype.rawValue)) else { return nil }
        guard output.elementCount > 0 else { return .nothing }
        var overwritable: [Int] = []
        if dtype.stride == result.stride {
            if axes.leftIsWhole { overwritable.append(0) }
            if axes.rightIsWhole { overwritable.append(1) }
        }
        let fault = formula.fault
        let table = axes.table(operandWidth: dtype.stride)
        let (width, outputWidth) = (dtype.stride, result.stride)
        let name = Name("elementwise", formula.name)
        let picoseconds = formula.picoseconds + picoseconds(moving: 2 * width + outputWidth)
        if axes.axes.count == 1 {
            let (count, leftStep, rightStep) = (table[0], table[1], table[2])
            return elements(name, count: count, picoseconds: picoseconds, overwritableInputs: overwritable) {
                frame, first, count in
                let failed = loop.call(
                    frame.rawInput(0) + first &* leftStep &* width, leftStep,
                    frame.rawInput(1) + first &* rightStep &* width, rightStep,
                    frame.rawOutput() + first &* outputWidth, count)
                if failed != 0 { frame.report(fault) }
            }
        }
        let broadcast = BroadcastLoop(loop: loop, table: table, width: width, outputWidth: outputWidth)
        let count = axes.elementCount
        guard let cut = broadcast.phase(count: count, picoseconds: picoseconds, fault) else {
            return Kernel(name, overwritableInputs: overwritable) { frame in
                if broadcast.run(frame, count: count) != 0 { frame.report(fault) }
            }
        }
        return Kernel(name, overwritableInputs: overwritable, phases: [cut])
    }

    /// The sum of two or more inputs of one shape and dtype.
    ///
    /// - Returns: nil if the dtype has no sum.
    package static func sum(inputCount: Int, _ dtype: DataType, count: Int) -> Kernel? {
        guard let loop = Loop(ck_binary_loop(CK_ADD, dtype.rawValue)) else { return nil }
        guard inputCount > 1 else { return .alias() }
        let width = dtype.stride
        return elements(
            "elementwise.sum", count: count, picoseconds: picoseconds(moving: 2 &* inputCount &* width),
            work: inputCount,
            overwritableInputs: [0, 1]
        ) { frame, first, count in
            let start = first &* width
            let output = frame.rawOutput() + start
            _ = loop.call(frame.rawInput(0) + start, 1, frame.rawInput(1) + start, 1, output, count)
            for index in 2..<max(2, inputCount) {
                _ = loop.call(output, 1, frame.rawInput(index) + start, 1, output, count)
            }
        }
    }

    /// One output element from one element of each of three inputs of one dtype.
    ///
    /// - Parameters:
    ///   - formula: What is computed.
    ///   - dtype: The inputs' dtype.
    ///   - repeats: For each input, whether it is one element that meets all others.
    ///   - result: The output's dtype.
    ///   - count: How many elements the output has.
    /// - Returns: nil if the formula has no loop for the dtype.
    package static func ternary(
        _ formula: TernaryFormula, _ dtype: DataType, repeats: (Bool, Bool, Bool), result: DataType, count: Int
    ) -> Kernel? {
        guard let loop = Loop(ck_ternary_loop(formula.code, dtype.rawValue)) else { return nil }
        let (width, outputWidth) = (dtype.stride, result.stride)
        let steps = (repeats.0 ? 0 : 1, repeats.1 ? 0 : 1, repeats.2 ? 0 : 1)
        let whole = [steps.0, steps.1, steps.2].enumerated().filter { $1 == 1 }.map(\.offset)
        let moved = (steps.0 + steps.1 + steps.2) * width + outputWidth
        // These functions may take a thousand steps an element.
        return elements(
            Name("elementwise", formula.name), count: count,
            picoseconds: formula.picoseconds + picoseconds(moving: moved), work: 64,
            overwritableInputs: dtype.stride == result.stride ? whole : []
        ) { frame, first, count in
            loop.call(
                frame.rawInput(0) + first &* steps.0 &* width, steps.0,
                frame.rawInput(1) + first &* steps.1 &* width, steps.1,
                frame.rawInput(2) + first &* steps.2 &* width, steps.2, frame.rawOutput() + first &* outputWidth, count)
        }
    }

    /// A formula of three operands, of which the third is a constant.
    ///
    /// - Parameters:
    ///   - formula: What is computed.
    ///   - dtype: The inputs' dtype.
    ///   - inputs: The first and the second operand.
    ///   - constant: The third operand, converted to the dtype.
    ///   - result: The output's dtype.
    ///   - count: How many elements each input has.
    /// - Returns: nil if the formula has no loop for the dtype.
    package static func ternary(
        _ formula: TernaryFormula, _ dtype: DataType, inputs: (Int, Int), constant: Float, result: DataType, count: Int
    ) -> Kernel? {
        guard let loop = Loop(ck_ternary_loop(formula.code, dtype.rawValue)),
            let convert = Loop(ck_cast_loop(DataType.float32.rawValue, dtype.rawValue))
        else { return nil }
        // Room for any element.
        var third = SIMD2<UInt64>()
        withUnsafePointer(to: constant) { constant in
            withUnsafeMutablePointer(to: &third) { convert.call(constant, $0, 1) }
        }
        let bytes = third
        let overwritable = Set([inputs.0, inputs.1]).sorted()
        let (width, outputWidth) = (dtype.stride, result.stride)
        return elements(
            Name("elementwise", formula.name), count: count,
            picoseconds: formula.picoseconds + picoseconds(moving: overwritable.count * width + outputWidth),
            overwritableInputs: dtype.stride == result.stride ? overwritable : []
        ) { frame, first, count in
            withUnsafeBytes(of: bytes) { third in
                loop.call(
                    frame.rawInput(inputs.0) + first &* width, 1, frame.rawInput(inputs.1) + first &* width, 1,
                    third.baseAddress, 0, frame.rawOutput() + first &* outputWidth, count)
            }
        }
    }

    /// The cross product of rows of three elements.
    ///
    /// - Returns: nil if the dtype has none.
    package static func cross(_ dtype: DataType, rows: Int) -> Kernel? {
        guard let loop = Loop(ck_cross_loop(dtype.rawValue)) else { return nil }
        let rowBytes = 3 &* dtype.stride
        return Kernel(overwritableInputs: [0, 1]) { frame in
            frame.inBlocks(of: rows, work: 3) { first, rows in
                let start = first &* rowBytes
                loop.call(frame.rawInput(0) + start, frame.rawInput(1) + start, frame.rawOutput() + start, rows)
            }
        }
    }

    /// Zero bytes: 0, false, empty strings.
    package static func zeros(byteCount: Int) -> Kernel { Kernel("zeros") { _ = memset($0.rawOutput(), 0, byteCount) } }

    /// Takes elements from input 1 where input 0 is true, else from input 2.
    ///
    /// - Parameters:
    ///   - dtype: The elements' dtype.
    ///   - rows: How many conditions there are.
    ///   - rowSize: How many elements each condition decides.
    /// - Returns: nil if elements have no width.
    package static func select(_ dtype: DataType, rows: Int, rowSize: Int) -> Kernel? {
        let width = dtype.stride
        guard let loop = Loop(ck_select_loop(Int32(width))) else { return nil }
        if rowSize == 1 {
            return elements(
                "elementwise.select", count: rows, picoseconds: picoseconds(moving: 1 + 3 * width),
                overwritableInputs: [1, 2]
            ) { frame, first, rows in
                let start = first &* width
                loop.call(
                    frame.input(0, as: UInt8.self) + first, frame.rawInput(1) + start, frame.rawInput(2) + start,
                    frame.rawOutput() + start, rows)
            }
        }
        let rowBytes = rowSize * width
        return .rows(
            "rows.select", count: rows, nanoseconds: max(1, rowBytes.saturatingProduct(80) / 1000), work: rowSize,
            overwritableInputs: [1, 2]
        ) { frame, first, count in
            let conditions = frame.input(0, as: UInt8.self)
            for row in first..<first + count {
                let source = frame.rawInput(conditions[row] != 0 ? 1 : 2) + row * rowBytes
                (frame.rawOutput() + row * rowBytes).copyMemory(from: source, byteCount: rowBytes)
            }
        }
    }
}
