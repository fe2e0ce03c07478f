internal import Tensors

/// A product of matrices cut into panels: some rows of the result each, or some columns.
struct MatrixPanels: Sendable {
    /// How many panels there are; 1 for the product as it is.
    let count: Int
    /// About how long a panel takes.
    let nanoseconds: Int
    private let product: MatrixProduct
    /// Rows or columns of a panel; the last one has the rest.
    private let size: Int
    private let areRows: Bool

    /// BLAS packs the matrix that all panels share once for each of them: that must be little beside the multiplications.
    private static let smallestOfMatrices = 256
    /// The same where the project's own kernels pack it.
    private static let smallestOfPanels = 128
    /// More panels than these are made only if each is so long that packing does not count.
    private static let maxShort = 8
    private static let long = 768
    /// Where nothing is packed, a panel must only be long enough for the memory's sake.
    private static let smallestOfVectors = 512
    /// A panel that takes less is not worth handing out.
    private static let leastNanoseconds = 80_000
    private static let maxPanels = 32
    /// Panels begin where BLAS would begin a block of its own.
    private static let step = 48
    /// The same for the project's own kernels.
    private static let stepOfPanels = 64

    /// - Parameters:
    ///   - product: What is cut.
    ///   - nanoseconds: About how long it takes.
    init(_ product: MatrixProduct, nanoseconds: Int) {
        self.product = product
        let (rows, columns) = (Int(product.rows), Int(product.columns))
        areRows = rows > columns
        let length = max(rows, columns)
        let smallest =
            switch product.method {
            case .matrices: Self.smallestOfMatrices
            case .panels: Self.smallestOfPanels
            case .vector, .fewRows: Self.smallestOfVectors
            }
        let step = product.method == .panels ? Self.stepOfPanels : Self.step
        let maxCount = max(Self.maxShort, min(Self.maxPanels, length / Self.long))
        let count = min(length / smallest, nanoseconds / Self.leastNanoseconds, maxCount)
        guard count > 1 else {
            self.count = 1
            size = length
            self.nanoseconds = nanoseconds
            return
        }
        size = ((length + count - 1) / count + step - 1) / step * step
        self.count = (length + size - 1) / size
        self.nanoseconds = nanoseconds / self.count
    }

    /// Computes one panel, until the run's time is over.
    @inline(__always)
    func multiply<Element: MatrixElement>(
        _ frame: KernelFrame, panel: Int, _ left: UnsafePointer<Element>, _ right: UnsafePointer<Element>,
        _ result: UnsafeMutablePointer<Element>
    ) {
        let first = panel &* size
        if count == 1 {
            Element.multiply(frame, product, left, right, result)
        } else if areRows {
            let part = product.part(rows: min(size, Int(product.rows) &- first))
            Element.multiply(
                frame, part, left + first &* product.leftRowStep, right, result + first &* product.resultRowStep)
        } else {
            let part = product.part(columns: min(size, Int(product.columns) &- first))
            Element.multiply(frame, part, left, right + first &* product.rightColumnStep, result + first)
        }
    }

    /// The phase of all panels.
    ///
    /// - Parameter operands: Gives the left matrix, the right one and the result.
    /// - Returns: The phase.
    func phase<Element: MatrixElement>(
        _ operands: @escaping @Sendable (KernelFrame) -> MatrixOperands<Element>
    ) -> Kernel.Phase {
        Kernel.Phase(units: count, unitNanoseconds: nanoseconds) { frame, panels, _ in
            let (left, right, result) = operands(frame)
            for panel in panels {
                multiply(frame, panel: panel, left, right, result)
                if frame.hasFault { return }
            }
        }
    }
}

/// The left matrix, the right one and the result.
typealias MatrixOperands<Element> = (UnsafePointer<Element>, UnsafePointer<Element>, UnsafeMutablePointer<Element>)

extension MatrixProduct {
    /// Elements from one row of the left matrix to the next.
    fileprivate var leftRowStep: Int { transposesLeft ? 1 : Int(leftStride) }
    /// Elements from one column of the right matrix to the next.
    fileprivate var rightColumnStep: Int { transposesRight ? Int(rightStride) : 1 }
    fileprivate var resultRowStep: Int { Int(resultStride) }

    /// The product for fewer rows of the left matrix, which lie as they do.
    func part(rows: Int) -> MatrixProduct {
        var part = self
        part.rows = Int32(truncatingIfNeeded: rows)
        return part
    }

    /// The product for fewer columns of the right matrix, which lie as they do.
    fileprivate func part(columns: Int) -> MatrixProduct {
        var part = self
        part.columns = Int32(truncatingIfNeeded: columns)
        return part
    }
}
