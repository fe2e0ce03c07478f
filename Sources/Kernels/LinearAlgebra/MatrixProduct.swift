internal import CKernels
internal import COpenBLAS
package import Tensors

/// A product of two matrices of given sizes, all of them row-major.
package struct MatrixProduct: Sendable, Hashable {
    private(set) var rows: Int32
    let columns: Int32
    let depth: Int32
    private let transposesLeft: Bool
    private let transposesRight: Bool
    /// Complex numbers of a matrix that is transposed are conjugated too.
    private let conjugates: Bool
    /// Whether one row times a matrix is best computed as a product of matrices (float32).
    private let isQuickerAsMatrices: Bool
    /// Whether the right matrix is so large, and the left one so small, that packing it takes longer than the product (float32).
    private let isOfFewRows: Bool
    /// Elements from one row to the next, as each matrix lies in memory.
    private let leftStride: Int32
    private let rightStride: Int32
    private let resultStride: Int32

    /// - `rows`: Of the result.
    /// - `columns`: Of the result.
    /// - `depth`: Over how many products each element sums.
    /// - `transposesLeft`: The left matrix lies as [depth, rows].
    /// - `transposesRight`: The right matrix lies as [columns, depth].
    /// - `conjugates`: Complex numbers of a matrix that is transposed are conjugated too.
    /// - `rightStride`: Elements between rows of the right matrix where they are not adjacent.
    /// - `resultStride`: The same for the result.
    ///
    /// Gives nil where a size is more than BLAS can count.
    package init?(
        rows: Int, columns: Int, depth: Int, transposesLeft: Bool = false, transposesRight: Bool = false,
        conjugates: Bool = false, rightStride: Int? = nil, resultStride: Int? = nil
    ) {
        guard let rows = Int32(exactly: rows), let columns = Int32(exactly: columns),
            let depth = Int32(exactly: depth),
            let right = Int32(exactly: rightStride ?? Int(transposesRight ? depth : columns)),
            let result = Int32(exactly: resultStride ?? Int(columns))
        else { return nil }
        self.rows = rows
        self.columns = columns
        self.depth = depth
        self.transposesLeft = transposesLeft
        self.transposesRight = transposesRight
        self.conjugates = conjugates
        let isSmall = Int(depth) * Int(columns) <= Self.mostElementsOfSmall && columns > 2
        isQuickerAsMatrices = rows == 1 && !transposesRight && isSmall && Self.hasSmallProducts
        isOfFewRows =
            (2...CK_MOST_FEW_ROWS).contains(Int(rows)) && !transposesLeft && !transposesRight
            && columns >= Self.fewestColumns && Self.isLarge(rows: Int(rows), elements: Int(depth) * Int(columns))
        leftStride = max(1, transposesLeft ? rows : depth)
        self.rightStride = max(1, right)
        self.resultStride = max(1, result)
    }

    /// For CPUs with 512-bit vectors OpenBLAS has products of small matrices that do not pack, and are quicker than its product
    /// of a matrix and a vector.
    private static let hasSmallProducts: Bool = {
        guard let name = openblas_get_corename() else { return false }
        return ["SkylakeX", "Cooperlake", "SapphireRapids"].contains(String(cString: name))
    }()

    private static let mostElementsOfSmall = 1 << 16
    private static let fewestColumns = 64

    /// Whether OpenBLAS would pack the right matrix, and that takes long.
    private static func isLarge(rows: Int, elements: Int) -> Bool {
        hasSmallProducts ? rows * elements > mostOfSmallProducts : elements > mostElementsOfSmall
    }

    /// OpenBLAS's own bound, in multiplications, up to which its products of small matrices are used.
    private static let mostOfSmallProducts = 1_000_000

    /// The kernel of inputs 0 and 1; nil for a dtype that has none.
    package func kernel(_ dtype: DataType) -> Kernel? { MatrixKernels.kernel(dtype, self) }
}

extension MatrixProduct: MatrixKernelMaker {
    func kernel<Element: MatrixElement>(_ type: Element.Type) -> Kernel {
        Kernel { frame in Element.multiply(frame, self, frame.input(0), frame.input(1), frame.output()) }
    }
}

/// A product a batch; dimensions of a batch may repeat on one side.
package struct BatchedProduct: Sendable {
    private let product: MatrixProduct
    /// In elements: the left matrix's stride as the source, the right one's as the destination.
    private let axes: [StridedCopy.Axis]

    /// - Parameters:
    ///   - product: Of two matrices.
    ///   - axes: The batch's dimensions, with the left and the right input's strides in elements.
    package init(_ product: MatrixProduct, axes: [(count: Int, left: Int, right: Int)]) {
        self.product = product
        self.axes = axes.map { StridedCopy.Axis(count: $0.count, source: $0.left, destination: $0.right) }
    }

    /// The kernel of inputs 0 and 1.
    ///
    /// - Parameters:
    ///   - dtype: What is computed in.
    ///   - operands: The inputs' dtypes, and how many elements they have; others than `dtype` are converted first.
    /// - Returns: nil for a dtype that has none.
    package func kernel(_ dtype: DataType, of operands: [(dtype: DataType, count: Int)]) -> Kernel? {
        var casts: [CastOperand?] = []
        var scratchBytes = 0
        for (input, operand) in operands.enumerated() {
            guard operand.dtype != dtype else {
                casts.append(nil)
                continue
            }
            let (bytes, overflow) = operand.count.multipliedReportingOverflow(by: dtype.stride)
            guard !overflow, bytes < Int.max / 4, let loop = Loop(ck_cast_loop(operand.dtype.rawValue, dtype.rawValue))
            else { return nil }
            casts.append(
                CastOperand(
                    input: input, count: operand.count, width: operand.dtype.stride, offset: scratchBytes, loop: loop))
            scratchBytes += bytes.roundedUp(to: TensorStorage.alignment)
        }
        return MatrixKernels.kernel(dtype, CastProduct(product: self, casts: casts, scratchBytes: scratchBytes))
    }

    func run<Element: MatrixElement>(
        _ frame: KernelFrame, _ left: UnsafePointer<Element>, _ right: UnsafePointer<Element>,
        _ result: UnsafeMutablePointer<Element>
    ) {
        var result = result
        axes.withUnsafeBufferPointer { walk(frame, $0, 0, left, right, &result) }
    }

    private func walk<Element: MatrixElement>(
        _ frame: KernelFrame, _ axes: UnsafeBufferPointer<StridedCopy.Axis>, _ level: Int,
        _ left: UnsafePointer<Element>,
        _ right: UnsafePointer<Element>, _ output: inout UnsafeMutablePointer<Element>
    ) {
        guard level < axes.count else {
            Element.multiply(frame, product, left, right, output)
            output += Int(product.rows) &* Int(product.columns)
            return
        }
        let axis = axes[level]
        for index in 0..<axis.count {
            if frame.isOver(after: 1) { return }
            walk(frame, axes, level + 1, left + index &* axis.source, right + index &* axis.destination, &output)
        }
    }
}

/// An input that is converted into scratch memory first.
private struct CastOperand: Sendable {
    let input: Int
    let count: Int
    /// Bytes of an element.
    let width: Int
    let offset: Int
    let loop: Loop<ck_unary_fn>
}

/// A product of inputs of which some are converted.
private struct CastProduct: MatrixKernelMaker, Sendable {
    let product: BatchedProduct
    /// For each input; nil where it is taken as it is.
    let casts: [CastOperand?]
    let scratchBytes: Int

    func kernel<Element: MatrixElement>(_ type: Element.Type) -> Kernel {
        let (left, right) = (casts[0], casts[1])
        return Kernel(scratchBytes: scratchBytes) { frame in
            product.run(
                frame, Self.operand(0, left, frame, Element.self), Self.operand(1, right, frame, Element.self),
                frame.output())
        }
    }

    @inline(__always)
    private static func operand<Element: MatrixElement>(
        _ input: Int, _ cast: CastOperand?, _ frame: KernelFrame, _ type: Element.Type
    ) -> UnsafePointer<Element> {
        guard let cast else { return frame.input(input) }
        let target = frame.scratch + cast.offset
        cast.loop.run(frame, frame.rawInput(input), cast.width, target, MemoryLayout<Element>.stride, count: cast.count)
        return UnsafePointer(target.assumingMemoryBound(to: Element.self))
    }
}

extension MatrixProduct {
    private var isEmpty: Bool { rows == 0 || columns == 0 }

    private static func flag(_ transposes: Bool) -> CBLAS_TRANSPOSE { transposes ? CblasTrans : CblasNoTrans }

    private func complexFlag(_ transposes: Bool) -> CBLAS_TRANSPOSE {
        transposes && conjugates ? CblasConjTrans : Self.flag(transposes)
    }

    /// Handles sums over nothing.
    ///
    /// - Returns: Whether there is something left to do.
    fileprivate func begin<Element: MatrixElement>(_ result: UnsafeMutablePointer<Element>) -> Bool {
        guard !isEmpty else { return false }
        guard depth == 0 else { return true }
        for row in 0..<Int(rows) {
            (result + row &* Int(resultStride)).update(repeating: .zero, count: Int(columns))
        }
        return false
    }

    // A matrix times a vector, whichever side the vector is on: then BLAS has a routine that does not pack.

    /// The right matrix as it lies in memory times the one row on the left.
    fileprivate var isRowVector: Bool { rows == 1 }

    /// The left matrix as it lies in memory times the one column on the right, which is contiguous.
    fileprivate var isColumnVector: Bool { columns == 1 && resultStride == 1 && (transposesRight || rightStride == 1) }

    fileprivate func multiply(
        _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>, _ result: UnsafeMutablePointer<Float>
    ) {
        if isRowVector && !isQuickerAsMatrices {
            // The routine scales what is there by zero: it must be a number.
            result.update(repeating: 0, count: Int(columns))
            cblas_sgemv(
                CblasRowMajor, Self.flag(!transposesRight), transposesRight ? columns : depth,
                transposesRight ? depth : columns, 1, right, rightStride, left, 1, 0, result, 1)
        } else if isColumnVector {
            result.update(repeating: 0, count: Int(rows))
            cblas_sgemv(
                CblasRowMajor, Self.flag(transposesLeft), transposesLeft ? depth : rows,
                transposesLeft ? rows : depth, 1, left, leftStride, right, 1, 0, result, 1)
        } else if isOfFewRows {
            var task = ck_few_rows(
                rows: rows, depth: depth, columns: columns, left_stride: leftStride, right_stride: rightStride,
                result_stride: resultStride)
            ck_few_rows_f32(&task, left, right, result)
        } else {
            cblas_sgemm(
                CblasRowMajor, Self.flag(transposesLeft), Self.flag(transposesRight), rows, columns, depth, 1, left,
                leftStride, right, rightStride, 0, result, resultStride)
        }
    }

    fileprivate func multiply(
        _ left: UnsafePointer<Double>, _ right: UnsafePointer<Double>, _ result: UnsafeMutablePointer<Double>
    ) {
        if isRowVector {
            result.update(repeating: 0, count: Int(columns))
            cblas_dgemv(
                CblasRowMajor, Self.flag(!transposesRight), transposesRight ? columns : depth,
                transposesRight ? depth : columns, 1, right, rightStride, left, 1, 0, result, 1)
        } else if isColumnVector {
            result.update(repeating: 0, count: Int(rows))
            cblas_dgemv(
                CblasRowMajor, Self.flag(transposesLeft), transposesLeft ? depth : rows,
                transposesLeft ? rows : depth, 1, left, leftStride, right, 1, 0, result, 1)
        } else {
            cblas_dgemm(
                CblasRowMajor, Self.flag(transposesLeft), Self.flag(transposesRight), rows, columns, depth, 1, left,
                leftStride, right, rightStride, 0, result, resultStride)
        }
    }

    fileprivate func multiply(
        _ left: UnsafePointer<Complex64>, _ right: UnsafePointer<Complex64>, _ result: UnsafeMutablePointer<Complex64>
    ) {
        withUnsafePointer(to: (Complex64.one, Complex64.zero)) { factors in
            // Safety: a tuple of two is laid out as an array of two.
            let one = UnsafeRawPointer(factors)
            cblas_cgemm(
                CblasRowMajor, complexFlag(transposesLeft), complexFlag(transposesRight), rows, columns, depth, one,
                left, leftStride, right, rightStride, one + MemoryLayout<Complex64>.stride, result, resultStride)
        }
    }

    fileprivate func multiply(
        _ left: UnsafePointer<Complex128>, _ right: UnsafePointer<Complex128>,
        _ result: UnsafeMutablePointer<Complex128>
    ) {
        withUnsafePointer(to: (Complex128.one, Complex128.zero)) { factors in
            // Safety: a tuple of two is laid out as an array of two.
            let one = UnsafeRawPointer(factors)
            cblas_zgemm(
                CblasRowMajor, complexFlag(transposesLeft), complexFlag(transposesRight), rows, columns, depth, one,
                left, leftStride, right, rightStride, one + MemoryLayout<Complex128>.stride, result, resultStride)
        }
    }

    /// Whole numbers, which wrap around. The innermost loop runs along rows of the result.
    @inline(__always)
    fileprivate func multiplyIntegers<Element: MatrixElement & FixedWidthInteger>(
        _ frame: KernelFrame, _ left: UnsafePointer<Element>, _ right: UnsafePointer<Element>,
        _ result: UnsafeMutablePointer<Element>
    ) {
        let leftSteps = transposesLeft ? (row: 1, depth: Int(leftStride)) : (row: Int(leftStride), depth: 1)
        let rightSteps = transposesRight ? (depth: 1, column: Int(rightStride)) : (depth: Int(rightStride), column: 1)
        for row in 0..<Int(rows) {
            let sums = result + row &* Int(resultStride)
            sums.update(repeating: 0, count: Int(columns))
            for index in 0..<Int(depth) {
                if frame.isOver(after: 1 &+ Int(columns)) { return }
                let factor = left[row &* leftSteps.row &+ index &* leftSteps.depth]
                let factors = right + index &* rightSteps.depth
                for column in 0..<Int(columns) {
                    sums[column] = sums[column] &+ factor &* factors[column &* rightSteps.column]
                }
            }
        }
    }
}

extension MatrixProduct {
    /// More multiplications than these are done in blocks of rows: some hundredths of a second.
    private static let mostAtOnce = 1 << 31
    /// Fewer rows than these are no block: BLAS would be slow.
    private static let fewestRows = 64
    /// So many multiplications are as much work as an element.
    private static let multiplicationsOfWork = 64

    /// Calls `body` with the product, or with parts of it that have some of its rows, until the run's time is over.
    @inline(__always)
    fileprivate func inBlocks<Element: MatrixElement>(
        _ frame: KernelFrame, _ left: UnsafePointer<Element>, _ right: UnsafePointer<Element>,
        _ result: UnsafeMutablePointer<Element>,
        _ body: (MatrixProduct, UnsafePointer<Element>, UnsafePointer<Element>, UnsafeMutablePointer<Element>) -> Void
    ) {
        // Each is below 2^31: the product of two is a number, and of all three at least a very large one.
        let each = Int(depth) &* Int(columns)
        let (all, overflow) = each.multipliedReportingOverflow(by: Int(rows))
        guard overflow || all > Self.mostAtOnce, rows >= 2 * Self.fewestRows else {
            body(self, left, right, result)
            _ = frame.isOver(after: min(all, 1 << 40) / Self.multiplicationsOfWork)
            return
        }
        let size = max(Self.fewestRows, Self.mostAtOnce / 2 / max(1, each) / Self.fewestRows * Self.fewestRows)
        var first = 0
        while first < Int(rows) {
            let rest = Int(rows) - first
            var part = self
            // A short rest goes with the block before.
            part.rows = Int32(rest < size + Self.fewestRows ? rest : size)
            body(
                part, left + first &* (transposesLeft ? 1 : Int(leftStride)), right, result + first &* Int(resultStride)
            )
            if frame.isOver(after: RunState.lookWork) { return }
            first += Int(part.rows)
        }
    }
}

extension Float: MatrixElement {
    static let one: Float = 1

    static func multiply(
        _ frame: KernelFrame, _ product: MatrixProduct, _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>,
        _ result: UnsafeMutablePointer<Float>
    ) {
        guard product.begin(result) else { return }
        product.inBlocks(frame, left, right, result) { $0.multiply($1, $2, $3) }
    }
}

extension Double: MatrixElement {
    static let one: Double = 1

    static func multiply(
        _ frame: KernelFrame, _ product: MatrixProduct, _ left: UnsafePointer<Double>, _ right: UnsafePointer<Double>,
        _ result: UnsafeMutablePointer<Double>
    ) {
        guard product.begin(result) else { return }
        product.inBlocks(frame, left, right, result) { $0.multiply($1, $2, $3) }
    }
}

extension Complex64: MatrixElement {
    static let zero = Complex64(real: 0, imaginary: 0)
    static let one = Complex64(real: 1, imaginary: 0)

    static func multiply(
        _ frame: KernelFrame, _ product: MatrixProduct, _ left: UnsafePointer<Complex64>,
        _ right: UnsafePointer<Complex64>,
        _ result: UnsafeMutablePointer<Complex64>
    ) {
        guard product.begin(result) else { return }
        product.inBlocks(frame, left, right, result) { $0.multiply($1, $2, $3) }
    }
}

extension Complex128: MatrixElement {
    static let zero = Complex128(real: 0, imaginary: 0)
    static let one = Complex128(real: 1, imaginary: 0)

    static func multiply(
        _ frame: KernelFrame, _ product: MatrixProduct, _ left: UnsafePointer<Complex128>,
        _ right: UnsafePointer<Complex128>,
        _ result: UnsafeMutablePointer<Complex128>
    ) {
        guard product.begin(result) else { return }
        product.inBlocks(frame, left, right, result) { $0.multiply($1, $2, $3) }
    }
}

extension MatrixElement where Self: FixedWidthInteger {
    static var one: Self { 1 }

    @inline(__always)
    static func multiply(
        _ frame: KernelFrame, _ product: MatrixProduct, _ left: UnsafePointer<Self>, _ right: UnsafePointer<Self>,
        _ result: UnsafeMutablePointer<Self>
    ) {
        if product.begin(result) { product.multiplyIntegers(frame, left, right, result) }
    }
}

extension Int16: MatrixElement {}
extension Int32: MatrixElement {}
extension Int64: MatrixElement {}
