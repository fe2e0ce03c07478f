/// The memory that a kernel works on in one call: its inputs, its outputs, its scratch.
///
/// Valid only during the call. Shapes are not here: a kernel is made for its shapes.
// Safety: made by whoever runs kernels, over tables that outlive the call; indices are those of the op's own signature.
package struct KernelFrame {
    /// The memory of every value of the run.
    private let values: UnsafePointer<UnsafeMutableRawPointer>
    /// Which of them are this kernel's: the inputs, then the outputs.
    private let operands: UnsafePointer<Int32>
    private let inputCount: Int
    /// As many bytes as ``Kernel/scratchBytes`` says, on a 64-byte boundary. All workers of a call share it.
    package let scratch: UnsafeMutableRawPointer
    private let state: UnsafeMutablePointer<RunState>

    init(
        values: UnsafePointer<UnsafeMutableRawPointer>, operands: UnsafePointer<Int32>, inputCount: Int,
        scratch: UnsafeMutableRawPointer, state: UnsafeMutablePointer<RunState>
    ) {
        self.values = values
        self.operands = operands
        self.inputCount = inputCount
        self.scratch = scratch
        self.state = state
    }

    /// The elements of input number `index`.
    package func input<Element: BitwiseCopyable>(_ index: Int, as type: Element.Type = Element.self) -> UnsafePointer<
        Element
    > {
        UnsafePointer(values[Int(operands[index])].assumingMemoryBound(to: Element.self))
    }

    /// The bytes of input number `index`.
    package func rawInput(_ index: Int) -> UnsafeRawPointer { UnsafeRawPointer(values[Int(operands[index])]) }

    /// The elements of output number `index`, not initialised.
    package func output<Element: BitwiseCopyable>(
        _ index: Int = 0, as type: Element.Type = Element.self
    ) -> UnsafeMutablePointer<Element> {
        values[Int(operands[inputCount + index])].assumingMemoryBound(to: Element.self)
    }

    /// The bytes of output number `index`, not initialised.
    package func rawOutput(_ index: Int = 0) -> UnsafeMutableRawPointer { values[Int(operands[inputCount + index])] }

    /// The bytes of operand number `index`: inputs, then outputs.
    func rawOperand(_ index: Int) -> UnsafeMutableRawPointer { values[Int(operands[index])] }

    /// The frame of the same call over other memory.
    func with(
        values: UnsafePointer<UnsafeMutableRawPointer>, operands: UnsafePointer<Int32>, inputCount: Int,
        scratch: UnsafeMutableRawPointer
    ) -> KernelFrame {
        KernelFrame(values: values, operands: operands, inputCount: inputCount, scratch: scratch, state: state)
    }

    /// The frame of the same call for another worker, who has a state of his own.
    func with(state: UnsafeMutablePointer<RunState>) -> KernelFrame {
        KernelFrame(values: values, operands: operands, inputCount: inputCount, scratch: scratch, state: state)
    }

    /// Notes a fault of the data; the run ends with it after this kernel. The outputs must be defined all the same.
    ///
    /// Of a kernel that is cut, the fault of the lowest unit counts, and of a unit the first one.
    package func report(_ fault: Fault.Kind) { state.pointee.report(fault) }

    /// Whether the run ends after this kernel.
    var hasFault: Bool { state.pointee.fault != nil }

    /// The state of the worker whose frame it is.
    var workerState: UnsafeMutablePointer<RunState> { state }

    /// Whether the run's time is over: then the kernel returns as soon as it can, whatever its outputs are. The run ends after it.
    ///
    /// Cheap enough for a loop over rows: the clock is looked at when enough work has come together.
    ///
    /// - `work`: How much was done, or is about to be done, since the last call: about as many as there are elements to read.
    @inline(__always)
    package func isOver(after work: Int) -> Bool { state.pointee.isOver(after: work) }

    /// Calls `body` for blocks of elements one after another, until the run's time is over.
    ///
    /// - Parameters:
    ///   - count: How many elements there are.
    ///   - work: How much work an element is.
    ///   - body: Takes the first element of a block and how many it has: all but the last have a multiple of 64.
    @inline(__always)
    package func inBlocks(of count: Int, work: Int = 1, _ body: (_ first: Int, _ count: Int) -> Void) {
        inBlocks(of: 0..<count, work: work, body)
    }

    /// Calls `body` for blocks of some elements one after another, until the run's time is over.
    ///
    /// - Parameters:
    ///   - elements: Which elements.
    ///   - work: How much work an element is.
    ///   - body: Takes the first element of a block and how many it has: all but the last have a multiple of 64.
    @inline(__always)
    package func inBlocks(of elements: Range<Int>, work: Int = 1, _ body: (_ first: Int, _ count: Int) -> Void) {
        let size = RunState.lookWork / max(1, min(work, RunState.lookWork / 64)) & ~63
        var first = elements.lowerBound
        let count = elements.upperBound &- first
        guard count > size else {
            body(first, count)
            return _ = isOver(after: count &* min(work, RunState.lookWork))
        }
        while first < elements.upperBound {
            let block = min(size, elements.upperBound - first)
            body(first, block)
            first += block
            if isOver(after: RunState.lookWork) { return }
        }
    }

    /// Calls `body` for blocks of rows one after another, until the run's time is over.
    ///
    /// - Parameters:
    ///   - count: How many rows there are.
    ///   - work: How much work a row is: about as many as it has elements.
    ///   - body: Takes the first row of a block and how many it has.
    @inline(__always)
    package func inBlocks(ofRows count: Int, work: Int, _ body: (_ first: Int, _ count: Int) -> Void) {
        inBlocks(ofRows: 0..<count, work: work, body)
    }

    /// Calls `body` for blocks of some rows one after another, until the run's time is over.
    ///
    /// - Parameters:
    ///   - rows: Which rows.
    ///   - work: How much work a row is: about as many as it has elements.
    ///   - body: Takes the first row of a block and how many it has.
    @inline(__always)
    package func inBlocks(ofRows rows: Range<Int>, work: Int, _ body: (_ first: Int, _ count: Int) -> Void) {
        let size = max(1, RunState.lookWork / max(1, work))
        var first = rows.lowerBound
        let count = rows.upperBound &- first
        guard count > size else {
            body(first, count)
            return _ = isOver(after: min(RunState.lookWork, count &* min(work, RunState.lookWork)))
        }
        while first < rows.upperBound {
            let block = min(size, rows.upperBound - first)
            body(first, block)
            first += block
            if isOver(after: RunState.lookWork) { return }
        }
    }

    /// Calls `body` for each element, until the run's time is over.
    ///
    /// - Parameters:
    ///   - count: How many elements there are.
    ///   - work: How much work an element is.
    ///   - body: Takes an element's number.
    @inline(__always)
    package func eachElement(of count: Int, work: Int = 1, _ body: (Int) -> Void) {
        inBlocks(of: count, work: work) { first, count in
            for index in first..<first + count { body(index) }
        }
    }

    /// Memory for the bytes of a new string, valid until the run's outputs have been taken.
    package func allocateString(byteCount: Int) -> UnsafeMutableRawPointer? {
        state.pointee.allocate(byteCount: byteCount)
    }
}
