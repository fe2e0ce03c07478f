// Safety: the bytes are never changed while a tensor refers to them; whoever makes the tensor keeps them alive.
/// An element of a string tensor: where its bytes are. Plain data, so that kernels move strings as they move numbers.
///
/// The bytes belong to whatever keeps the tensor alive (its storage, or the run that computes it).
public struct TensorString: @unchecked Sendable, BitwiseCopyable {
    package let start: UnsafePointer<UInt8>?
    package let count: Int

    package init(start: UnsafePointer<UInt8>?, count: Int) {
        self.start = start
        self.count = count
    }

    /// The bytes, valid as long as the tensor.
    package var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: start, count: count) }
}
