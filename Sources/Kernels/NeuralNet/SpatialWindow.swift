internal import CKernels

/// How a window moves over an axis of an image.
package struct WindowAxis: Sendable, Hashable {
    package let size: Int
    package let outputSize: Int
    package let filter: Int
    package let stride: Int
    package let dilation: Int
    /// Places before the first one of the image.
    package let padding: Int

    package init(size: Int, outputSize: Int, filter: Int, stride: Int, dilation: Int = 1, padding: Int) {
        self.size = size
        self.outputSize = outputSize
        self.filter = filter
        self.stride = stride
        self.dilation = dilation
        self.padding = padding
    }

    /// Whether the window is one place, and visits each place once.
    var isPointwise: Bool { filter == 1 && stride == 1 && padding == 0 && outputSize == size }

    /// Whether there is one place for the window, and it sees all of the axis.
    var isWhole: Bool { filter == size && outputSize == 1 && padding == 0 && dilation == 1 }
}

extension UnsafePointer<ckernels_window> {
    /// Elements of an image.
    func imageSize(_ depth: Int64) -> Int { Int(pointee.height &* pointee.width &* depth) }
    /// Elements of what becomes of an image, of as many channels.
    func resultSize(_ depth: Int64) -> Int { Int(pointee.output_height &* pointee.output_width &* depth) }
}

/// How a window moves over an image: its rows and its columns.
package struct SpatialWindow: Sendable, Hashable {
    package let rows: WindowAxis
    package let columns: WindowAxis

    package init(rows: WindowAxis, columns: WindowAxis) {
        self.rows = rows
        self.columns = columns
    }

    /// - `axes`: Rows and columns. None where there are more or fewer.
    package init?(_ axes: [WindowAxis]) {
        guard axes.count == 2 else { return nil }
        self.init(rows: axes[0], columns: axes[1])
    }

    /// Places of the window in an image.
    var outputCount: Int { rows.outputSize &* columns.outputSize }

    /// As C has it, of some rows of the result: C then begins with the first of them.
    func window(rows: Range<Int>) -> ckernels_window {
        var part = window
        part.output_height = Int64(rows.count)
        part.padding_top -= Int64(rows.lowerBound) &* part.stride_height
        return part
    }

    /// As C has it.
    var window: ckernels_window {
        ckernels_window(
            height: Int64(rows.size), width: Int64(columns.size), output_height: Int64(rows.outputSize),
            output_width: Int64(columns.outputSize), filter_height: Int64(rows.filter),
            filter_width: Int64(columns.filter), stride_height: Int64(rows.stride),
            stride_width: Int64(columns.stride), dilation_height: Int64(rows.dilation),
            dilation_width: Int64(columns.dilation), padding_top: Int64(rows.padding),
            padding_left: Int64(columns.padding))
    }
}
