package import Tensors

/// The grayscale dilation of images [batch, height, width, depth] by a filter [height, width, depth]: at each place the
/// largest sum of a pixel and the filter's element.
package struct Morphology: Sendable, Hashable {
    private let window: SpatialWindow
    private let batch: Int
    private let depth: Int

    /// - Parameters:
    ///   - window: How the filter moves; its dilation is TensorFlow's rate.
    ///   - batch: The number of images.
    ///   - depth: Channels, each on its own.
    package init(window: SpatialWindow, batch: Int, depth: Int) {
        self.window = window
        self.batch = batch
        self.depth = depth
    }

    /// The kernel of images (input 0) and filter (input 1); nil for a dtype that is not real.
    package func kernel(_ dtype: DataType) -> Kernel? { dtype.accept(Dilation(shape: self)) }

    private struct Dilation: RealVisitor {
        let shape: Morphology

        func visit<Element: RealNumber>(_ type: Element.Type) -> Kernel {
            Kernel("dilation2d") { [shape] frame in
                shape.dilate(frame, frame.input(0, as: Element.self), frame.input(1), frame.output())
            }
        }
    }

    private func dilate<Element: RealNumber>(
        _ frame: KernelFrame, _ images: UnsafePointer<Element>, _ filter: UnsafePointer<Element>,
        _ output: UnsafeMutablePointer<Element>
    ) {
        let (rows, columns) = (window.rows, window.columns)
        var result = output
        for image in 0..<batch {
            for row in 0..<rows.outputSize {
                for column in 0..<columns.outputSize {
                    if frame.isOver(after: depth) { return }
                    result.update(repeating: Element.lowest, count: depth)
                    for filterRow in 0..<rows.filter {
                        let y = row &* rows.stride &- rows.padding &+ filterRow &* rows.dilation
                        if frame.isOver(after: columns.filter &* (1 &+ depth)) { return }
                        guard y >= 0, y < rows.size else { continue }
                        for filterColumn in 0..<columns.filter {
                            let x = column &* columns.stride &- columns.padding &+ filterColumn &* columns.dilation
                            guard x >= 0, x < columns.size else { continue }
                            let pixel = images + ((image &* rows.size &+ y) &* columns.size &+ x) &* depth
                            let weight = filter + (filterRow &* columns.filter &+ filterColumn) &* depth
                            for channel in 0..<depth {
                                let sum = Element.sum(pixel[channel], weight[channel])
                                if result[channel] < sum { result[channel] = sum }
                            }
                        }
                    }
                    result += depth
                }
            }
        }
    }
}
