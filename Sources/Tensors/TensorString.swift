// Safety: the bytes never change while a tensor refers to them; the tensor's creator keeps them alive.
/// An element of a string tensor: the address and length of its bytes. Plain data, so that kernels move strings like numbers.
///
/// The tensor's storage, or the run that computes the tensor, owns the bytes.
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
