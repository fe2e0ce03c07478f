internal import Tensors

extension Kernel {
    /// A kernel over images whose channels come first, made of one over images whose channels come last: they are turned before it, and its
    /// result after it.
    ///
    /// - Parameters:
    ///   - input: The number of the input that holds the images.
    ///   - inputCount: How many inputs the kernel has. It has one output.
    ///   - images: The dimensions of the images, channels first.
    ///   - output: Those of the result.
    ///   - width: Bytes of an element.
    /// - Returns: The kernel.
    package func turningImages(
        input: Int, of inputCount: Int, _ images: [Int], output: [Int], width: Int
    ) -> Kernel {
        let turn = ImageTurning(images, width: width)
        let turnBack = ImageTurning(output, width: width)
        let resultOffset = turn.byteCount.roundedUp(to: TensorStorage.alignment)
        let ownOffset = resultOffset &+ turnBack.byteCount.roundedUp(to: TensorStorage.alignment)
        let inner = innerPhases.map { phase in
            Phase(units: phase.units, unitNanoseconds: phase.unitNanoseconds) { frame, units, own in
                frame.replacing(
                    input: input, of: inputCount, with: frame.scratch, output: frame.scratch + resultOffset,
                    scratch: frame.scratch + ownOffset
                ) { phase.body($0, units, own) }
            }
        }
        let first = CopyUnits(turn.toLast).phase(
            from: { frame, _ in frame.rawInput(input) }, to: { frame, _ in frame.scratch })
        let last = CopyUnits(turnBack.toFirst).phase(
            from: { frame, _ in UnsafeRawPointer(frame.scratch + resultOffset) }, to: { frame, _ in frame.rawOutput() })
        let (shared, perWorker) = innerScratch
        return Kernel(
            name, scratchBytes: ownOffset &+ shared, scratchBytesPerWorker: perWorker, phases: [first] + inner + [last])
    }

    private var innerPhases: [Phase] {
        switch work {
        case .compute(let body): [Phase(body)]
        case .cut(let cut): cut.phases
        case .alias: []
        }
    }

    /// Bytes that all workers share, and that each has for himself.
    private var innerScratch: (shared: Int, perWorker: Int) {
        if case .cut(let cut) = work, cut.scratchBytesPerWorker > 0 {
            (cut.ownOffset, cut.scratchBytesPerWorker)
        } else {
            (scratchBytes, 0)
        }
    }
}

/// Copies of images between two orders of their axes.
private struct ImageTurning {
    let byteCount: Int
    private let batch: Int
    private let channels: Int
    private let pixels: Int
    private let width: Int

    /// - `dimensions`: Channels first.
    init(_ dimensions: [Int], width: Int) {
        batch = dimensions[0]
        channels = dimensions[1]
        pixels = dimensions[2] &* dimensions[3]
        self.width = width
        byteCount = batch &* channels &* pixels &* width
    }

    var toLast: [CopyUnits.Move] { moves(StridedCopy(transposing: channels, pixels, width: width)) }
    var toFirst: [CopyUnits.Move] { moves(StridedCopy(transposing: pixels, channels, width: width)) }

    private func moves(_ copy: StridedCopy) -> [CopyUnits.Move] {
        let bytes = channels &* pixels &* width
        return (0..<batch).map { CopyUnits.Move(copy: copy, source: $0 &* bytes, destination: $0 &* bytes) }
    }
}

extension KernelFrame {
    /// Calls `body` with the frame of the same call, of which one input and the output lie elsewhere.
    fileprivate func replacing(
        input: Int, of inputCount: Int, with memory: UnsafeMutableRawPointer, output: UnsafeMutableRawPointer,
        scratch: UnsafeMutableRawPointer, _ body: (KernelFrame) -> Void
    ) {
        withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer.self, capacity: inputCount + 1) { values in
            withUnsafeTemporaryAllocation(of: Int32.self, capacity: inputCount + 1) { operands in
                for index in 0..<inputCount {
                    values.initializeElement(at: index, to: index == input ? memory : rawOperand(index))
                    operands.initializeElement(at: index, to: Int32(index))
                }
                values.initializeElement(at: inputCount, to: output)
                operands.initializeElement(at: inputCount, to: Int32(inputCount))
                guard let values = values.baseAddress, let operands = operands.baseAddress else { return }
                body(with(values: values, operands: operands, inputCount: inputCount, scratch: scratch))
            }
        }
    }
}
