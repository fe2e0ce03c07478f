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

/// A fold of one run of neighbouring axes: the sizes before, of and after them.
private struct FoldPass: Sendable {
    let outer: Int
    let count: Int
    let inner: Int

    var outputCount: Int { outer &* inner }

    /// The passes that fold the given axes, the last axes first.
    ///
    /// Axes of size 1 need none.
    static func passes(_ shape: Shape, axes: [Int]) -> [FoldPass] {
        var runs: [(size: Int, isFolded: Bool)] = []
        for (axis, size) in shape.dimensions.enumerated() where size != 1 {
            let isFolded = axes.contains(axis)
            if let last = runs.last, last.isFolded == isFolded {
                runs[runs.count - 1].size = last.size &* size
            } else {
                runs.append((size, isFolded))
            }
        }
        var result: [FoldPass] = []
        var inner = 1
        while let run = runs.popLast() {
            if run.isFolded {
                let outer = runs.reduce(1) { $0 &* $1.size }
                result.append(FoldPass(outer: outer, count: run.size, inner: inner))
            } else {
                inner &*= run.size
            }
        }
        return result
    }
}

/// Passes one after another: all but the last into scratch memory, in two areas by turns.
private struct Folding: Sendable {
    let passes: [FoldPass]
    /// For the first pass, which reads the input.
    let first: Loop<ck_reduce_fn>
    /// For the passes after it.
    let next: Loop<ck_reduce_fn>
    /// Bytes of an element of the input.
    let inputWidth: Int
    /// Bytes of an element between passes.
    let width: Int
    /// Whether the last pass, too, goes into scratch memory.
    let endsInScratch: Bool

    /// The size of each area.
    private var areaBytes: Int {
        let counts = endsInScratch ? passes[...] : passes.dropLast()
        let most = counts.reduce(0) { max($0, $1.outputCount) }
        // A size that no memory has stands for all of them.
        return most > Int.max / 64 ? Int.max / 4 : (most * width).roundedUp(to: TensorStorage.alignment)
    }

    var scratchBytes: Int { areaBytes * 2 }

    /// Makes what a kernel's body calls; it returns where the result is.
    ///
    /// - Parameter place: Where in scratch memory the first pass reads; nil: it reads the input.
    /// - Returns: The body.
    func body(readingScratchAt place: Int? = nil) -> @Sendable (KernelFrame) -> UnsafeRawPointer {
        let area = areaBytes
        return { [self] frame in
            var source = place.map { UnsafeRawPointer(frame.scratch + $0) } ?? frame.rawInput(0)
            for index in passes.indices {
                let isLast = index == passes.count - 1 && !endsInScratch
                let target = isLast ? frame.rawOutput() : frame.scratch + (index & 1) * area
                let pass = passes[index]
                let loop = index == 0 ? first : next
                let sourceWidth = index == 0 ? inputWidth : width
                let (each, made) = (pass.count &* pass.inner &* sourceWidth, pass.inner &* width)
                frame.inBlocks(ofRows: pass.outer, work: pass.count &* pass.inner) { first, outer in
                    loop.call(source + first &* each, target + first &* made, outer, pass.count, pass.inner)
                }
                source = UnsafeRawPointer(target)
            }
            return source
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
            passes: passes, first: loop, next: loop, inputWidth: dtype.stride, width: dtype.stride, endsInScratch: false
        )
        let fold = folding.body()
        guard reduction.isMean else {
            return Kernel(reduction.kernelName, scratchBytes: folding.scratchBytes) { _ = fold($0) }
        }
        guard let mean = Loop(ck_mean_loop(dtype.rawValue)) else { return nil }
        let divisor = passes.reduce(1) { $0 &* UInt64($1.count) }
        // As TensorFlow has it: the mean of no complex numbers is 0, that of no floats is NaN.
        if divisor == 0, dtype.complexPart != nil { return .zeros(byteCount: last.outputCount &* dtype.stride) }
        return Kernel("reduce.mean", scratchBytes: folding.scratchBytes) {
            mean.call(fold($0), $0.rawOutput(), last.outputCount, divisor)
        }
    }

    private static func euclideanNorm(_ dtype: DataType, _ shape: Shape, _ axes: [Int]) -> Kernel? {
        guard let squares = Loop(ck_binary_loop(CK_SQUARED_DIFFERENCE, dtype.rawValue)),
            let root = Loop(ck_unary_loop(CK_ROOT, dtype.rawValue)),
            let sum = Loop(ck_reduce_loop(CK_SUM, dtype.rawValue)), let bytes = shape.byteCount(of: dtype)
        else { return nil }
        let passes = FoldPass.passes(shape, axes: axes)
        let folding = Folding(
            passes: passes, first: sum, next: sum, inputWidth: dtype.stride, width: dtype.stride, endsInScratch: false)
        guard bytes < Int.max / 4, folding.scratchBytes < Int.max / 2 else { return nil }
        let (count, outputCount) = (shape.elementCount, passes.last?.outputCount ?? shape.elementCount)
        // The squares, as differences from zero, lie behind what the passes need.
        let place = folding.scratchBytes
        let fold = folding.body(readingScratchAt: place)
        let zero = SIMD2<UInt64>()
        let width = dtype.stride
        return Kernel("reduce.euclideanNorm", scratchBytes: place + bytes) { frame in
            let target = passes.isEmpty ? frame.rawOutput() : frame.scratch + place
            withUnsafeBytes(of: zero) {
                let zero = $0.baseAddress
                frame.inBlocks(of: count) { first, count in
                    let start = first &* width
                    _ = squares.call(frame.rawInput(0) + start, 1, zero, 0, target + start, count)
                }
            }
            if !passes.isEmpty { _ = fold(frame) }
            root.call(frame.rawOutput(), frame.rawOutput(), outputCount)
        }
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
            passes: passes, first: widen, next: sum, inputWidth: dtype.stride, width: 8, endsInScratch: true)
        let fold = folding.body()
        return Kernel("reduce.mean", scratchBytes: folding.scratchBytes) {
            mean.call(fold($0), $0.rawOutput(), last.outputCount, divisor)
        }
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
        return Kernel { frame in
            frame.inBlocks(ofRows: outer, work: count &* inner) { first, outer in
                loop.call(frame.rawInput(0) + first &* each, frame.rawOutput() + first &* made, outer, count, inner)
            }
        }
    }
}
