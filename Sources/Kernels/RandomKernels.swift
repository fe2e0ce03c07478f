internal import CKernels
internal import Synchronization
package import Tensors

/// A stream of random numbers, TensorFlow's own for the same seeds, which every run of a node goes on with.
///
/// Runs at once on many threads take different parts of the stream.
package final class RandomStream: Sendable {
    private let key: UInt64
    private let upper: UInt64
    private let nextBlock = Atomic<UInt64>(0)

    /// TensorFlow sets aside that many blocks for each number.
    private static let blocksPerNumber: UInt64 = 256

    /// - Parameters:
    ///   - seed: The op's attribute.
    ///   - seed2: The op's attribute. If both are 0, seeds are made up.
    package init(seed: Int, seed2: Int) {
        var generator = SystemRandomNumberGenerator()
        let isSeeded = seed != 0 || seed2 != 0
        key = isSeeded ? UInt64(bitPattern: Int64(seed)) : generator.next()
        upper = isSeeded ? UInt64(bitPattern: Int64(seed2)) : generator.next()
    }

    fileprivate func fill(float32 output: UnsafeMutablePointer<Float>, count: Int) {
        ck_uniform_f32(key, upper, reserve(count), output, count)
    }

    fileprivate func fill(float64 output: UnsafeMutablePointer<Double>, count: Int) {
        ck_uniform_f64(key, upper, reserve(count), output, count)
    }

    private func reserve(_ count: Int) -> UInt64 {
        nextBlock.wrappingAdd(UInt64(count) &* Self.blocksPerNumber, ordering: .relaxed).oldValue
    }
}

extension Kernel {
    /// Numbers from [0, 1), all equally likely.
    ///
    /// - Returns: nil if the dtype is not float32 or float64.
    package static func uniform(_ dtype: DataType, count: Int, from stream: RandomStream) -> Kernel? {
        switch dtype {
        case .float32: Kernel { stream.fill(float32: $0.output(), count: count) }
        case .float64: Kernel { stream.fill(float64: $0.output(), count: count) }
        default: nil
        }
    }
}
