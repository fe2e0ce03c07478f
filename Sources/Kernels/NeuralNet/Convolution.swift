internal import CKernels
package import Tensors

/// A convolution of images that lie as [batch, height, width, depth] with a filter [height, width, depth / groups, outputs].
///
/// What the filter sees at each place becomes a row of a matrix, which is multiplied with the filter. There are several ways to do that:
/// see ``Method``.
package struct Convolution: Sendable, Hashable {
    let window: SpatialWindow
    let batch: Int
    let inputDepth: Int
    let outputDepth: Int
    let groups: Int

    /// - Parameters:
    ///   - window: How the filter moves.
    ///   - batch: The number of images.
    ///   - inputDepth: Channels of an image.
    ///   - outputDepth: Channels of the result.
    ///   - groups: Parts of the channels, on both sides, that know nothing of each other; at least 1, a divisor of both.
    package init(window: SpatialWindow, batch: Int, inputDepth: Int, outputDepth: Int, groups: Int) {
        self.window = window
        self.batch = batch
        self.inputDepth = inputDepth
        self.outputDepth = outputDepth
        self.groups = groups
    }

    /// Ways to compute the same convolution.
    package enum Method: Sendable, Hashable {
        /// Each channel by itself.
        case depthwise
        /// The images as they lie are the matrix of a product.
        case product
        /// What the filter sees is copied, a block of rows of a matrix at a time.
        case blocks
        /// All that the filter sees is copied before the product, which is then cut by outputs.
        case patches
    }

    /// The ways that there are, with about how long each takes; none for a dtype without a kernel.
    package func methods(_ dtype: DataType, channelsFirst: Bool) -> [(method: Method, picoseconds: Int)] {
        let picoseconds: Int
        switch dtype {
        case .float32: picoseconds = Float.picosecondsOfProduct
        case .float64: picoseconds = Double.picosecondsOfProduct
        case .int32: picoseconds = Int32.picosecondsOfProduct
        default: return []
        }
        let multiplying = places.saturatingProduct(patchSize).saturatingProduct(outputDepth).saturatingProduct(
            picoseconds)
        let taps = window.rows.filter &* window.columns.filter
        var copying = places.saturatingProduct(patchSize &* groups).saturatingProduct(30 &* dtype.stride)
        if groups > 1 {
            // The part of each pixel that a group sees is copied by itself, and each group has a product of its own.
            copying = copying.saturatingSum(places.saturatingProduct(groups).saturatingProduct(taps &* 1500 &+ 6000))
        }
        var methods: [(method: Method, picoseconds: Int)] = []
        if isDepthwise(channelsFirst), dtype != .int32 {
            let work = places.saturatingProduct(outputDepth).saturatingProduct(taps)
            let each = DepthwiseConvolution.picosecondsOfTap(multiplier: outputDepth / groups, width: dtype.stride)
            methods.append((.depthwise, work.saturatingProduct(each)))
        }
        if isProduct { methods.append((.product, multiplying)) }
        let block = multiplying.saturatingSum(copying)
        methods.append((.blocks, block))
        if mayCopyAll(dtype.stride) {
            // Worth it where there would be too few blocks to share out.
            let isBetter = blockCount(dtype.stride) < 4 && places < outputDepth
            methods.append((.patches, isBetter ? block - 1 : block.saturatingSum(1)))
        }
        return methods
    }

    /// The kernel that computes in one of the ways that there are.
    ///
    /// - Parameters:
    ///   - dtype: Of both inputs.
    ///   - method: One of ``methods(_:channelsFirst:)``.
    ///   - channelsFirst: The images lie as [batch, depth, height, width], and so does the result.
    /// - Returns: nil for a dtype without a kernel, and for sizes that BLAS cannot count.
    package func kernel(_ dtype: DataType, _ method: Method, channelsFirst: Bool) -> Kernel? {
        if method == .depthwise {
            return DepthwiseConvolution(
                window: window, batch: batch, depth: inputDepth, multiplier: outputDepth / groups
            ).forward(dtype)
        }
        return switch dtype {
        case .float32: kernel(Float.self, method, channelsFirst)
        case .float64: kernel(Double.self, method, channelsFirst)
        case .int32: kernel(Int32.self, method, channelsFirst)
        default: nil
        }
    }

    private func kernel<Element: MatrixElement>(
        _ type: Element.Type, _ method: Method, _ channelsFirst: Bool
    ) -> Kernel? {
        if channelsFirst { return ChannelsFirst<Element>(withBatch(1), batch: batch, method)?.kernel }
        guard let product = ConvolutionProduct<Element>(self, method) else { return nil }
        let phases = product.phases { frame in
            ConvolutionProduct.Operands(
                images: frame.input(0), filter: frame.input(1), output: frame.output(), shared: frame.scratch)
        }
        return Kernel(
            method.name, scratchBytes: product.sharedBytes, scratchBytesPerWorker: product.bytesPerWorker,
            phases: phases)
    }

    /// Whether a group is a channel, so that the filter lies as that of a depthwise convolution.
    private func isDepthwise(_ channelsFirst: Bool) -> Bool { groups == inputDepth && !channelsFirst }

    /// Whether the rows of patches lie in the images as they are.
    private var isProduct: Bool {
        let (rows, columns) = (window.rows, window.columns)
        return groups == 1 && (rows.isPointwise && columns.isPointwise || rows.isWhole && columns.isWhole)
    }

    /// Places of the window in all images.
    var places: Int { batch &* window.outputCount }

    /// Elements of what the filter sees of a group at one place.
    var patchSize: Int { window.rows.filter &* window.columns.filter &* (inputDepth / groups) }

    /// So many rows of patches are made at a time, for elements of some width.
    func rowsPerBlock(_ width: Int) -> Int {
        let blocks = blockCount(width)
        return blocks == 0 ? 0 : (places + blocks - 1) / blocks
    }

    private func blockCount(_ width: Int) -> Int {
        let maxRows = max(1, Self.blockBytes / max(1, patchSize &* width))
        return (places + maxRows - 1) / maxRows
    }

    /// Rows of patches are made until they take this many bytes; a single row may take more.
    private static let blockBytes = 1 << 20
    /// All of them are made at once only if they take no more than this.
    private static let maxPatchBytes = 4 << 20

    private func mayCopyAll(_ width: Int) -> Bool {
        groups == 1 && !isProduct && places.saturatingProduct(patchSize &* width) <= Self.maxPatchBytes
    }

    private func withBatch(_ count: Int) -> Convolution {
        Convolution(
            window: window, batch: count, inputDepth: inputDepth, outputDepth: outputDepth, groups: groups)
    }
}

extension Convolution.Method {
    /// The name of a kernel that works so.
    package var name: Kernel.Name {
        switch self {
        case .depthwise: "conv2d.depthwise"
        case .product: "conv2d.product"
        case .blocks: "conv2d.im2colBlocks"
        case .patches: "conv2d.im2colWhole"
        }
    }
}

/// Images whose channels come first: they are turned round before the convolution, and its result after it.
private struct ChannelsFirst<Element: MatrixElement>: Sendable {
    private let product: ConvolutionProduct<Element>
    private let name: Kernel.Name
    private let batch: Int
    private let imageBytes: Int
    private let resultBytes: Int
    private let turnImage: StridedCopy
    private let turnResult: StridedCopy
    /// Where the turned result lies behind the turned image, and what follows both.
    private let resultOffset: Int
    private let endOffset: Int

    /// - `convolution`: Of one image.
    init?(_ convolution: Convolution, batch: Int, _ method: Convolution.Method) {
        guard let product = ConvolutionProduct<Element>(convolution, method) else { return nil }
        self.product = product
        name = method.name
        self.batch = batch
        let width = MemoryLayout<Element>.stride
        let pixels = convolution.window.rows.size &* convolution.window.columns.size
        let places = convolution.window.outputCount
        imageBytes = pixels &* convolution.inputDepth &* width
        resultBytes = places &* convolution.outputDepth &* width
        turnImage = StridedCopy(transposing: convolution.inputDepth, pixels, width: width)
        turnResult = StridedCopy(transposing: places, convolution.outputDepth, width: width)
        resultOffset = imageBytes.roundedUp(to: TensorStorage.alignment)
        endOffset = resultOffset &+ resultBytes.roundedUp(to: TensorStorage.alignment)
    }

    /// With more images than this, each of them is computed by one worker.
    private static var maxCutImages: Int { 4 }

    var kernel: Kernel { batch <= Self.maxCutImages ? kernelOfImages : kernelOfBatch }

    /// One image after the other, each cut.
    private var kernelOfImages: Kernel {
        let phases = (0..<batch).flatMap { number in
            let (images, results) = (number &* imageBytes, number &* resultBytes)
            let turn = CopyUnits([CopyUnits.Move(copy: turnImage, source: images)])
            let turnBack = CopyUnits([CopyUnits.Move(copy: turnResult, source: resultOffset, destination: results)])
            return [turn.phase(from: { frame, _ in frame.rawInput(0) }, to: { frame, _ in frame.scratch })]
                + product.phases { frame in operands(frame, frame.scratch) }
                + [
                    turnBack.phase(
                        from: { frame, _ in UnsafeRawPointer(frame.scratch) }, to: { frame, _ in frame.rawOutput() })
                ]
        }
        return Kernel(
            name, scratchBytes: endOffset &+ product.sharedBytes, scratchBytesPerWorker: product.bytesPerWorker,
            phases: phases)
    }

    /// Images as units.
    private var kernelOfBatch: Kernel {
        let ownOffset = endOffset &+ product.sharedBytes.roundedUp(to: TensorStorage.alignment)
        let phase = Kernel.Phase(units: batch, unitNanoseconds: product.nanoseconds) { frame, images, memory in
            for number in images {
                turn(frame, number, memory)
                product.run(frame, operands(frame, memory), own: memory + ownOffset)
                turnBack(frame, number, memory)
                if frame.hasFault { return }
            }
        }
        return Kernel(name, scratchBytesPerWorker: ownOffset &+ product.bytesPerWorker, phases: [phase])
    }

    private func turn(_ frame: KernelFrame, _ number: Int, _ memory: UnsafeMutableRawPointer) {
        turnImage.run(frame, from: frame.rawInput(0) + number &* imageBytes, to: memory)
    }

    private func turnBack(_ frame: KernelFrame, _ number: Int, _ memory: UnsafeMutableRawPointer) {
        turnResult.run(frame, from: memory + resultOffset, to: frame.rawOutput() + number &* resultBytes)
    }

    private func operands(
        _ frame: KernelFrame, _ memory: UnsafeMutableRawPointer
    ) -> ConvolutionProduct<Element>.Operands {
        ConvolutionProduct.Operands(
            images: UnsafePointer(memory.assumingMemoryBound(to: Element.self)), filter: frame.input(1),
            output: (memory + resultOffset).assumingMemoryBound(to: Element.self), shared: memory + endOffset)
    }
}

extension StridedCopy {
    /// Turns a matrix round.
    ///
    /// - Parameters:
    ///   - rows: Of the source.
    ///   - columns: Of the source.
    ///   - width: Bytes of an element.
    package init(transposing rows: Int, _ columns: Int, width: Int) {
        self.init(
            width: width,
            [
                Axis(count: columns, source: width, destination: rows &* width),
                Axis(count: rows, source: columns &* width, destination: width),
            ])
    }
}
