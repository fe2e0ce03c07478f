internal import CKernels
package import Tensors

/// A convolution of images that lie as [batch, height, width, depth] with a filter that lies in panels.
///
/// Each place of the window is a row of a product. Its factors are read where they lie in the image; only rows of the filter that
/// padding is a part of are copied.
package struct PanelConvolution: Hashable, Sendable {
    private let window: SpatialWindow
    private let batch: Int
    private let channels: Int
    private let format: PanelFormat
    private let finish: LinearFinish

    /// - Parameters:
    ///   - window: How the filter moves.
    ///   - batch: The number of images.
    ///   - channels: Of an image.
    ///   - outputs: Channels of the result.
    ///   - finish: What is done with each element.
    ///   - precision: The numbers in the panels; with bfloat16, the number of channels is even.
    ///   - level: The instructions that are used.
    package init(
        window: SpatialWindow, batch: Int, channels: Int, outputs: Int, _ finish: LinearFinish,
        _ precision: Precision = .fp32, level: PanelFormat.Level = .best
    ) {
        self.window = window
        self.batch = batch
        self.channels = channels
        self.finish = finish
        format = PanelFormat(
            depth: window.rows.filter * window.columns.filter * channels, columns: outputs, precision, level: level)
    }

    /// Whether panels of a filter may hold such numbers: those of bfloat16 lie in pairs, and a pair belongs to one place of the filter.
    ///
    /// - Parameters:
    ///   - precision: The numbers.
    ///   - channels: Of an image.
    /// - Returns: Whether they may.
    package static func takes(_ precision: Precision, channels: Int) -> Bool {
        precision == .fp32 || channels.isMultiple(of: 2)
    }

    private var places: Int { batch &* window.outputCount }

    /// Pixels for which places are gathered at a time: they stay in the second cache while all panels pass by.
    private var chunk: Int {
        let each = max(1, channels &* window.rows.stride &* window.columns.stride &* MemoryLayout<Float>.stride)
        let cached = max(Self.leastChunk, min(Self.mostChunk, Self.chunkBytes / each))
        // At the borders, rows of the filter are copied for all places of a chunk.
        let patchBytes = max(1, format.depth.saturatingProduct(MemoryLayout<Float>.stride))
        return min(max(1, places), cached, max(Self.leastPatches, Self.patchBytes / patchBytes))
    }

    private static let chunkBytes = 512 << 10
    private static let leastChunk = 48
    private static let mostChunk = 384
    private static let patchBytes = 4 << 20
    private static let leastPatches = 12

    /// The kernel: inputs are the images, the panels, and what the finish takes.
    package var kernel: Kernel {
        if window.rows.isPointwise && window.columns.isPointwise || window.rows.isWhole && window.columns.isWhole {
            return PanelProduct(rows: places, format, finish).kernel
        }
        let cut = PanelCut(format, rows: places, finish)
        let operands = PanelOperands(finish)
        let convolution = ck_panel_convolution(window: window.window, channels: Int64(channels), chunk: Int64(chunk))
        let bytes = withUnsafePointer(to: convolution) { Int(ck_panels_convolve_bytes($0)) }
        let phase = cut.phase { frame, part, own in
            var product = operands.product(frame, format)
            // Safety: the window's sizes are those of the images; the worker's memory is as large as C asks for.
            withUnsafePointer(to: convolution) { convolution in
                ck_panels_plan(convolution, &product)
                ck_panels_convolve(
                    convolution, &product, frame.input(0), Int64(part.firstRow), Int64(part.rowCount),
                    Int64(part.firstPanel), Int64(part.panelCount), own)
            }
        }
        return Kernel(
            format.precision == .bf16 ? "conv2d.bf16Panels" : "conv2d.panels", scratchBytesPerWorker: bytes,
            overwritableInputs: operands.overwritableInputs,
            phases: [phase])
    }
}
