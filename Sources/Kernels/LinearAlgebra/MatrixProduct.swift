internal import CKernels
internal import COpenBLAS
package import Tensors

/// A product of two matrices of given sizes, all of them row-major.
package struct MatrixProduct: Sendable, Hashable {
    var rows: Int32
    var columns: Int32
    let depth: Int32
    let transposesLeft: Bool
    let transposesRight: Bool
    /// Complex numbers of a matrix that is transposed are conjugated too.
    private let conjugates: Bool
    /// The way in which float32 is computed. Of others only BLAS is asked, for a vector where there is one.
    package private(set) var method: Method
    /// Elements from one row to the next, as each matrix lies in memory.
    let leftStride: Int32
    let rightStride: Int32
    let resultStride: Int32

    /// - `rows`: Of the result.
    /// - `columns`: Of the result.
    /// - `depth`: Over how many products each element sums.
    /// - `transposesLeft`: The left matrix lies as [depth, rows].
    /// - `transposesRight`: The right matrix lies as [columns, depth].
    /// - `conjugates`: Complex numbers of a matrix that is transposed are conjugated too.
    /// - `leftStride`: Elements between rows of the left matrix where they are not adjacent.
    /// - `rightStride`: The same for the right one.
    /// - `resultStride`: The same for the result.
    ///
    /// Gives nil where a size is more than BLAS can count.
    package init?(
        rows: Int, columns: Int, depth: Int, transposesLeft: Bool = false, transposesRight: Bool = false,
        conjugates: Bool = false, leftStride: Int? = nil, rightStride: Int? = nil, resultStride: Int? = nil
    ) {
        guard let rows = Int32(exactly: rows), let columns = Int32(exactly: columns),
            let depth = Int32(exactly: depth),
            let left = Int32(exactly: leftStride ?? Int(transposesLeft ? rows : depth)),
            let right = Int32(exactly: rightStride ?? Int(transposesRight ? depth : columns)),
            let result = Int32(exactly: resultStride ?? Int(columns))
        else { return nil }
        self.rows = rows
        self.columns = columns
        self.depth = depth
        self.transposesLeft = transposesLeft
        self.transposesRight = transposesRight
        self.conjugates = conjugates
        self.leftStride = max(1, left)
        self.rightStride = max(1, right)
        self.resultStride = max(1, result)
        method = .matrices
        method = methods.min { $0.picoseconds < $1.picoseconds }?.method ?? .matrices
    }

    /// The same, computed in another way.
    package func with(_ method: Method) -> MatrixProduct {
        var product = self
        product.method = method
        return product
    }

    /// The product of `count` left matrices under one another with the same right matrix; nil where BLAS cannot count its rows.
    func stacked(_ count: Int) -> MatrixProduct? {
        MatrixProduct(
            rows: Int(rows).saturatingProduct(count), columns: Int(columns), depth: Int(depth),
            transposesRight: transposesRight, conjugates: conjugates)
    }

    /// The kernel of inputs 0 and 1; nil for a dtype that has none.
    package func kernel(_ dtype: DataType) -> Kernel? { MatrixKernels.kernel(dtype, self) }
}

extension MatrixProduct: MatrixKernelMaker {
    func kernel<Element: MatrixElement>(_ type: Element.Type) -> Kernel {
        let panels = MatrixPanels(self, nanoseconds: nanoseconds(type))
        guard panels.count > 1 else {
            return Kernel(name(type)) { frame in
                Element.multiply(frame, self, frame.input(0), frame.input(1), frame.output())
            }
        }
        return Kernel(
            name(type), phases: [panels.phase { ($0.input(0), $0.input(1), $0.output()) as MatrixOperands<Element> }])
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

    fileprivate func multiply(
        _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>, _ result: UnsafeMutablePointer<Float>
    ) {
        switch method {
        case .vector where isRowVector:
            // The routine scales what is there by zero: it must be a number.
            result.update(repeating: 0, count: Int(columns))
            cblas_sgemv(
                CblasRowMajor, Self.flag(!transposesRight), transposesRight ? columns : depth,
                transposesRight ? depth : columns, 1, right, rightStride, left, 1, 0, result, 1)
        case .vector:
            result.update(repeating: 0, count: Int(rows))
            cblas_sgemv(
                CblasRowMajor, Self.flag(transposesLeft), transposesLeft ? depth : rows,
                transposesLeft ? rows : depth, 1, left, leftStride, right, 1, 0, result, 1)
        case .fewRows:
            var task = ck_few_rows(
                rows: rows, depth: depth, columns: columns, left_stride: leftStride, right_stride: rightStride,
                result_stride: resultStride)
            ck_few_rows_f32(&task, left, right, result)
        case .panels:
            var task = ck_matrices(
                rows: Int64(rows), depth: Int64(depth), columns: Int64(columns), left_stride: Int(leftStride),
                right_stride: Int(rightStride), result_stride: Int(resultStride), transposes_right: transposesRight)
            ck_matrices_multiply(PanelFormat.Level.best.code, &task, left, right, result)
        case .matrices:
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
    private static let maxAtOnce = 1 << 31
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
        guard overflow || all > Self.maxAtOnce, rows >= 2 * Self.fewestRows else {
            body(self, left, right, result)
            _ = frame.isOver(after: min(all, 1 << 40) / Self.multiplicationsOfWork)
            return
        }
        let size = max(Self.fewestRows, Self.maxAtOnce / 2 / max(1, each) / Self.fewestRows * Self.fewestRows)
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
    static let picosecondsOfProduct = 20

    static func multiply(
        _ frame: KernelFrame, _ product: MatrixProduct, _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>,
        _ result: UnsafeMutablePointer<Float>
    ) {
        guard product.begin(result), !product.method.isBLAS || LinearAlgebra.isOpen(for: frame) else { return }
        product.inBlocks(frame, left, right, result) { $0.multiply($1, $2, $3) }
    }
}

extension Double: MatrixElement {
    static let one: Double = 1
    static let picosecondsOfProduct = 40

    static func multiply(
        _ frame: KernelFrame, _ product: MatrixProduct, _ left: UnsafePointer<Double>, _ right: UnsafePointer<Double>,
        _ result: UnsafeMutablePointer<Double>
    ) {
        guard product.begin(result), LinearAlgebra.isOpen(for: frame) else { return }
        product.inBlocks(frame, left, right, result) { $0.multiply($1, $2, $3) }
    }
}

extension Complex64: MatrixElement {
    static let zero = Complex64(real: 0, imaginary: 0)
    static let one = Complex64(real: 1, imaginary: 0)
    static let picosecondsOfProduct = 80

    static func multiply(
        _ frame: KernelFrame, _ product: MatrixProduct, _ left: UnsafePointer<Complex64>,
        _ right: UnsafePointer<Complex64>,
        _ result: UnsafeMutablePointer<Complex64>
    ) {
        guard product.begin(result), LinearAlgebra.isOpen(for: frame) else { return }
        product.inBlocks(frame, left, right, result) { $0.multiply($1, $2, $3) }
    }
}

extension Complex128: MatrixElement {
    static let zero = Complex128(real: 0, imaginary: 0)
    static let one = Complex128(real: 1, imaginary: 0)
    static let picosecondsOfProduct = 160

    static func multiply(
        _ frame: KernelFrame, _ product: MatrixProduct, _ left: UnsafePointer<Complex128>,
        _ right: UnsafePointer<Complex128>,
        _ result: UnsafeMutablePointer<Complex128>
    ) {
        guard product.begin(result), LinearAlgebra.isOpen(for: frame) else { return }
        product.inBlocks(frame, left, right, result) { $0.multiply($1, $2, $3) }
    }
}

extension MatrixElement where Self: FixedWidthInteger {
    static var one: Self { 1 }
    static var picosecondsOfProduct: Int { 250 }

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
