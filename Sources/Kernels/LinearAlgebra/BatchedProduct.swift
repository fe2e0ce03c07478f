internal import CKernels
package import Tensors

/// A product a batch; dimensions of a batch may repeat on one side.
package struct BatchedProduct: Sendable {
    private let product: MatrixProduct
    /// In elements: the left matrix's stride as the source, the right one's as the destination.
    private let axes: [StridedCopy.Axis]
    /// Whether this is one product of the left matrices of a batch under one another.
    private var isStacked = false

    /// Ways to compute the same products.
    package enum Method: Sendable, Hashable {
        /// One after another.
        case batch(MatrixProduct.Method)
        /// As one product of all left matrices under one another, which meet the same right matrix.
        case stacked(MatrixProduct.Method)
    }

    /// - Parameters:
    ///   - product: Of two matrices.
    ///   - axes: The batch's dimensions, with the left and the right input's strides in elements.
    package init(_ product: MatrixProduct, axes: [(count: Int, left: Int, right: Int)]) {
        self.product = product
        self.axes = axes.map { StridedCopy.Axis(count: $0.count, source: $0.left, destination: $0.right) }
    }

    /// The ways that there are, with about how long each takes.
    package func methods(_ dtype: DataType) -> [(method: Method, picoseconds: Int)] {
        func ways(_ product: MatrixProduct) -> [(method: MatrixProduct.Method, picoseconds: Int)] {
            dtype == .float32 ? product.methods : Array(product.methods.prefix(1))
        }
        let count = productCount
        let each = ways(product).map { method, picoseconds in
            (
                Method.batch(method),
                picoseconds.saturatingSum(Self.callPicoseconds).saturatingProduct(count)
            )
        }
        let stacked = stackedProduct.map(ways) ?? []
        return each + stacked.map { (Method.stacked($0.method), $0.picoseconds.saturatingSum(Self.callPicoseconds)) }
    }

    /// About how long a product takes besides its multiplications.
    private static let callPicoseconds = 300_000

    /// The product of all left matrices under one another; nil where they do not lie so, or meet several right matrices.
    private var stackedProduct: MatrixProduct? {
        guard productCount > 1, !product.transposesLeft else { return nil }
        var stride = Int(product.rows) &* Int(product.depth)
        for axis in axes.reversed() where axis.count != 1 {
            guard axis.source == stride, axis.destination == 0 else { return nil }
            stride &*= axis.count
        }
        return product.stacked(productCount)
    }

    /// The same products, computed in one of the ways that there are.
    package func with(_ method: Method) -> BatchedProduct {
        switch method {
        case .batch(let method): return BatchedProduct(product.with(method), axes)
        case .stacked(let method):
            guard let stackedProduct else { return self }
            return BatchedProduct(stackedProduct.with(method), [], isStacked: true)
        }
    }

    private init(_ product: MatrixProduct, _ axes: [StridedCopy.Axis], isStacked: Bool = false) {
        self.product = product
        self.axes = axes
        self.isStacked = isStacked
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

    private var productCount: Int { axes.reduce(1) { $0.saturatingProduct($1.count) } }
    /// Elements of a product's result.
    private var resultSize: Int { Int(product.rows) &* Int(product.columns) }

    /// How the products are handed out: some at once, or each in panels.
    fileprivate struct Units: Sendable {
        let panels: MatrixPanels
        let productsPerUnit: Int
        let count: Int
        let nanoseconds: Int
    }

    fileprivate func units<Element: MatrixElement>(_ type: Element.Type) -> Units {
        let count = productCount
        let nanoseconds = max(1, product.nanoseconds(type))
        let productsPerUnit = min(max(1, Self.unitNanoseconds / nanoseconds), max(1, count))
        let panels = MatrixPanels(product, nanoseconds: nanoseconds)
        guard panels.count == 1 else {
            return Units(
                panels: panels, productsPerUnit: 1, count: count.saturatingProduct(panels.count),
                nanoseconds: panels.nanoseconds)
        }
        return Units(
            panels: panels, productsPerUnit: productsPerUnit, count: (count + productsPerUnit - 1) / productsPerUnit,
            nanoseconds: productsPerUnit.saturatingProduct(nanoseconds))
    }

    private static let unitNanoseconds = 40_000

    /// The phase of all products.
    func phase<Element: MatrixElement>(
        _ operands: @escaping @Sendable (KernelFrame) -> MatrixOperands<Element>
    ) -> Kernel.Phase {
        let units = units(Element.self)
        let (productCount, resultSize) = (productCount, resultSize)
        return Kernel.Phase(units: max(1, units.count), unitNanoseconds: units.nanoseconds) { [self] frame, range, _ in
            let (left, right, result) = operands(frame)
            for unit in range {
                let (group, panel) = unit.quotientAndRemainder(dividingBy: units.panels.count)
                let first = group &* units.productsPerUnit
                for index in first..<min(productCount, first &+ units.productsPerUnit) {
                    if frame.isOver(after: 1) { return }
                    let offset = offsets(of: index)
                    units.panels.multiply(
                        frame, panel: panel, left + offset.left, right + offset.right,
                        result + index &* resultSize)
                }
            }
        }
    }

    func name<Element: MatrixElement>(_ type: Element.Type) -> Kernel.Name {
        let method = product.method(type)
        return (isStacked ? Method.stacked(method) : .batch(method)).name
    }

    /// Where the matrices of a product lie, in elements.
    @inline(__always)
    private func offsets(of index: Int) -> (left: Int, right: Int) {
        var (rest, left, right) = (index, 0, 0)
        for axis in axes.indices.reversed() {
            let (quotient, position) = rest.quotientAndRemainder(dividingBy: axes[axis].count)
            rest = quotient
            left &+= position &* axes[axis].source
            right &+= position &* axes[axis].destination
        }
        return (left, right)
    }
}

extension BatchedProduct.Method {
    /// The name of a kernel that works so.
    package var name: Kernel.Name {
        switch self {
        case .batch(.matrices): "batchMatmul.blas"
        case .batch(.panels): "batchMatmul.packed"
        case .batch(.vector): "batchMatmul.blasVector"
        case .batch(.fewRows): "batchMatmul.fewRows"
        case .stacked(.matrices): "batchMatmul.stacked"
        case .stacked(.panels): "batchMatmul.stackedPacked"
        case .stacked(.vector): "batchMatmul.stackedVector"
        case .stacked(.fewRows): "batchMatmul.stackedFewRows"
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

    /// Converts the input into the scratch memory.
    func convert(_ frame: KernelFrame, _ outputWidth: Int) {
        loop.run(frame, frame.rawInput(input), width, frame.scratch + offset, outputWidth, count: count)
    }
}

/// A product of inputs of which some are converted.
private struct CastProduct: MatrixKernelMaker, Sendable {
    let product: BatchedProduct
    /// For each input; nil where it is taken as it is.
    let casts: [CastOperand?]
    let scratchBytes: Int

    func kernel<Element: MatrixElement>(_ type: Element.Type) -> Kernel {
        let (left, right) = (casts[0], casts[1])
        guard left != nil || right != nil else {
            return Kernel(
                product.name(type),
                phases: [product.phase { ($0.input(0), $0.input(1), $0.output()) as MatrixOperands<Element> }])
        }
        // Converted first, as a phase of one unit.
        let (leftOffset, rightOffset) = (left?.offset, right?.offset)
        let convert = Kernel.Phase { frame in
            left?.convert(frame, MemoryLayout<Element>.stride)
            right?.convert(frame, MemoryLayout<Element>.stride)
        }
        let multiply = product.phase { frame in
            (
                Self.operand(0, leftOffset, frame), Self.operand(1, rightOffset, frame), frame.output()
            ) as MatrixOperands<Element>
        }
        return Kernel(product.name(type), scratchBytes: scratchBytes, phases: [convert, multiply])
    }

    @inline(__always)
    private static func operand<Element: MatrixElement>(
        _ input: Int, _ offset: Int?, _ frame: KernelFrame
    ) -> UnsafePointer<Element> {
        guard let offset else { return frame.input(input) }
        return UnsafePointer((frame.scratch + offset).assumingMemoryBound(to: Element.self))
    }
}
