internal import CKernels
package import Tensors

/// How floating point numbers are spread.
package enum RandomDistribution: Sendable, Hashable {
    /// From [0, 1), all equally likely.
    case uniform
    /// Of mean 0 and deviation 1.
    case normal
    /// The same without those of 2 and more, on either side.
    case truncatedNormal

    func loop(_ dtype: DataType) -> Loop<ck_random_fn>? {
        switch self {
        case .uniform: Loop(ck_uniform_loop(dtype.rawValue))
        case .normal: Loop(ck_normal_loop(dtype.rawValue))
        case .truncatedNormal: Loop(ck_truncated_normal_loop(dtype.rawValue))
        }
    }
}

extension Kernel {
    /// Numbers that follow a distribution.
    ///
    /// - Returns: nil for a dtype that is not floating.
    package static func random(
        _ distribution: RandomDistribution, _ dtype: DataType, count: Int, from place: RandomPlace
    ) -> Kernel? {
        guard let loop = distribution.loop(dtype) else { return nil }
        let width = dtype.stride
        // How many blocks of the stream 64 numbers take.
        let stride = distribution == .truncatedNormal ? 4096 : dtype == .float64 ? 32 : 16
        return Kernel { frame in
            let begin = place.begin(frame, numbers: count)
            frame.inBlocks(of: count, work: 8) { first, count in
                var at = begin
                let (lower, overflow) = begin.lower.addingReportingOverflow(UInt64(first / 64 &* stride))
                at.lower = lower
                if overflow { at.upper &+= 1 }
                loop.call(at, frame.rawOutput() + first &* width, count)
            }
        }
    }

    /// Whole numbers from [low, high), or of the dtype's whole range.
    ///
    /// - Parameters:
    ///   - dtype: int32 or int64; for the whole range also unsigned.
    ///   - count: How many.
    ///   - bounds: The input that has `low`; the next one has `high`. A range without numbers is a fault.
    ///   - place: Where they come from.
    /// - Returns: nil for another dtype.
    package static func randomIntegers(
        _ dtype: DataType, count: Int, bounds: Int?, from place: RandomPlace
    ) -> Kernel? {
        switch dtype {
        case .int32, .uint32:
            return Kernel { frame in
                let bounds = Self.bounds(frame, bounds, Int32.self)
                let range = UInt32(bitPattern: bounds.high &- bounds.low)
                ck_uniform_int32(
                    place.begin(frame, numbers: count), UInt32(bitPattern: bounds.low), range, frame.output(), count)
            }
        case .int64, .uint64:
            return Kernel { frame in
                let bounds = Self.bounds(frame, bounds, Int64.self)
                let range = UInt64(bitPattern: bounds.high &- bounds.low)
                ck_uniform_int64(
                    place.begin(frame, numbers: count), UInt64(bitPattern: bounds.low), range, frame.output(), count)
            }
        default: return nil
        }
    }

    private static func bounds<Element: FixedWidthInteger & BitwiseCopyable>(
        _ frame: KernelFrame, _ input: Int?, _ type: Element.Type
    ) -> (low: Element, high: Element) {
        guard let input else { return (0, 0) }
        let (low, high) = (frame.input(input, as: type)[0], frame.input(input + 1, as: type)[0])
        guard low < high else {
            frame.report(.other("Need minval < maxval"))
            return (0, 0)
        }
        return (low, high)
    }

    /// The slices of input 0 along its first axis in an order by chance.
    ///
    /// - Parameters:
    ///   - count: The size of the axis.
    ///   - rowBytes: Of a slice.
    ///   - place: Where the order comes from.
    /// - Returns: nil if there are too many slices.
    package static func shuffle(count: Int, rowBytes: Int, from place: RandomPlace) -> Kernel? {
        let (scratchBytes, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Int64>.stride)
        guard !overflow else { return nil }
        return Kernel(scratchBytes: scratchBytes) { frame in
            let order = frame.scratch.bindMemory(to: Int64.self, capacity: count)
            // Four words a block, and one fewer than there are slices.
            ck_shuffle(place.begin(frame, blockCount: (count &+ 2) / 4), order, count)
            var output = frame.rawOutput()
            for index in 0..<count {
                output.copyShort(from: frame.rawInput(0) + Int(order[index]) &* rowBytes, byteCount: rowBytes)
                output += rowBytes
            }
        }
    }

    /// For each row of logits, input 0, classes by chance.
    ///
    /// - Returns: nil for dtypes that have no loop.
    package static func multinomial(
        _ dtype: DataType, output: DataType, rows: Int, classes: Int, samples: Int, from place: RandomPlace
    ) -> Kernel? {
        guard dtype.isFloating, output == .int32 || output == .int64, classes <= Int.max / 64 else { return nil }
        let numbers = rows &* ((samples &+ 3) / 4 &* 4) &* 2
        return Kernel(scratchBytes: classes * MemoryLayout<Double>.stride) { frame in
            ck_multinomial(
                place.begin(frame, numbers: numbers), dtype.rawValue, frame.rawInput(0), output.rawValue,
                frame.rawOutput(), rows, classes, samples,
                frame.scratch.bindMemory(to: Double.self, capacity: classes))
        }
    }

    /// A kind of numbers that each element of a tensor of parameters has its own distribution of.
    package enum ParameterizedNumbers: Sendable, Hashable {
        /// Of scale 1; the parameter is the shape.
        case gamma
        /// The parameter is the rate.
        case poisson
    }

    /// `samples` numbers for each of `count` parameters: output[s, c].
    ///
    /// - Parameters:
    ///   - numbers: Their kind.
    ///   - dtype: The parameters'.
    ///   - output: The numbers'.
    ///   - count: How many parameters there are.
    ///   - samples: How many numbers for each.
    ///   - input: The parameters.
    ///   - place: Where they come from.
    /// - Returns: nil for dtypes that have no loop.
    package static func parameterized(
        _ numbers: ParameterizedNumbers, _ dtype: DataType, output: DataType, count: Int, samples: Int, input: Int,
        from place: RandomPlace
    ) -> Kernel? {
        switch numbers {
        case .gamma:
            guard dtype.isFloating, dtype == output else { return nil }
            return Kernel { frame in
                ck_gamma(
                    place.begin(frame, numbers: count &* samples), dtype.rawValue, frame.rawInput(input), count,
                    samples, frame.rawOutput())
            }
        case .poisson:
            let isRate = dtype.isFloating || dtype == .int32 || dtype == .int64
            guard isRate, output.isFloating || output == .int32 || output == .int64 else { return nil }
            return Kernel { frame in
                ck_poisson(
                    place.begin(frame, numbers: count &* samples), dtype.rawValue, frame.rawInput(input), count,
                    samples, output.rawValue, frame.rawOutput())
            }
        }
    }

    /// Normally distributed numbers between bounds.
    ///
    /// Inputs 1 to 4 are the means, deviations, least and largest numbers, one for each batch or one for all.
    ///
    /// - Parameters:
    ///   - dtype: float32 or float64.
    ///   - count: How many numbers.
    ///   - batch: How many of them have the same parameters.
    ///   - isShared: Which inputs are for all batches.
    ///   - place: Where they come from.
    /// - Returns: nil for another dtype.
    package static func boundedNormals(
        _ dtype: DataType, count: Int, batch: Int, isShared: [Bool], from place: RandomPlace
    ) -> Kernel? {
        guard let loop = Loop(ck_bounded_normal_loop(dtype.rawValue)) else { return nil }
        let steps = isShared.map { $0 ? 0 : 1 }
        let batches = batch == 0 ? 0 : (count &+ batch &- 1) / batch
        // Two numbers a try, at most 1000 tries.
        let blockCount = batches &* 2000 &* (batch &+ 3) / 4
        return Kernel { frame in
            var parameters = ck_truncation(
                means: frame.rawInput(1), deviations: frame.rawInput(2), least: frame.rawInput(3),
                most: frame.rawInput(4), mean_step: steps[0], deviation_step: steps[1], min_step: steps[2],
                max_step: steps[3], batch: batch, count: count)
            if !loop.call(place.begin(frame, blockCount: blockCount), &parameters, frame.rawOutput()) {
                frame.report(.other("Invalid parameters"))
            }
        }
    }
}

extension Kernel {
    /// A place as it is: the key, the counter and, where asked for, the number of the algorithm.
    package static func place(of place: RandomPlace, algorithm: Bool) -> Kernel {
        Kernel { frame in
            let from = place.begin(frame, blockCount: 0)
            frame.output(0)[0] = from.key
            let counter = frame.output(1, as: UInt64.self)
            counter[0] = from.lower
            counter[1] = from.upper
            if algorithm { frame.output(2)[0] = Int32(1) }
        }
    }
}
