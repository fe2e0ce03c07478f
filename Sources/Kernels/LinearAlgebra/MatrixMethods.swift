internal import CKernels

extension MatrixProduct {
    /// Ways to compute the same product.
    package enum Method: Sendable, Hashable {
        /// BLAS, for two matrices.
        case matrices
        /// Panels of the right matrix that are packed on the way.
        case panels
        /// BLAS, for a matrix and a vector, whichever side the vector is on: that does not pack.
        case vector
        /// A loop over a right matrix that is read once, as it lies, for few rows on the left.
        case fewRows
    }

    /// The right matrix as it lies in memory times the one row on the left.
    var isRowVector: Bool { rows == 1 }

    /// The left matrix as it lies in memory times the one column on the right, which is contiguous.
    var isColumnVector: Bool { columns == 1 && resultStride == 1 && (transposesRight || rightStride == 1) }

    /// The ways that there are for float32, with about how long each takes.
    package var methods: [(method: Method, picoseconds: Int)] {
        let multiplications = Int(rows).saturatingProduct(elementsOfRight)
        // As many as BLAS does at most; a small product is limited by what lies around the multiplications.
        let blas = multiplications.saturatingProduct(LinearAlgebra.knowsProcessor ? 25 : 100)
        var methods = [(Method.matrices, blas.saturatingSum(packingPicoseconds))]
        if !transposesLeft, columns > 1 {
            let multiplying = multiplications.saturatingProduct(PanelFormat.Level.best.picosecondsOfProduct + 2)
            methods.append((.panels, multiplying.saturatingSum(elementsOfRight.saturatingProduct(120))))
        }
        if isRowVector || isColumnVector {
            let elements = Int(isRowVector ? columns : rows).saturatingProduct(Int(depth))
            methods.append((.vector, elements.saturatingProduct(isSmallRow ? 100 : 24)))
        }
        if (2...CK_MAX_FEW_ROWS).contains(Int(rows)), !transposesLeft, !transposesRight, columns >= Self.fewestColumns {
            methods.append((.fewRows, multiplications.saturatingProduct(30)))
        }
        return methods
    }

    private var elementsOfRight: Int { Int(depth) * Int(columns) }

    /// About how long BLAS takes to bring the right matrix into the order that it wants, where it does that and it takes time: what
    /// lies in the cache is packed on the way.
    private var packingPicoseconds: Int {
        let elements = elementsOfRight
        let isPacked =
            Self.hasSmallProducts
            ? Int(rows).saturatingProduct(elements) > Self.maxSmallProduct : elements > Self.maxSmallElements
        return isPacked ? elements.saturatingProduct(250) : 0
    }

    /// Whether one row is best multiplied as a matrix of its own.
    private var isSmallRow: Bool {
        isRowVector && !transposesRight && columns > 2 && elementsOfRight <= Self.maxSmallElements
            && Self.hasSmallProducts
    }

    /// For CPUs with 512-bit vectors OpenBLAS has products of small matrices that do not pack, and are quicker than its product
    /// of a matrix and a vector.
    private static let hasSmallProducts =
        ["SkylakeX", "Cooperlake", "SapphireRapids"].contains(LinearAlgebra.core)

    private static let maxSmallElements = 1 << 16
    private static let fewestColumns: Int32 = 64
    /// OpenBLAS's own bound, in multiplications, up to which its products of small matrices are used.
    private static let maxSmallProduct = 1_000_000

    private static func nanoseconds(_ count: Int, picoseconds: Int) -> Int {
        count.saturatingProduct(picoseconds) / 1000
    }

    /// The way for a type of element.
    func method<Element: MatrixElement>(_ type: Element.Type) -> Method {
        if type == Float.self { return method }
        return isRowVector || isColumnVector ? .vector : .matrices
    }

    func name<Element: MatrixElement>(_ type: Element.Type) -> Kernel.Name {
        guard Element.picosecondsOfProduct <= Complex128.picosecondsOfProduct else { return "matmul.integers" }
        return method(type).name
    }

    /// About how long the product takes.
    func nanoseconds<Element: MatrixElement>(_ type: Element.Type) -> Int {
        let multiplications = Int(rows).saturatingProduct(elementsOfRight)
        let computing = Self.nanoseconds(multiplications, picoseconds: Element.picosecondsOfProduct)
        guard method(type) != .matrices else { return computing }
        // From memory.
        let elements = max(elementsOfRight, Int(rows).saturatingProduct(Int(depth)))
        return max(computing, Self.nanoseconds(elements, picoseconds: 20 * MemoryLayout<Element>.stride))
    }
}

extension MatrixProduct.Method {
    /// Whether OpenBLAS computes it.
    var isBLAS: Bool {
        switch self {
        case .matrices, .vector: true
        case .panels, .fewRows: false
        }
    }

    /// The name of a kernel that works so.
    package var name: Kernel.Name {
        switch self {
        case .matrices: "matmul.blas"
        case .panels: "matmul.packed"
        case .vector: "matmul.blasVector"
        case .fewRows: "matmul.fewRows"
        }
    }
}
