internal import COpenBLAS
internal import Glibc
package import Tensors

/// A product of two matrices of given sizes, all of them row-major.
package struct MatrixProduct: Sendable, Hashable {
    let rows: Int32
    let columns: Int32
    let depth: Int32
    private let transposesLeft: Bool
    private let transposesRight: Bool
    /// Whether complex numbers of a matrix that is transposed are conjugated.
    private let conjugates: Bool
    /// Elements from one row to the next, as each matrix lies in memory.
    private let leftStride: Int32
    private let rightStride: Int32
    private let resultStride: Int32

    /// - `rows`: Of the result.
    /// - `columns`: Of the result.
    /// - `depth`: Over how many products each element sums.
    /// - `transposesLeft`: The left matrix lies as [depth, rows].
    /// - `transposesRight`: The right matrix lies as [columns, depth].
    /// - `conjugates`: A matrix that is transposed is conjugated, too.
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
        leftStride = max(1, transposesLeft ? rows : depth)
        self.rightStride = max(1, right)
        self.resultStride = max(1, result)
    }

    /// The kernel of inputs 0 and 1; nil for a dtype that has none.
    package func kernel(_ dtype: DataType) -> Kernel? {
        guard let element = dtype.matrixElement else { return nil }
        return kernel(element)
    }

    private func kernel<Element: MatrixElement>(_ type: Element.Type) -> Kernel {
        Kernel { frame in Element.multiply(self, frame.input(0), frame.input(1), frame.output()) }
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

    /// The kernel of inputs 0 and 1; nil for a dtype that has none.
    package func kernel(_ dtype: DataType) -> Kernel? {
        guard let element = dtype.matrixElement else { return nil }
        return kernel(element)
    }

    private func kernel<Element: MatrixElement>(_ type: Element.Type) -> Kernel {
        Kernel { frame in
            var output = frame.output(as: Element.self)
            axes.withUnsafeBufferPointer { axes in
                walk(axes, 0, frame.input(0), frame.input(1), &output)
            }
        }
    }

    private func walk<Element: MatrixElement>(
        _ axes: UnsafeBufferPointer<StridedCopy.Axis>, _ level: Int, _ left: UnsafePointer<Element>,
        _ right: UnsafePointer<Element>, _ output: inout UnsafeMutablePointer<Element>
    ) {
        guard level < axes.count else {
            Element.multiply(product, left, right, output)
            output += Int(product.rows) &* Int(product.columns)
            return
        }
        let axis = axes[level]
        for index in 0..<axis.count {
            walk(axes, level + 1, left + index &* axis.source, right + index &* axis.destination, &output)
        }
    }
}

/// A type that matrices are multiplied in.
protocol MatrixElement: BitwiseCopyable, Sendable {
    static func multiply(
        _ product: MatrixProduct, _ left: UnsafePointer<Self>, _ right: UnsafePointer<Self>,
        _ result: UnsafeMutablePointer<Self>)
}

extension MatrixProduct {
    private var isEmpty: Bool { rows == 0 || columns == 0 }

    private static func flag(_ transposes: Bool) -> CBLAS_TRANSPOSE { transposes ? CblasTrans : CblasNoTrans }

    /// Handles sums over nothing.
    ///
    /// - Returns: Whether there is something left to do.
    fileprivate func begin<Element: MatrixElement>(_ result: UnsafeMutablePointer<Element>) -> Bool {
        guard !isEmpty else { return false }
        guard depth == 0 else { return true }
        for row in 0..<Int(rows) {
            let start = UnsafeMutableRawPointer(result + row &* Int(resultStride))
            memset(start, 0, Int(columns) &* MemoryLayout<Element>.stride)
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
        if isRowVector {
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

    /// How BLAS takes a complex matrix.
    private func complexFlag(_ transposes: Bool) -> CBLAS_TRANSPOSE {
        transposes ? conjugates ? CblasConjTrans : CblasTrans : CblasNoTrans
    }

    fileprivate func multiply(
        _ left: UnsafePointer<Complex64>, _ right: UnsafePointer<Complex64>, _ result: UnsafeMutablePointer<Complex64>
    ) {
        var (one, zero) = (Complex64(real: 1, imaginary: 0), Complex64(real: 0, imaginary: 0))
        cblas_cgemm(
            CblasRowMajor, complexFlag(transposesLeft), complexFlag(transposesRight), rows, columns, depth, &one, left,
            leftStride, right, rightStride, &zero, result, resultStride)
    }

    fileprivate func multiply(
        _ left: UnsafePointer<Complex128>, _ right: UnsafePointer<Complex128>,
        _ result: UnsafeMutablePointer<Complex128>
    ) {
        var (one, zero) = (Complex128(real: 1, imaginary: 0), Complex128(real: 0, imaginary: 0))
        cblas_zgemm(
            CblasRowMajor, complexFlag(transposesLeft), complexFlag(transposesRight), rows, columns, depth, &one, left,
            leftStride, right, rightStride, &zero, result, resultStride)
    }

    /// Whole numbers, which wrap around. The innermost loop runs along rows of the result.
    @inline(__always)
    fileprivate func multiplyIntegers<Element: MatrixElement & FixedWidthInteger>(
        _ left: UnsafePointer<Element>, _ right: UnsafePointer<Element>, _ result: UnsafeMutablePointer<Element>
    ) {
        let leftSteps = transposesLeft ? (row: 1, depth: Int(leftStride)) : (row: Int(leftStride), depth: 1)
        let rightSteps = transposesRight ? (depth: 1, column: Int(rightStride)) : (depth: Int(rightStride), column: 1)
        for row in 0..<Int(rows) {
            let sums = result + row &* Int(resultStride)
            sums.update(repeating: 0, count: Int(columns))
            for index in 0..<Int(depth) {
                let factor = left[row &* leftSteps.row &+ index &* leftSteps.depth]
                let factors = right + index &* rightSteps.depth
                for column in 0..<Int(columns) {
                    sums[column] = sums[column] &+ factor &* factors[column &* rightSteps.column]
                }
            }
        }
    }
}

extension Float: MatrixElement {
    static func multiply(
        _ product: MatrixProduct, _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>,
        _ result: UnsafeMutablePointer<Float>
    ) {
        if product.begin(result) { product.multiply(left, right, result) }
    }
}

extension Double: MatrixElement {
    static func multiply(
        _ product: MatrixProduct, _ left: UnsafePointer<Double>, _ right: UnsafePointer<Double>,
        _ result: UnsafeMutablePointer<Double>
    ) {
        if product.begin(result) { product.multiply(left, right, result) }
    }
}

extension Int16: MatrixElement {
    static func multiply(
        _ product: MatrixProduct, _ left: UnsafePointer<Int16>, _ right: UnsafePointer<Int16>,
        _ result: UnsafeMutablePointer<Int16>
    ) {
        if product.begin(result) { product.multiplyIntegers(left, right, result) }
    }
}

extension Int32: MatrixElement {
    static func multiply(
        _ product: MatrixProduct, _ left: UnsafePointer<Int32>, _ right: UnsafePointer<Int32>,
        _ result: UnsafeMutablePointer<Int32>
    ) {
        if product.begin(result) { product.multiplyIntegers(left, right, result) }
    }
}

extension Int64: MatrixElement {
    static func multiply(
        _ product: MatrixProduct, _ left: UnsafePointer<Int64>, _ right: UnsafePointer<Int64>,
        _ result: UnsafeMutablePointer<Int64>
    ) {
        if product.begin(result) { product.multiplyIntegers(left, right, result) }
    }
}

/// A complex number as it lies in a tensor.
struct Complex64: MatrixElement {
    let real: Float
    let imaginary: Float

    static func multiply(
        _ product: MatrixProduct, _ left: UnsafePointer<Complex64>, _ right: UnsafePointer<Complex64>,
        _ result: UnsafeMutablePointer<Complex64>
    ) {
        if product.begin(result) { product.multiply(left, right, result) }
    }
}

/// A complex number as it lies in a tensor.
struct Complex128: MatrixElement {
    let real: Double
    let imaginary: Double

    static func multiply(
        _ product: MatrixProduct, _ left: UnsafePointer<Complex128>, _ right: UnsafePointer<Complex128>,
        _ result: UnsafeMutablePointer<Complex128>
    ) {
        if product.begin(result) { product.multiply(left, right, result) }
    }
}

extension DataType {
    /// The type that matrices of this dtype are multiplied in; nil where there is none.
    fileprivate var matrixElement: (any MatrixElement.Type)? {
        switch self {
        case .float32: Float.self
        case .float64: Double.self
        case .int16: Int16.self
        case .int32: Int32.self
        case .int64: Int64.self
        case .complex64: Complex64.self
        case .complex128: Complex128.self
        default: nil
        }
    }
}
