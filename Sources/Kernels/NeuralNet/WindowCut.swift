internal import CKernels

/// How the result of a window that moves over images is cut: into groups of images, or parts of some rows of one image.
struct WindowCut: Sendable {
    private let window: SpatialWindow
    private let batch: Int
    private let imagesPerUnit: Int
    private let unitsPerImage: Int
    private let rowsPerUnit: Int
    private let unitNanoseconds: Int
    /// Elements of an image.
    private let imageSize: Int
    /// Elements of a row of the result.
    private let rowSize: Int

    /// So long may a unit be.
    private static let nanoseconds = 40_000

    /// - Parameters:
    ///   - window: How it moves.
    ///   - batch: The number of images.
    ///   - depth: Channels of an image.
    ///   - outputDepth: Channels of the result.
    ///   - picoseconds: About how long an element of the result takes.
    init(_ window: SpatialWindow, batch: Int, depth: Int, outputDepth: Int, picoseconds: Int) {
        self.window = window
        self.batch = batch
        imageSize = window.rows.size &* window.columns.size &* depth
        rowSize = window.columns.outputSize &* outputDepth
        let rows = window.rows.outputSize
        let rowPicoseconds = max(1, rowSize.saturatingProduct(picoseconds))
        let imagePicoseconds = max(1, rows.saturatingProduct(rowPicoseconds))
        let maxPicoseconds = Self.nanoseconds * 1000
        imagesPerUnit = min(max(1, maxPicoseconds / imagePicoseconds), max(1, batch))
        let rowsAtMost = max(1, maxPicoseconds / rowPicoseconds)
        unitsPerImage = imagesPerUnit > 1 ? 1 : max(1, (rows + rowsAtMost - 1) / rowsAtMost)
        rowsPerUnit = (rows + unitsPerImage - 1) / unitsPerImage
        unitNanoseconds =
            imagesPerUnit > 1
            ? imagesPerUnit.saturatingProduct(imagePicoseconds) / 1000
            : rowsPerUnit.saturatingProduct(rowPicoseconds) / 1000
    }

    /// A part of the result: some rows of some images.
    struct Part {
        /// The window over those rows alone.
        let window: UnsafePointer<ckernels_window>
        let imageCount: Int64
        /// Where the first image begins, in elements.
        let image: Int
        /// Where the rows of the result begin, in elements.
        let result: Int
    }

    /// The phase of all images.
    ///
    /// - Parameter body: Computes a part.
    /// - Returns: The phase.
    @inline(__always)
    func phase(_ body: @escaping @Sendable (KernelFrame, Part) -> Void) -> Kernel.Phase {
        let rows = window.rows.outputSize
        let taps = window.rows.filter &* window.columns.filter
        let groups = (batch + imagesPerUnit - 1) / imagesPerUnit
        return Kernel.Phase(units: groups &* unitsPerImage, unitNanoseconds: unitNanoseconds) { frame, units, _ in
            for unit in units {
                let (group, part) = unit.quotientAndRemainder(dividingBy: unitsPerImage)
                let image = group &* imagesPerUnit
                let count = min(imagesPerUnit, batch &- image)
                let first = part &* rowsPerUnit
                // The last parts of an image may have nothing left.
                let last = min(rows, first &+ rowsPerUnit)
                guard first < last else { continue }
                withUnsafePointer(to: window.window(rows: first..<last)) { window in
                    body(
                        frame,
                        Part(
                            window: window, imageCount: Int64(count), image: image &* imageSize,
                            result: (image &* rows &+ first) &* rowSize))
                }
                let elements = (last &- first).saturatingProduct(rowSize).saturatingProduct(count)
                if frame.isOver(after: elements.saturatingProduct(taps)) { return }
            }
        }
    }
}
