internal import Kernels
internal import Tensors

// What ops that compute on whole tensors have in common: making their results.

extension Tensor {
    /// A vector of whole numbers as int32 or int64; they must fit.
    static func vector(_ numbers: [Int], as dtype: DataType) throws(OpError) -> Tensor {
        try made(
            dtype == .int32 ? Tensor(numbers.map { Int32(truncatingIfNeeded: $0) }) : Tensor(numbers.map(Int64.init)))
    }

    /// A tensor that there must be enough memory for.
    ///
    /// - Throws: `resourceExhausted` if it is nil.
    static func made(_ tensor: Tensor?) throws(OpError) -> Tensor {
        guard let tensor else { throw OpError(.resourceExhausted, "not enough memory for an output") }
        return tensor
    }

    /// The blocks of `byteCount` bytes that numbers name, one behind another; strings own their bytes.
    ///
    /// - `blocks`: Each within the tensor.
    /// - `shape`: Of the result: as many bytes as the blocks have together.
    ///
    /// Throws `resourceExhausted` if memory is short.
    func taking(
        _ blocks: [Int], byteCount: Int, shape: [Int], _ account: RunAccount
    ) throws(OpError) -> Tensor {
        guard let shape = Shape(shape) else {
            throw OpError(.resourceExhausted, "an output would have the shape \(shape)")
        }
        let taken = try account.tensor(dtype, shape) { memory in
            withUnsafeBytes { source in
                guard let from = source.baseAddress, let to = memory.baseAddress else { return }
                for (number, block) in blocks.enumerated()
                where (block + 1) * byteCount <= source.count && (number + 1) * byteCount <= memory.count {
                    (to + number * byteCount).copyMemory(from: from + block * byteCount, byteCount: byteCount)
                }
            }
        }
        return try account.owningStrings(taken)
    }
}

extension UnsafeMutableRawBufferPointer {
    /// Fills the memory with a tensor again and again, each copy twice as long as the one before.
    func fill(repeating tensor: Tensor) {
        let width = tensor.byteCount
        guard width > 0, count >= width, let start = baseAddress else { return }
        tensor.withUnsafeBytes { copyMemory(from: $0) }
        var filled = width
        while filled < count {
            let part = Swift.min(filled, count - filled)
            (start + filled).copyMemory(from: start, byteCount: part)
            filled += part
        }
    }
}
