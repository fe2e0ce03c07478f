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
    /// As many bytes as ``Kernel/scratchBytes`` says, on a 64-byte boundary.
    package let scratch: UnsafeMutableRawPointer
    private let state: UnsafeMutablePointer<RunState>

    package init(
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

    /// Notes a fault of the data; the run ends with it after this kernel. The outputs must be defined all the same.
    package func report(_ fault: Fault.Kind) { state.pointee.report(fault) }

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
        let size = RunState.lookWork / max(1, min(work, RunState.lookWork / 64)) & ~63
        guard count > size else {
            body(0, count)
            return _ = isOver(after: count &* min(work, RunState.lookWork))
        }
        var first = 0
        while first < count {
            let block = min(size, count - first)
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
        let size = max(1, RunState.lookWork / max(1, work))
        guard count > size else {
            body(0, count)
            return _ = isOver(after: min(RunState.lookWork, count &* min(work, RunState.lookWork)))
        }
        var first = 0
        while first < count {
            let block = min(size, count - first)
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

/// How an op computes its outputs for given dtypes, shapes and constant values.
///
/// The body does not throw, allocate, log, lock or wait. It is called from many threads at once, each with its own frame.
package struct Kernel: Sendable {
    /// Computes the outputs.
    package typealias Body = @Sendable (KernelFrame) -> Void

    /// What there is to do.
    package enum Work: Sendable {
        /// Run the body.
        case compute(Body)
        /// Nothing: output 0 is input number `input`, its bytes unchanged (perhaps under another shape).
        case alias(input: Int)
    }

    /// What there is to do.
    package let work: Work
    /// Bytes of temporary memory that the body needs.
    package var scratchBytes = 0
    /// Inputs whose memory output 0 may take over when nobody reads them afterwards: element `i` of the output is written
    /// only after element `i` of the input, of the same width, has been read for the last time.
    package var overwritableInputs: [Int] = []

    /// A kernel that computes.
    package init(scratchBytes: Int = 0, overwritableInputs: [Int] = [], _ body: @escaping Body) {
        work = .compute(body)
        self.scratchBytes = scratchBytes
        self.overwritableInputs = overwritableInputs
    }

    /// A kernel that does nothing, for outputs without elements.
    package static let nothing = Kernel { _ in }

    private init(work: Work) { self.work = work }

    /// A kernel that hands on an input's memory.
    package static func alias(input: Int = 0) -> Kernel { Kernel(work: .alias(input: input)) }
}
