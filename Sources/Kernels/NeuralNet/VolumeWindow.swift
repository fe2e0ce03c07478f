internal import CKernels

/// How a window moves over the planes, rows and columns of a volume. An image is a volume of one plane.
package struct VolumeWindow: Sendable, Hashable {
    package let planes: WindowAxis
    package let rows: WindowAxis
    package let columns: WindowAxis

    /// - `axes`: Planes, rows and columns, or rows and columns only. None where there are more or fewer.
    package init?(_ axes: [WindowAxis]) {
        guard axes.count == 2 || axes.count == 3 else { return nil }
        planes = axes.count == 3 ? axes[0] : .single
        rows = axes[axes.count - 2]
        columns = axes[axes.count - 1]
    }

    /// Pixels of a volume.
    var pixelCount: Int { planes.size &* rows.size &* columns.size }
    /// Places of the window in a volume.
    var outputCount: Int { planes.outputSize &* rows.outputSize &* columns.outputSize }
    /// Places that the window sees at once.
    var filterCount: Int { planes.filter &* rows.filter &* columns.filter }
    /// Whether a matrix of pixels is the matrix of what the window sees.
    var isPointwise: Bool { planes.isPointwise && rows.isPointwise && columns.isPointwise }

    /// Whether there is one place for the window, and it sees all of the volume.
    var isWhole: Bool { planes.isWhole && rows.isWhole && columns.isWhole }

    /// As C has it.
    var window: ck_volume {
        func three(_ value: (WindowAxis) -> Int) -> (Int64, Int64, Int64) {
            (Int64(value(planes)), Int64(value(rows)), Int64(value(columns)))
        }
        return ck_volume(
            size: three(\.size), output: three(\.outputSize), filter: three(\.filter), stride: three(\.stride),
            dilation: three(\.dilation), padding: three(\.padding))
    }
}

extension WindowAxis {
    /// An axis that is not there.
    fileprivate static let single = WindowAxis(size: 1, outputSize: 1, filter: 1, stride: 1, padding: 0)

    /// The places at which the window may see some indices of the axis.
    func places(seeing indices: Range<Int>) -> Range<Int> {
        let begin = indices.lowerBound &+ padding &- (filter &- 1) &* dilation
        let first = Swift.min(outputSize, begin <= 0 ? 0 : (begin &+ stride &- 1) / stride)
        let end = Swift.min(outputSize, Swift.max(0, (indices.upperBound &- 1 &+ padding) / stride &+ 1))
        return first..<Swift.max(first, end)
    }

    /// The indices, inside of the axis, that the window sees at a place; it must not be dilated.
    func visible(_ place: Int) -> Range<Int> {
        let first = place &* stride &- padding
        let begin = Swift.min(Swift.max(0, first), size)
        return begin..<Swift.max(begin, Swift.min(first &+ filter, size))
    }
}

extension VolumeWindow {
    /// Some neighbouring rows of a volume, counted over all planes, and the places of the window that see them.
    struct Band: Sendable {
        let rows: Range<Int>
        let places: Range<Int>
    }

    /// A volume cut into bands, at most so many. There are fewer where many places see two bands.
    func bands(_ wanted: Int) -> [Band] {
        // Bands of planes, or of the rows of an image.
        let isImage = planes.size == 1 && planes.outputSize == 1
        let axis = isImage ? rows : planes
        let (rowsPerPlace, placesPerPlace) =
            isImage ? (1, columns.outputSize) : (rows.size, rows.outputSize &* columns.outputSize)
        let shared = ((axis.filter &- 1) &* axis.dilation &+ axis.stride &- 1) / axis.stride
        // Places that see two bands are computed twice.
        let count = max(1, min(wanted, axis.size, axis.outputSize / max(1, 8 &* shared)))
        let size = max(1, (axis.size + count - 1) / count)
        return stride(from: 0, to: max(1, axis.size), by: size).map { first in
            let end = min(axis.size, first &+ size)
            let places = axis.places(seeing: first..<end)
            return Band(
                rows: first &* rowsPerPlace..<end &* rowsPerPlace,
                places: places.lowerBound &* placesPerPlace..<places.upperBound &* placesPerPlace)
        }
    }

    /// Rows of places of the window in a volume.
    var lineCount: Int { planes.outputSize &* rows.outputSize }

    /// Calls `body` for each place of the window in some rows of places, with its number and the pixels that it sees.
    ///
    /// The window must not be dilated. Stops when the run's time is over.
    ///
    /// - Parameters:
    ///   - frame: Of the call.
    ///   - lines: The rows of places, counted from the beginning of the batch.
    ///   - depth: Channels of a volume.
    ///   - body: Takes the place's number in the batch.
    @inline(__always)
    func eachPlace(_ frame: KernelFrame, lines: Range<Int>, depth: Int, _ body: (_ place: Int, _ seen: Box) -> Void) {
        for line in lines {
            let (slice, row) = line.quotientAndRemainder(dividingBy: rows.outputSize)
            let (volume, plane) = slice.quotientAndRemainder(dividingBy: planes.outputSize)
            let (visiblePlanes, height) = (planes.visible(plane), rows.visible(row))
            for column in 0..<columns.outputSize {
                let seen = Box(
                    origin: volume &* pixelCount, planes: visiblePlanes, rows: height,
                    columns: columns.visible(column), rowSize: columns.size, planeSize: rows.size)
                if frame.isOver(after: (1 &+ seen.count) &* depth) { return }
                body(line &* columns.outputSize &+ column, seen)
            }
        }
    }

    /// The pixels that a window sees.
    struct Box {
        /// The number of the volume's first pixel.
        let origin: Int
        let planes: Range<Int>
        let rows: Range<Int>
        let columns: Range<Int>
        fileprivate let rowSize: Int
        fileprivate let planeSize: Int

        init(
            origin: Int, planes: Range<Int>, rows: Range<Int>, columns: Range<Int>, rowSize: Int, planeSize: Int
        ) {
            self.origin = origin
            self.planes = planes
            self.rows = rows
            self.columns = columns
            self.rowSize = rowSize
            self.planeSize = planeSize
        }

        var count: Int { planes.count &* rows.count &* columns.count }

        /// Calls `body` with the number of each pixel in the batch.
        @inline(__always)
        func eachPixel(_ body: (Int) -> Void) {
            for plane in planes {
                for row in rows {
                    let start = origin &+ (plane &* planeSize &+ row) &* rowSize
                    for column in columns { body(start &+ column) }
                }
            }
        }
    }
}
