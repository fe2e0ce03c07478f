internal import CKernels
package import Tensors

/// A convolution of images that lie as [batch, height, width, depth] with a filter [height, width, depth / groups, outputs].
///
/// What the filter sees at each place becomes a row of a matrix, a block of rows at a time, which is multiplied with the
/// filter. Where the rows lie in the image as they are, nothing is copied.
package struct Convolution: Sendable, Hashable {
    private let window: SpatialWindow
    private let batch: Int
    private let inputDepth: Int
    private let outputDepth: Int
    private let groups: Int

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

    /// The kernel of images (input 0) and filter (input 1).
    ///
    /// - Parameters:
    ///   - dtype: Of both inputs.
    ///   - channelsFirst: The images lie as [batch, depth, height, width], and so does the result.
    /// - Returns: nil for a dtype without a kernel, and for sizes that BLAS cannot count.
    package func kernel(_ dtype: DataType, channelsFirst: Bool) -> Kernel? {
        if let kernel = depthwise(channelsFirst)?.forward(dtype) { return kernel }
        return switch dtype {
        case .float32: kernel(Float.self, channelsFirst)
        case .float64: kernel(Double.self, channelsFirst)
        case .int32: kernel(Int32.self, channelsFirst)
        default: nil
        }
    }

    private func kernel<Element: MatrixElement>(_ type: Element.Type, _ channelsFirst: Bool) -> Kernel? {
        if channelsFirst {
            return ChannelsFirst<Element>(self.withBatch(1), batch: batch)?.kernel
        }
        guard let blocks = Blocks<Element>(self) else { return nil }
        return Kernel(scratchBytes: blocks.scratchBytes) { frame in
            blocks.run(frame, frame.input(0), frame.input(1), frame.output(), frame.scratch)
        }
    }

    /// The same with a group a channel: its filter lies as that of a depthwise convolution.
    private func depthwise(_ channelsFirst: Bool) -> DepthwiseConvolution? {
        guard groups > 1, groups == inputDepth, !channelsFirst else { return nil }
        return DepthwiseConvolution(
            window: window, batch: batch, depth: inputDepth, multiplier: outputDepth / groups)
    }

    private func withBatch(_ count: Int) -> Convolution {
        Convolution(
            window: window, batch: count, inputDepth: inputDepth, outputDepth: outputDepth, groups: groups)
    }
}

extension Convolution {
    /// Rows of patches are made until they take this many bytes; a single row may take more.
    private static let blockBytes = 1 << 20

    /// The loops, with everything computed that can be.
    private struct Blocks<Element: MatrixElement>: Sendable {
        private let convolution: Convolution
        private let window: ckernels_window
        /// Elements of a row of patches.
        private let depth: Int
        private let rowCount: Int
        private let rowsPerBlock: Int
        private let block: MatrixProduct
        private let lastBlock: MatrixProduct
        private let needsPatches: Bool

        private var width: Int { MemoryLayout<Element>.stride }
        private var groupDepth: Int { convolution.inputDepth / convolution.groups }
        private var groupOutputs: Int { convolution.outputDepth / convolution.groups }

        var scratchBytes: Int { needsPatches ? rowsPerBlock &* depth &* width : 0 }

        /// All products here are at most the number of elements of a tensor, or of the filter.
        init?(_ convolution: Convolution) {
            self.convolution = convolution
            let (rows, columns) = (convolution.window.rows, convolution.window.columns)
            window = convolution.window.window
            depth = rows.filter &* columns.filter &* (convolution.inputDepth / convolution.groups)
            rowCount = convolution.batch &* convolution.window.outputCount
            let isDirect = rows.isPointwise && columns.isPointwise || rows.isWhole && columns.isWhole
            needsPatches = !(isDirect && convolution.groups == 1)
            let rowBytes = max(1, depth &* MemoryLayout<Element>.stride)
            let mostRows = needsPatches ? max(1, Convolution.blockBytes / rowBytes) : max(1, rowCount)
            let blockCount = (rowCount + mostRows - 1) / mostRows
            rowsPerBlock = blockCount == 0 ? 0 : (rowCount + blockCount - 1) / blockCount
            let rest = rowsPerBlock == 0 ? 0 : rowCount - (blockCount - 1) * rowsPerBlock
            let outputs = convolution.outputDepth
            func product(_ rows: Int, _ depth: Int) -> MatrixProduct? {
                MatrixProduct(
                    rows: rows, columns: outputs / convolution.groups, depth: depth, rightStride: outputs,
                    resultStride: outputs)
            }
            guard let block = product(rowsPerBlock, depth), let lastBlock = product(rest, depth) else { return nil }
            self.block = block
            self.lastBlock = lastBlock
        }

        func run(
            _ frame: KernelFrame, _ images: UnsafePointer<Element>, _ filter: UnsafePointer<Element>,
            _ output: UnsafeMutablePointer<Element>, _ scratch: UnsafeMutableRawPointer
        ) {
            guard rowCount > 0 else { return }
            let patchWork = rowsPerBlock &* depth
            guard needsPatches else { return Element.multiply(frame, block, images, filter, output) }
            for first in stride(from: 0, to: rowCount, by: rowsPerBlock) {
                let product = rowCount &- first > Int(lastBlock.rows) ? block : lastBlock
                for group in 0..<convolution.groups {
                    fill(scratch, first, Int(product.rows), images + group &* groupDepth)
                    if frame.isOver(after: patchWork) { return }
                    Element.multiply(
                        frame, product, UnsafePointer(scratch.assumingMemoryBound(to: Element.self)),
                        filter + group &* groupOutputs,
                        output + first &* convolution.outputDepth + group &* groupOutputs)
                }
            }
        }

        private func fill(
            _ scratch: UnsafeMutableRawPointer, _ first: Int, _ count: Int, _ images: UnsafePointer<Element>
        ) {
            // Safety: the window's sizes are those of the images; the scratch holds `count` rows.
            withUnsafePointer(to: window) { window in
                ckernels_window_patches(
                    window, images, Int64(convolution.inputDepth &* width), Int64(groupDepth &* width),
                    Int64(first), Int64(count), scratch)
            }
        }
    }

    /// The same for images whose channels come first: one image after the other is turned round.
    private struct ChannelsFirst<Element: MatrixElement>: Sendable {
        private let blocks: Blocks<Element>
        private let batch: Int
        private let imageBytes: Int
        private let resultBytes: Int
        private let turnImage: StridedCopy
        private let turnResult: StridedCopy

        init?(_ convolution: Convolution, batch: Int) {
            guard let blocks = Blocks<Element>(convolution) else { return nil }
            self.blocks = blocks
            self.batch = batch
            let width = MemoryLayout<Element>.stride
            let pixels = convolution.window.rows.size &* convolution.window.columns.size
            let places = convolution.window.outputCount
            imageBytes = pixels &* convolution.inputDepth &* width
            resultBytes = places &* convolution.outputDepth &* width
            turnImage = StridedCopy(transposing: convolution.inputDepth, pixels, width: width)
            turnResult = StridedCopy(transposing: places, convolution.outputDepth, width: width)
        }

        var kernel: Kernel {
            let imageRoom = imageBytes.roundedUp(to: TensorStorage.alignment)
            let resultRoom = resultBytes.roundedUp(to: TensorStorage.alignment)
            return Kernel(scratchBytes: imageRoom + resultRoom + blocks.scratchBytes) { frame in
                let image = frame.scratch
                let result = image + imageRoom
                for number in 0..<batch {
                    turnImage.run(frame, from: frame.rawInput(0) + number &* imageBytes, to: image)
                    blocks.run(
                        frame, UnsafePointer(image.assumingMemoryBound(to: Element.self)), frame.input(1),
                        result.assumingMemoryBound(to: Element.self), result + resultRoom)
                    turnResult.run(frame, from: result, to: frame.rawOutput() + number &* resultBytes)
                }
            }
        }
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
