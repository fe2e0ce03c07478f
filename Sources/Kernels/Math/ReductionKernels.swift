internal import CKernels
package import Tensors

/// How many elements become one.
package struct Reduction: Hashable, Sendable {
    fileprivate let code: UInt32
    fileprivate let isMean: Bool
    fileprivate let isNorm: Bool

    private init(_ reduction: ck_reduction, isMean: Bool = false, isNorm: Bool = false) {
        code = reduction.rawValue
        self.isMean = isMean
        self.isNorm = isNorm
    }

    package static let sum = Reduction(CK_SUM)
    /// Integers are added up in 64 bits and divided towards zero; the mean of no integers is 0.
    package static let mean = Reduction(CK_SUM, isMean: true)
    /// The square root of the sum of squares (of complex numbers: of their magnitudes).
    package static let euclideanNorm = Reduction(CK_SUM, isNorm: true)
    package static let product = Reduction(CK_PRODUCT)
    /// NaN if any is.
    package static let max = Reduction(CK_MAX)
    /// NaN if any is.
    package static let min = Reduction(CK_MIN)
    /// Of booleans.
    package static let all = Reduction(CK_ALL)
    /// Of booleans.
    package static let any = Reduction(CK_ANY)

    fileprivate var kernelName: Kernel.Name {
        switch ck_reduction(code) {
        case CK_SUM: "reduce.sum"
        case CK_PRODUCT: "reduce.product"
        case CK_MAX: "reduce.max"
        case CK_MIN: "reduce.min"
        case CK_ALL: "reduce.all"
        default: "reduce.any"
        }
    }
}

extension Kernel {
    /// Folds some axes.
    ///
    /// - Parameters:
    ///   - reduction: What is computed.
    ///   - dtype: The input's dtype, and the output's.
    ///   - shape: The input's.
    ///   - axes: Which are folded; each in 0..<rank, at most once.
    /// - Returns: nil if the reduction has no loop for the dtype.
    package static func reduce(_ reduction: Reduction, _ dtype: DataType, _ shape: Shape, axes: [Int]) -> Kernel? {
        if reduction.isNorm { return euclideanNorm(dtype, shape, axes) }
        if reduction.isMean, dtype.isInteger { return integerMean(dtype, shape, axes) }
        guard let loop = Loop(ck_reduce_loop(ck_reduction(reduction.code), dtype.rawValue)) else { return nil }
        let passes = FoldPass.passes(shape, axes: axes)
        guard let last = passes.last else { return .alias() }
        let folding = Folding(
            passes: passes, first: loop, next: loop, join: join(reduction, dtype, loop), inputWidth: dtype.stride,
            width: dtype.stride, isComplex: dtype.complexPart != nil)
        guard reduction.isMean else {
            return Kernel(reduction.kernelName, scratchBytes: folding.scratchBytes, phases: folding.phases())
        }
        guard let mean = Loop(ck_mean_loop(dtype.rawValue)) else { return nil }
        let divisor = passes.reduce(1) { $0 &* UInt64($1.count) }
        // As TensorFlow has it: the mean of no complex numbers is 0, that of no floats is NaN.
        if divisor == 0, dtype.complexPart != nil { return .zeros(byteCount: last.outputCount &* dtype.stride) }
        let width = dtype.stride
        let phases = folding.phases { _, result, first, count in
            mean.call(result + first &* width, result + first &* width, count, divisor)
        }
        return Kernel("reduce.mean", scratchBytes: folding.scratchBytes, phases: phases)
    }

    /// The loop that folds the folds of parts; nil if that would change the result.
    private static func join(
        _ reduction: Reduction, _ dtype: DataType, _ loop: Loop<ck_reduce_fn>
    ) -> Loop<ck_reduce_fn>? {
        let isFloat = dtype.isFloating || dtype.complexPart != nil
        return switch ck_reduction(reduction.code) {
        case CK_SUM where isFloat: Loop(ck_join_sums_loop(dtype.rawValue))
        case CK_PRODUCT where isFloat: nil
        default: loop
        }
    }

    private static func euclideanNorm(_ dtype: DataType, _ shape: Shape, _ axes: [Int]) -> Kernel? {
        guard let squares = Loop(ck_binary_loop(CK_SQUARED_DIFFERENCE, dtype.rawValue)),
            let root = Loop(ck_unary_loop(CK_ROOT, dtype.rawValue)),
            let sum = Loop(ck_reduce_loop(CK_SUM, dtype.rawValue)), let bytes = shape.byteCount(of: dtype)
        else { return nil }
        let passes = FoldPass.passes(shape, axes: axes)
        let folding = Folding(
            passes: passes, first: sum, next: sum, join: join(.sum, dtype, sum), inputWidth: dtype.stride,
            width: dtype.stride, isComplex: dtype.complexPart != nil)
        guard bytes < Int.max / 4, folding.scratchBytes < Int.max / 2 else { return nil }
        let count = shape.elementCount
        // The squares, as differences from zero, lie behind the memory of the passes.
        let place = folding.scratchBytes
        let zero = SIMD2<UInt64>()
        let width = dtype.stride
        let square = Phase(elements: count, picoseconds: picoseconds(moving: 2 &* width)) { frame, first, count in
            let start = first &* width
            let target = (passes.isEmpty ? frame.rawOutput() : frame.scratch + place) + start
            withUnsafeBytes(of: zero) { zero in
                _ = squares.call(frame.rawInput(0) + start, 1, zero.baseAddress, 0, target, count)
            }
            if passes.isEmpty { root.call(target, target, count) }
        }
        let fold = folding.phases(readingScratchAt: place) { _, result, first, count in
            root.call(result + first &* width, result + first &* width, count)
        }
        return Kernel("reduce.euclideanNorm", scratchBytes: place + bytes, phases: [square] + fold)
    }

    private static func integerMean(_ dtype: DataType, _ shape: Shape, _ axes: [Int]) -> Kernel? {
        guard let widen = Loop(ck_reduce_loop(CK_WIDE_SUM, dtype.rawValue)),
            let sum = Loop(ck_reduce_loop(CK_SUM, DataType.uint64.rawValue)),
            let mean = Loop(ck_mean_loop(dtype.rawValue))
        else { return nil }
        let passes = FoldPass.passes(shape, axes: axes)
        guard let last = passes.last else { return .alias() }
        let divisor = passes.reduce(1) { $0 &* UInt64($1.count) }
        guard divisor != 0 else { return .zeros(byteCount: last.outputCount &* dtype.stride) }
        let folding = Folding(
            passes: passes, first: widen, next: sum, join: sum, inputWidth: dtype.stride, width: 8, endsInScratch: true)
        let width = dtype.stride
        let phases = folding.phases { frame, result, first, count in
            mean.call(result + first &* 8, frame.rawOutput() + first &* width, count, divisor)
        }
        return Kernel("reduce.mean", scratchBytes: folding.scratchBytes, phases: phases)
    }

    /// The index, along one axis, of the first largest or smallest element; NaN is never it.
    ///
    /// - Parameters:
    ///   - largest: Whether the largest or the smallest element is looked for.
    ///   - dtype: The input's dtype.
    ///   - shape: The input's; not empty along the axis.
    ///   - axis: In 0..<rank.
    ///   - output: The dtype of the indices.
    /// - Returns: nil if there is no loop for the dtypes.
    package static func arg(
        largest: Bool, _ dtype: DataType, _ shape: Shape, axis: Int, output: DataType
    ) -> Kernel? {
        let function =
            largest
            ? ck_arg_max_loop(dtype.rawValue, output.rawValue) : ck_arg_min_loop(dtype.rawValue, output.rawValue)
        guard let loop = Loop(function) else { return nil }
        let sizes = shape.dimensions
        let outer = sizes[..<axis].reduce(1, &*)
        let inner = sizes[(axis + 1)...].reduce(1, &*)
        let count = sizes[axis]
        let (each, made) = (count &* inner &* dtype.stride, inner &* output.stride)
        return .rows(
            largest ? "reduce.argMax" : "reduce.argMin", count: outer,
            nanoseconds: max(1, count.saturatingProduct(inner).saturatingProduct(dtype.stride) / 10),
            work: count &* inner
        ) { frame, first, outer in
            loop.call(frame.rawInput(0) + first &* each, frame.rawOutput() + first &* made, outer, count, inner)
        }
    }
}
