internal import CKernels
internal import Tensors

/// A convolution of images that lie as [batch, height, width, depth], as products of matrices, with everything computed that can be.
struct ConvolutionProduct<Element: MatrixElement>: Sendable {
    /// Where everything lies in a call.
    struct Operands {
        let images: UnsafePointer<Element>
        let filter: UnsafePointer<Element>
        let output: UnsafeMutablePointer<Element>
        /// ``ConvolutionProduct/sharedBytes`` of memory.
        let shared: UnsafeMutableRawPointer
    }

    /// Memory that all workers share.
    let sharedBytes: Int
    /// Memory that each worker needs for himself.
    let bytesPerWorker: Int
    /// About how long everything takes.
    let nanoseconds: Int
    private let convolution: Convolution
    private let method: Convolution.Method
    private let window: ckernels_window
    /// Elements of a row of patches.
    private let depth: Int
    private let rowCount: Int
    private let rowsPerBlock: Int
    private let blockCount: Int
    private let block: MatrixProduct
    private let lastBlock: MatrixProduct
    private let panels: MatrixPanels

    private var width: Int { MemoryLayout<Element>.stride }
    private var groupDepth: Int { convolution.inputDepth / convolution.groups }
    private var groupOutputs: Int { convolution.outputDepth / convolution.groups }

    /// All products here are at most the number of elements of a tensor, or of the filter.
    ///
    /// - `method`: Not depthwise.
    ///
    /// Gives nil for sizes that BLAS cannot count.
    init?(_ convolution: Convolution, _ method: Convolution.Method) {
        self.convolution = convolution
        self.method = method
        window = convolution.window.window
        depth = convolution.patchSize
        rowCount = convolution.places
        rowsPerBlock = method == .blocks ? convolution.rowsPerBlock(MemoryLayout<Element>.stride) : rowCount
        blockCount = rowsPerBlock == 0 ? 0 : (rowCount + rowsPerBlock - 1) / rowsPerBlock
        let (depth, outputs, groups) = (depth, convolution.outputDepth, convolution.groups)
        func product(_ rows: Int) -> MatrixProduct? {
            MatrixProduct(
                rows: rows, columns: outputs / groups, depth: depth, rightStride: outputs, resultStride: outputs)
        }
        let rest = blockCount == 0 ? 0 : rowCount - (blockCount - 1) * rowsPerBlock
        guard let block = product(rowsPerBlock), let lastBlock = product(rest) else { return nil }
        self.block = block
        self.lastBlock = lastBlock
        panels = MatrixPanels(block, nanoseconds: block.nanoseconds(Element.self))
        let patchBytes = rowsPerBlock &* depth &* MemoryLayout<Element>.stride
        sharedBytes = method == .patches ? patchBytes : 0
        bytesPerWorker = method == .blocks ? patchBytes : 0
        let copying = rowsPerBlock.saturatingProduct(depth &* MemoryLayout<Element>.stride * 30) / 1000
        let each = block.nanoseconds(Element.self).saturatingSum(method == .product ? 0 : copying)
        nanoseconds = each.saturatingProduct(blockCount &* groups)
    }

    /// The phases of a kernel.
    func phases(_ operands: @escaping @Sendable (KernelFrame) -> Operands) -> [Kernel.Phase] {
        guard method != .blocks else {
            let units = max(1, blockCount &* convolution.groups)
            let phase = Kernel.Phase(units: units, unitNanoseconds: nanoseconds / units) { frame, units, own in
                run(frame, units: units, operands(frame), own)
            }
            return [phase]
        }
        let multiply = panels.phase { frame in
            let operands = operands(frame)
            let left = method == .product ? operands.images : Self.patches(operands.shared)
            return (left, operands.filter, operands.output)
        }
        return method == .product ? [multiply] : [copyPhase(operands)] + [multiply]
    }

    /// Copies everything that the filter sees, in parts of some places.
    private func copyPhase(_ operands: @escaping @Sendable (KernelFrame) -> Operands) -> Kernel.Phase {
        let rowNanoseconds = max(1, depth &* width &* 30 / 1000)
        let rowsPerUnit = max(1, 25_000 / rowNanoseconds)
        let units = max(1, (rowCount + rowsPerUnit - 1) / rowsPerUnit)
        return Kernel.Phase(units: units, unitNanoseconds: rowsPerUnit &* rowNanoseconds) { frame, units, _ in
            let operands = operands(frame)
            for unit in units {
                let first = unit &* rowsPerUnit
                let count = min(rowsPerUnit, rowCount &- first)
                guard count > 0 else { return }
                fill(operands.shared + first &* depth &* width, first, count, operands.images)
                if frame.isOver(after: count &* depth) { return }
            }
        }
    }

    /// Computes everything on this thread.
    ///
    /// - `own`: ``bytesPerWorker`` of memory.
    func run(_ frame: KernelFrame, _ operands: Operands, own: UnsafeMutableRawPointer) {
        switch method {
        case .blocks: run(frame, units: 0..<blockCount &* convolution.groups, operands, own)
        case .patches, .product, .depthwise:
            guard rowCount > 0 else { return }
            if method == .patches { fill(operands.shared, 0, rowCount, operands.images) }
            let left = method == .product ? operands.images : Self.patches(operands.shared)
            for panel in 0..<panels.count {
                if frame.isOver(after: 1) { return }
                panels.multiply(frame, panel: panel, left, operands.filter, operands.output)
            }
        }
    }

    /// Computes some blocks of groups, all groups of a block one after another.
    private func run(
        _ frame: KernelFrame, units: Range<Int>, _ operands: Operands, _ scratch: UnsafeMutableRawPointer
    ) {
        guard rowCount > 0 else { return }
        let patchWork = rowsPerBlock &* depth
        for unit in units {
            let (number, group) = unit.quotientAndRemainder(dividingBy: convolution.groups)
            let first = number &* rowsPerBlock
            let product = number &+ 1 < blockCount ? block : lastBlock
            fill(scratch, first, Int(product.rows), operands.images + group &* groupDepth)
            if frame.isOver(after: patchWork) { return }
            Element.multiply(
                frame, product, Self.patches(scratch), operands.filter + group &* groupOutputs,
                operands.output + first &* convolution.outputDepth + group &* groupOutputs)
        }
    }

    private static func patches(_ memory: UnsafeMutableRawPointer) -> UnsafePointer<Element> {
        UnsafePointer(memory.assumingMemoryBound(to: Element.self))
    }

    private func fill(
        _ patches: UnsafeMutableRawPointer, _ first: Int, _ count: Int, _ images: UnsafePointer<Element>
    ) {
        // Safety: the window's sizes are those of the images; there is room for `count` rows.
        withUnsafePointer(to: window) { window in
            ckernels_window_patches(
                window, images, Int64(convolution.inputDepth &* width), Int64(groupDepth &* width), Int64(first),
                Int64(count), patches)
        }
    }
}
