internal import CKernels
internal import Synchronization
package import Tensors

/// A stream of random numbers, TensorFlow's own for the same seeds, which every run of a node goes on with.
///
/// Runs at once on many threads take different parts of the stream. No two streams are equal.
package final class RandomStream: Sendable, Hashable {
    private let key: UInt64
    private let upper: UInt64
    private let nextBlock = Atomic<UInt64>(0)

    /// - Parameters:
    ///   - seed: The op's attribute.
    ///   - seed2: The op's attribute. If both are 0, seeds are made up.
    package init(seed: Int, seed2: Int) {
        var generator = SystemRandomNumberGenerator()
        let isSeeded = seed != 0 || seed2 != 0
        key = isSeeded ? UInt64(bitPattern: Int64(seed)) : generator.next()
        upper = isSeeded ? UInt64(bitPattern: Int64(seed2)) : generator.next()
    }

    fileprivate func reserve(_ blockCount: UInt64) -> ck_philox {
        let first = nextBlock.wrappingAdd(blockCount, ordering: .relaxed).oldValue
        return ck_philox(key: key, upper: upper, lower: first)
    }

    package static func == (left: RandomStream, right: RandomStream) -> Bool { left === right }

    package func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

/// Where a node's random numbers come from.
package enum RandomSource: Sendable, Hashable {
    /// From a stream of its own: each run gives others.
    case stream(RandomStream)
    /// From two seeds, an input of two int32 or int64: equal seeds give equal numbers.
    case seeds(input: Int)
    /// From a place in a stream: a key, an input of one uint64, and a counter, the next input, of two.
    case place(input: Int)

    /// Where the numbers of a call begin.
    ///
    /// - `frame`: Of the call.
    /// - `blockCount`: How much of the stream the call takes.
    /// - `seedType`: The dtype of the seeds.
    func begin(_ frame: KernelFrame, blockCount: Int, _ seedType: DataType?) -> ck_philox {
        switch self {
        case .stream(let stream): return stream.reserve(UInt64(bitPattern: Int64(blockCount)))
        case .seeds(let input):
            if seedType == .int32 {
                let seeds = frame.input(input, as: Int32.self)
                return ck_philox_of_seeds(UInt64(bitPattern: Int64(seeds[0])), UInt64(bitPattern: Int64(seeds[1])))
            }
            let seeds = frame.input(input, as: UInt64.self)
            return ck_philox_of_seeds(seeds[0], seeds[1])
        case .place(let input):
            let counter = frame.input(input + 1, as: UInt64.self)
            return ck_philox(key: frame.input(input, as: UInt64.self)[0], upper: counter[1], lower: counter[0])
        }
    }
}

/// A source, and the dtype of its seeds.
package struct RandomPlace: Sendable {
    private let source: RandomSource
    private let seedType: DataType?

    package init(_ source: RandomSource, seedType: DataType? = nil) {
        self.source = source
        self.seedType = seedType
    }

    func begin(_ frame: KernelFrame, blockCount: Int) -> ck_philox {
        source.begin(frame, blockCount: blockCount, seedType)
    }

    /// TensorFlow sets aside that many blocks for each number.
    static let blocksPerNumber = 256

    /// As ``begin(_:blockCount:)``, for a count of numbers.
    func begin(_ frame: KernelFrame, numbers count: Int) -> ck_philox {
        begin(frame, blockCount: count &* Self.blocksPerNumber)
    }
}
