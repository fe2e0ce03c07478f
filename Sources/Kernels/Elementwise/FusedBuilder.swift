internal import CKernels
package import Tensors

extension Kernel {
    /// Several elementwise formulas in one pass over the inputs.
    ///
    /// Each element is computed by the same loops as by kernels of single formulas, so that the results are the same.
    ///
    /// - Parameters:
    ///   - steps: The formulas. All but the last are operands of later ones; the last one gives the output.
    ///   - inputs: Dtypes and shapes of the inputs.
    ///   - tail: What is made of the rows of the last step's float32 result; nil for the result itself. Rows lie along the last axis, or, of a
    ///     normalisation, along those that it says.
    /// - Returns: nil if a step has no loop, or an input repeats in a way that has none.
    package static func fused(
        _ steps: [FusedStep], inputs: [(dtype: DataType, shape: Shape)], tail: FusedTail? = nil
    ) -> Kernel? {
        guard let last = steps.last else { return nil }
        guard last.shape.elementCount > 0 else { return .nothing }
        var builder = FusedBuilder(steps, inputs, tail)
        guard let program = builder.program() else { return nil }
        let tiles = (program.count + program.tile - 1) / program.tile
        let whole = inputs.indices.filter { inputs[$0].shape.elementCount == program.count }
        let moved = whole.reduce(last.result.stride) { $0 + inputs[$1].dtype.stride }
        let each = steps.reduce(picoseconds(moving: moved)) { $0 + $1.picoseconds } + (tail == nil ? 0 : 600)
        let nanoseconds = max(1, program.tile.saturatingProduct(each) / 1000)
        let size = max(1, loopUnitNanoseconds / nanoseconds)
        let phase = Phase(units: (tiles + size - 1) / size, unitNanoseconds: min(size, tiles) &* nanoseconds) {
            frame, units, own in
            program.run(frame, units.lowerBound &* size..<min(tiles, units.upperBound &* size), own)
        }
        // The last step of a tile writes the output, after all others have read what they need of it; the tail reads its inputs later.
        let later = tail?.inputs ?? []
        let overwritable = whole.filter { inputs[$0].dtype.stride == last.result.stride && !later.contains($0) }
        var names = steps.prefix(3).map(\.name)
        if steps.count > 3 { names.append("\(steps.count - 3) more") }
        if let tail { names.append(tail.name) }
        return Kernel(
            Name("fused", names.joined(separator: "+")), scratchBytesPerWorker: program.ownBytes,
            overwritableInputs: overwritable, phases: [phase])
    }
}

extension FusedTail {
    fileprivate var name: String {
        switch self {
        case .softmax: "softmax"
        case .layerNormalization: "layerNormalization"
        }
    }
}

/// Makes the program of a fused kernel: the tile's size, and where everything lies.
private struct FusedBuilder {
    let steps: [FusedStep]
    let inputs: [(dtype: DataType, shape: Shape)]
    let tail: FusedTail?
    let count: Int
    private var repetitions: [FusedProgram.Repetition] = []
    private var constants: [(place: Int, bytes: SIMD2<UInt64>)] = []
    private var ownBytes = 0
    /// For each step, the last one that reads its result.
    private var lastUses: [Int]

    /// Elements of a tile: some tiles of four bytes an element stay in the first cache.
    private static let usualTile = 2048
    /// A tile is at most as large, so that rows are not parted.
    private static let largestTile = 8192

    init(_ steps: [FusedStep], _ inputs: [(dtype: DataType, shape: Shape)], _ tail: FusedTail?) {
        self.steps = steps
        self.inputs = inputs
        self.tail = tail
        count = steps.last?.shape.elementCount ?? 0
        lastUses = Array(repeating: 0, count: steps.count)
        for (number, step) in steps.enumerated() {
            for case .step(let earlier) in step.operands { lastUses[earlier] = number }
        }
    }

    mutating func program() -> FusedProgram? {
        guard findRepetitions() else { return nil }
        var call: FusedProgram.TailCall?
        if let tail {
            guard let row = rowSize(of: tail), let made = FusedProgram.TailCall(tail, row: row) else { return nil }
            call = made
        }
        let tile = tileSize(row: call?.row ?? 1)
        var varying: [Bool] = []
        for index in repetitions.indices {
            varying.append(repetitions[index].period.map { tile % $0 != 0 } ?? true)
            repetitions[index].place = take(tile &* repetitions[index].width)
        }
        guard let instructions = instructions(tile) else { return nil }
        return FusedProgram(
            count: count, tile: tile, instructions: instructions,
            fixed: repetitions.indices.filter { !varying[$0] }.map { repetitions[$0] },
            varying: repetitions.indices.filter { varying[$0] }.map { repetitions[$0] },
            constants: constants, ownBytes: ownBytes, tail: call)
    }

    private mutating func take(_ bytes: Int) -> Int {
        defer { ownBytes += bytes.roundedUp(to: TensorStorage.alignment) }
        return ownBytes
    }

    /// Elements of a row that the tail treats as one.
    private func rowSize(of tail: FusedTail) -> Int? {
        guard let last = steps.last, last.result == .float32 else { return nil }
        let size =
            switch tail {
            case .softmax: last.shape.dimensions.last ?? 1
            case .layerNormalization(let norm): norm.count
            }
        return size > 0 && size <= Self.largestTile && count % size == 0 ? size : nil
    }

    /// Rows are not parted, and the tile is a multiple of as many periods as possible.
    private func tileSize(row: Int) -> Int {
        let width = max(4, steps.map { max($0.dtype.stride, $0.result.stride) }.max() ?? 4)
        let usual = Self.usualTile * 4 / width
        var unit = row
        for period in repetitions.compactMap(\.period).sorted() {
            let both = unit / Self.divisor(unit, period) * period
            if both <= max(usual, row) * 2 { unit = both }
        }
        return min(unit * max(1, usual / unit), max(count, 1))
    }

    /// The greatest common one.
    private static func divisor(_ one: Int, _ other: Int) -> Int {
        var (one, other) = (one, other)
        while other != 0 { (one, other) = (other, one % other) }
        return one
    }

    private mutating func findRepetitions() -> Bool {
        for step in steps {
            for case .input(let input) in step.operands {
                guard let axes = axes(of: input, step.shape) else { return false }
                guard axes.count > 2, repetition(input, axes) == nil else { continue }
                repetitions.append(
                    FusedProgram.Repetition(input: input, width: inputs[input].dtype.stride, axes: axes))
            }
        }
        return true
    }

    private func repetition(_ input: Int, _ axes: [Int]) -> FusedProgram.Repetition? {
        repetitions.first { $0.input == input && $0.axes == axes }
    }

    /// The axes of an input that is broadcast: none for one that is as large as the output, one for one of one element.
    private func axes(of input: Int, _ shape: Shape) -> [Int]? {
        let own = inputs[input].shape
        if own.elementCount == count { return [] }
        if own.elementCount == 1 { return [count, 0] }
        return BroadcastAxes(shape, own, output: shape)?.axes.flatMap { [$0.size, $0.right] }
    }

    private mutating func instructions(_ tile: Int) -> [FusedProgram.Instruction]? {
        var free: [Int] = []
        var slots = Array(repeating: 0, count: steps.count)
        let slotBytes = tile &* (steps.map(\.result.stride).max() ?? 0)
        var result: [FusedProgram.Instruction] = []
        for (number, step) in steps.enumerated() {
            guard let function = step.function else { return nil }
            var operands: [FusedProgram.Place] = []
            for operand in step.operands {
                guard let place = place(operand, of: step, slots) else { return nil }
                operands.append(place)
            }
            if case .leakyRelu(let alpha) = step.formula {
                guard let constant = constant(alpha, step.dtype) else { return nil }
                operands += [operands[0], constant]
            }
            // What is read here for the last time makes room for the result: a loop may write where it reads elements of one width.
            let dying = Set(
                step.operands.compactMap { operand -> Int? in
                    if case .step(let earlier) = operand, lastUses[earlier] == number { earlier } else { nil }
                })
            for earlier in dying where steps[earlier].result.stride == step.result.stride {
                free.append(slots[earlier])
            }
            let isLast = number == steps.count - 1
            if !isLast { slots[number] = free.popLast() ?? take(slotBytes) }
            for earlier in dying where steps[earlier].result.stride != step.result.stride {
                free.append(slots[earlier])
            }
            let first = operands[0]
            let target = FusedProgram.Place(
                kind: isLast ? .output : .own, number: slots[number], width: step.result.stride)
            result.append(
                FusedProgram.Instruction(
                    function: function,
                    operands: (
                        first, operands.count > 1 ? operands[1] : first, operands.count > 2 ? operands[2] : first
                    ),
                    result: target))
        }
        return result
    }

    private func place(
        _ operand: FusedStep.Operand, of step: FusedStep, _ slots: [Int]
    ) -> FusedProgram.Place? {
        switch operand {
        case .step(let earlier):
            return FusedProgram.Place(kind: .own, number: slots[earlier], width: steps[earlier].result.stride)
        case .input(let input):
            guard let axes = axes(of: input, step.shape) else { return nil }
            let width = inputs[input].dtype.stride
            guard !axes.isEmpty else { return FusedProgram.Place(kind: .input, number: input, width: width) }
            guard axes.count > 2 else { return FusedProgram.Place(kind: .single, number: input, width: width) }
            return repetition(input, axes).map { FusedProgram.Place(kind: .own, number: $0.place, width: width) }
        }
    }

    /// A number that is not an input, in a dtype.
    private mutating func constant(_ number: Float, _ dtype: DataType) -> FusedProgram.Place? {
        guard let convert = ck_cast_loop(DataType.float32.rawValue, dtype.rawValue) else { return nil }
        var bytes = SIMD2<UInt64>()
        withUnsafePointer(to: number) { number in
            withUnsafeMutablePointer(to: &bytes) { convert(number, $0, 1) }
        }
        let place = take(MemoryLayout<SIMD2<UInt64>>.size)
        constants.append((place, bytes))
        return FusedProgram.Place(kind: .own, number: place, width: dtype.stride, isConstant: true)
    }
}
