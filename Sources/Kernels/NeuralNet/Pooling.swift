internal import CKernels
package import Tensors

/// A pool over the rows and columns of images that lie as [batch, height, width, depth].
package struct Pooling: Sendable, Hashable {
    /// What becomes of the places that the window sees.
    package enum Reduction: Sendable, Hashable {
        case maximum
        case mean
    }

    private let reduction: Reduction
    private let window: SpatialWindow
    private let batch: Int
    private let depth: Int

    /// - Parameters:
    ///   - reduction: What becomes of the places that the window sees.
    ///   - window: How it moves.
    ///   - batch: The number of images.
    ///   - depth: Channels, each on its own.
    package init(_ reduction: Reduction, window: SpatialWindow, batch: Int, depth: Int) {
        self.reduction = reduction
        self.window = window
        self.batch = batch
        self.depth = depth
    }

    /// The kernel of the images, input 0; nil for a dtype that has none.
    package func kernel(_ dtype: DataType) -> Kernel? {
        switch (reduction, dtype) {
        case (.maximum, .float32): kernel(Float.self, ckernels_max_pool_f32)
        case (.maximum, .float64): kernel(Double.self, ckernels_max_pool_f64)
        case (.maximum, .int64): kernel(Int64.self, ckernels_max_pool_i64)
        case (.maximum, .int32): kernel(Int32.self, ckernels_max_pool_i32)
        case (.maximum, .int16): kernel(Int16.self, ckernels_max_pool_i16)
        case (.maximum, .uint16): kernel(UInt16.self, ckernels_max_pool_u16)
        case (.maximum, .int8): kernel(Int8.self, ckernels_max_pool_i8)
        case (.maximum, .uint8): kernel(UInt8.self, ckernels_max_pool_u8)
        case (.mean, .float32): kernel(Float.self, ckernels_mean_pool_f32)
        case (.mean, .float64): kernel(Double.self, ckernels_mean_pool_f64)
        default: nil
        }
    }

    private typealias Function<Element> =
        @Sendable (
            UnsafePointer<ckernels_window>?, Int64, Int64, UnsafePointer<Element>?, UnsafeMutablePointer<Element>?
        ) -> Void

    private func kernel<Element: BitwiseCopyable & Sendable>(
        _ type: Element.Type, _ function: @escaping Function<Element>
    ) -> Kernel {
        let taps = window.rows.filter &* window.columns.filter
        let cut = WindowCut(
            window, batch: batch, depth: depth, outputDepth: depth,
            picoseconds: taps.saturatingProduct(30 &* MemoryLayout<Element>.stride))
        let depth = Int64(depth)
        let phase = cut.phase { frame, part in
            // Safety: the window's sizes are those of the images and of the output.
            function(part.window, part.imageCount, depth, frame.input(0) + part.image, frame.output() + part.result)
        }
        return Kernel(reduction == .maximum ? "pool.maximum" : "pool.mean", phases: [phase])
    }
}

extension Kernel {
    /// The largest of each `window` neighbouring elements of input 0: a pool across channels; nil for a dtype that has none.
    ///
    /// A NaN that comes first stays; others never win.
    package static func maximum(outputCount: Int, window: Int, _ dtype: DataType) -> Kernel? {
        dtype.accept(MaximumOfNeighbours(outputCount: outputCount, window: window))
    }

    private struct MaximumOfNeighbours: RealVisitor {
        let outputCount: Int
        let window: Int

        func visit<Element: RealNumber>(_ type: Element.Type) -> Kernel {
            .elements(
                "pool.channels", count: outputCount, picoseconds: window.saturatingProduct(1000), work: window
            ) { [window] frame, first, count in
                let input = frame.input(0, as: Element.self)
                let output = frame.output(as: Element.self)
                for index in first..<first + count {
                    let first = input + index &* window
                    var best = first[0]
                    for place in 1..<window where best < first[place] { best = first[place] }
                    output[index] = best
                }
            }
        }
    }
}
