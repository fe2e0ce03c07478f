internal import CKernels
internal import Glibc
package import Tensors

/// A convolution of each channel of images [batch, height, width, depth] with filters of its own, [height, width, depth,
/// multiplier], and its gradients.
package struct DepthwiseConvolution: Sendable, Hashable {
    private let window: SpatialWindow
    private let batch: Int
    private let depth: Int
    private let multiplier: Int

    /// - Parameters:
    ///   - window: How the filter moves.
    ///   - batch: The number of images.
    ///   - depth: Channels of an image.
    ///   - multiplier: How many filters each channel has.
    package init(window: SpatialWindow, batch: Int, depth: Int, multiplier: Int) {
        self.window = window
        self.batch = batch
        self.depth = depth
        self.multiplier = multiplier
    }

    /// The result, of images (input 0) and filter (input 1); nil for a dtype without a kernel.
    package func forward(_ dtype: DataType) -> Kernel? {
        switch dtype {
        case .float32: forward(Float.self, ck_depthwise_f32)
        case .float64: forward(Double.self, ck_depthwise_f64)
        default: nil
        }
    }

    /// The result in float32, of images (input 0), the filter (input 1) and what the finish takes, for one filter a channel.
    ///
    /// - Parameters:
    ///   - finish: What is done with each element.
    ///   - level: The instructions that are used.
    /// - Returns: The kernel.
    package func finished(_ finish: LinearFinish, level: PanelFormat.Level = .best) -> Kernel {
        let taps = window.rows.filter &* window.columns.filter
        let cut = WindowCut(
            window, batch: batch, depth: depth, outputDepth: depth,
            picoseconds: taps.saturatingProduct(
                Self.picosecondsOfTap(multiplier: 1, width: MemoryLayout<Float>.stride)
            ).saturatingSum(finish.picoseconds))
        let (format, operands) = (PanelFormat(depth: taps, columns: depth, level: level), PanelOperands(finish))
        let phase = cut.phase { frame, part in
            var product = operands.product(frame, format)
            product.output += part.result
            product.residual = product.residual.map { $0 + part.result }
            // Safety: the window's sizes are those of the images and of the output.
            ck_panels_depthwise(part.window, &product, frame.input(0) + part.image, part.imageCount)
        }
        return Kernel("conv2d.depthwise", overwritableInputs: operands.overwritableInputs, phases: [phase])
    }

    /// The gradient by the images, of the filter (input 1) and the result's gradient (input 2); nil as ``forward(_:)``.
    package func gradientByImages(_ dtype: DataType) -> Kernel? {
        switch dtype {
        case .float32: gradient(Float.self, byImages: true, ck_depthwise_back_f32)
        case .float64: gradient(Double.self, byImages: true, ck_depthwise_back_f64)
        default: nil
        }
    }

    /// The gradient by the filter, of the images (input 0) and the result's gradient (input 2); nil as ``forward(_:)``.
    package func gradientByFilter(_ dtype: DataType) -> Kernel? {
        switch dtype {
        case .float32: gradient(Float.self, byImages: false, ck_depthwise_back_f32)
        case .float64: gradient(Double.self, byImages: false, ck_depthwise_back_f64)
        default: nil
        }
    }

    /// About how long a tap of the filter takes for an element of the result: several filters share the steps that lead to a
    /// channel.
    static func picosecondsOfTap(multiplier: Int, width: Int) -> Int {
        multiplier == 1 ? 15 &* width : 475 &* width / max(1, multiplier) &+ 4 &* width
    }

    private typealias Forward<Element> =
        @Sendable (
            UnsafePointer<ckernels_window>?, Int64, Int64, Int64, UnsafePointer<Element>?, UnsafePointer<Element>?,
            UnsafeMutablePointer<Element>?
        ) -> Void

    private typealias Backward<Element> =
        @Sendable (
            UnsafePointer<ckernels_window>?, Int64, Int64, Int64, UnsafePointer<Element>?, UnsafePointer<Element>?,
            UnsafePointer<Element>?, UnsafeMutablePointer<Element>?, UnsafeMutablePointer<Element>?
        ) -> Void

    private func forward<Element: BitwiseCopyable & Sendable>(
        _ type: Element.Type, _ function: @escaping Forward<Element>
    ) -> Kernel {
        let taps = window.rows.filter &* window.columns.filter
        let cut = WindowCut(
            window, batch: batch, depth: depth, outputDepth: depth &* multiplier,
            picoseconds: taps.saturatingProduct(
                Self.picosecondsOfTap(multiplier: multiplier, width: MemoryLayout<Element>.stride)))
        let (depth, multiplier) = (Int64(depth), Int64(multiplier))
        let phase = cut.phase { frame, part in
            // Safety: the window's sizes are those of the images and of the output.
            function(
                part.window, part.imageCount, depth, multiplier, frame.input(0) + part.image, frame.input(1),
                frame.output() + part.result)
        }
        return Kernel("conv2d.depthwise", phases: [phase])
    }

    private func gradient<Element: BitwiseCopyable & Sendable>(
        _ type: Element.Type, byImages: Bool, _ function: @escaping Backward<Element>
    ) -> Kernel {
        let pixels = byImages ? batch &* window.rows.size &* window.columns.size : 0
        let taps = byImages ? 0 : window.rows.filter &* window.columns.filter &* multiplier
        let bytes = (pixels &+ taps) &* depth &* MemoryLayout<Element>.stride
        return Kernel {
            [window = window.window, batch = Int64(batch), depth = Int64(depth), multiplier = Int64(multiplier)] in
            let frame = $0
            let output = frame.output(as: Element.self)
            memset(output, 0, bytes)
            // Safety: the window's sizes are those of the images and of the gradient. The input that only tells the sizes
            // of the output is not read.
            withUnsafePointer(to: window) { window in
                let (image, result) = (window.imageSize(depth), window.resultSize(depth &* multiplier))
                let work = result &* Int(window.pointee.filter_height &* window.pointee.filter_width)
                frame.inBlocks(ofRows: Int(batch), work: work) { first, count in
                    function(
                        window, Int64(count), depth, multiplier,
                        byImages ? nil : frame.input(0, as: Element.self) + first &* image,
                        byImages ? frame.input(1) : nil, frame.input(2, as: Element.self) + first &* result,
                        byImages ? output + first &* image : nil, byImages ? nil : output)
                }
            }
        }
    }
}
