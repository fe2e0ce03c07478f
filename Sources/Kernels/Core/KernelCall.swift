internal import Tensors
package import Threads

/// A call of a kernel: the one place where its frame is set up.
// Safety: made by whoever runs kernels, over tables and memory that outlive the call.
package struct KernelCall {
    private let frame: KernelFrame

    /// - Parameters:
    ///   - values: The memory of every value of the run.
    ///   - operands: Which of them are the kernel's: the inputs, then the outputs.
    ///   - inputCount: How many of the operands are inputs.
    ///   - scratch: As many bytes as ``Kernel/scratchBytes`` says, on a 64-byte boundary.
    ///   - state: Of the calling thread. A fault is noted there.
    package init(
        values: UnsafePointer<UnsafeMutableRawPointer>, operands: UnsafePointer<Int32>, inputCount: Int,
        scratch: UnsafeMutableRawPointer, state: UnsafeMutablePointer<RunState>
    ) {
        frame = KernelFrame(values: values, operands: operands, inputCount: inputCount, scratch: scratch, state: state)
    }

    /// Computes on this thread.
    package func run(_ body: Kernel.Body) { body(frame) }

    /// Computes on this thread, and on those of helpers where that pays.
    ///
    /// - Parameters:
    ///   - cut: The kernel.
    ///   - workers: Of the run.
    ///   - helpers: Where helpers come from; nil for none.
    package func run(_ cut: Kernel.Cut, _ workers: KernelWorkers, _ helpers: (any HelperSource)?) {
        if let helpers { workers.run(cut, frame, helpers) } else { cut.run(frame) }
    }
}

extension Kernel {
    /// Runs the kernel by itself, outside of any plan.
    ///
    /// Strings that it makes are valid during `take`.
    ///
    /// - Parameters:
    ///   - inputs: The memory of the inputs.
    ///   - outputs: The memory of the outputs, which are defined afterwards, also if there is a fault.
    ///   - account: Counts what the kernel takes; the caller has counted the scratch memory.
    ///   - helpers: Where helpers come from; nil for none.
    ///   - workers: What helpers need; nil for this call alone.
    ///   - take: Called where there was no fault.
    /// - Throws: The ``Fault`` that the kernel reports, or for want of memory.
    package func run(
        _ inputs: [UnsafeMutableRawPointer], _ outputs: [UnsafeMutableRawPointer],
        _ account: RunAccount = RunAccount(), helpers: (any HelperSource)? = nil,
        workers: KernelWorkers? = nil, _ take: () throws -> Void
    ) throws {
        guard let scratch = TensorStorage(byteCount: scratchBytes) else {
            throw Fault(.outOfMemory(byteCount: scratchBytes))
        }
        // Strings that helpers made are in the memory of the workers.
        let workers = workers ?? KernelWorkers(account)
        defer { withExtendedLifetime(workers) {} }
        let values = inputs + outputs
        let operands = (0..<Int32(values.count)).map { $0 }
        var state = RunState(account)
        // Safety: the tables and the scratch outlive the call; the caller keeps the operands.
        values.withUnsafeBufferPointer { values in
            operands.withUnsafeBufferPointer { operands in
                guard let values = values.baseAddress, let operands = operands.baseAddress else { return }
                withUnsafeMutablePointer(to: &state) { state in
                    let call = KernelCall(
                        values: values, operands: operands, inputCount: inputs.count, scratch: scratch.baseAddress,
                        state: state)
                    switch work {
                    case .compute(let body): call.run(body)
                    case .cut(let cut): call.run(cut, workers, helpers)
                    case .alias: return
                    }
                }
            }
        }
        withExtendedLifetime(scratch) {}
        if let fault = state.fault { throw fault }
        try take()
    }
}
