internal import CKernels
package import Tensors

/// A filter of 3 x 3 or 5 x 5 as Winograd's convolution wants it: for each position of a tile a matrix [channels, outputs] in panels.
package struct WinogradFilter: Hashable, Sendable {
    /// Results along each side of a tile: 2 or 4, for a filter of 5 x 5 always 2.
    package let size: Int
    /// Rows and columns of the filter: 3 or 5.
    package let taps: Int
    package let channels: Int
    package let outputs: Int
    /// The numbers of the transformed filter.
    package let precision: Precision
    let level: PanelFormat.Level

    /// - Parameters:
    ///   - size: Results along each side of a tile: 2 or 4, for 5 taps always 2.
    ///   - taps: Rows and columns of the filter: 3 or 5.
    ///   - channels: Of an image.
    ///   - outputs: Channels of the result.
    ///   - precision: The numbers of the transformed filter.
    ///   - level: The instructions that are used.
    package init(
        size: Int, taps: Int = 3, channels: Int, outputs: Int, _ precision: Precision = .fp32,
        level: PanelFormat.Level = .best
    ) {
        self.precision = precision
        self.size = size
        self.taps = taps
        self.channels = channels
        self.outputs = outputs
        self.level = level
    }

    /// The filter for a convolution, where Winograd's way is the quicker one for a single image.
    ///
    /// - Parameters:
    ///   - window: How the filter moves.
    ///   - channels: Of an image.
    ///   - outputs: Channels of the result.
    ///   - precision: The numbers of the transformed filter.
    ///   - level: The instructions that are used.
    package init?(
        for window: SpatialWindow, channels: Int, outputs: Int, _ precision: Precision = .fp32,
        level: PanelFormat.Level = .best
    ) {
        let axes = [window.rows, window.columns]
        let taps = window.rows.filter
        // Shapes come from a graph: no tensor may be able to have them.
        guard axes.allSatisfy({ $0.filter == taps && $0.stride == 1 && $0.dilation == 1 }),
            axes.allSatisfy({ 1...Self.mostPlaces ~= $0.outputSize }), channels >= Self.leastChannels,
            outputs >= Self.leastChannels
        else { return nil }
        let choices = Self.sizes(taps: taps, precision).map {
            WinogradFilter(size: $0, taps: taps, channels: channels, outputs: outputs, precision, level: level)
        }
        let pairs = channels.saturatingProduct(outputs)
        let direct = pairs.saturatingProduct(window.outputCount).saturatingProduct(
            taps * taps * level.picosecondsOfProduct)
        let best = choices.filter { !$0.looksAtTiles || pairs <= Self.mostWeights }.min {
            $0.picoseconds(window) < $1.picoseconds(window)
        }
        guard let best, best.picoseconds(window) < direct / 8 * 7 else { return nil }
        self = best
    }

    /// Sizes of tiles that there are for a filter. Rounded weights of tiles with a side of 6 would be too far from what they stand for.
    private static func sizes(taps: Int, _ precision: Precision) -> [Int] {
        switch (taps, precision) {
        case (3, .fp32): [2, 4]
        case (3, .bf16): [2]
        case (5, .fp32): [2]
        default: []
        }
    }

    /// Fewer channels leave too little for the product between the transforms.
    private static let leastChannels = 24
    /// Filters of more weights are not made four times as large.
    private static let mostWeights = 1 << 17
    /// Along an axis; the product of two such numbers can be counted.
    private static let mostPlaces = 1 << 30

    /// Pixels along each side of a tile: 4 or 6.
    private var side: Int { size + taps - 1 }

    /// Whether tiles are looked at, and convolved directly where they are not even: see `CK_WINOGRAD_RANGE`.
    private var looksAtTiles: Bool { side == 6 }

    /// About how long a convolution of an image takes.
    private func picoseconds(_ window: SpatialWindow) -> Int {
        let tiles = tileCount(window)
        let each = positions.saturatingProduct(tiles)
        let multiplying = each.saturatingProduct(channels.saturatingProduct(outputs)).saturatingProduct(
            level.picosecondsOfProduct * 5 / 4)
        let reading = positions.saturatingProduct(channels.saturatingProduct(outputs)).saturatingProduct(
            precision == .bf16 ? 140 : 280)
        let transforming = each.saturatingProduct(
            channels.saturatingProduct(260).saturatingSum(outputs.saturatingProduct(220)))
        let looking = looksAtTiles ? each.saturatingProduct(channels.saturatingSum(128).saturatingProduct(12)) : 0
        return max(multiplying, reading).saturatingSum(transforming).saturatingSum(looking)
    }

    var positions: Int { side * side }

    /// Tiles of an image.
    func tileCount(_ window: SpatialWindow) -> Int {
        (window.rows.outputSize + size - 1) / size * ((window.columns.outputSize + size - 1) / size)
    }

    /// How the matrix of a position lies.
    var format: PanelFormat { PanelFormat(depth: channels, columns: outputs, precision, level: level) }

    /// How the filter lies behind the matrices, for tiles that are convolved without being transformed.
    private var direct: PanelFormat? {
        looksAtTiles
            ? PanelFormat(depth: channels.saturatingProduct(taps * taps), columns: outputs, precision, level: level)
            : nil
    }

    /// The filter in C.
    private var task: ck_winograd_filter {
        ck_winograd_filter(
            level: level.code, size: Int64(size), taps: Int64(taps), channels: Int64(channels),
            outputs: Int64(outputs), panel_count: Int64(format.wordCount ?? 0))
    }

    /// The number of elements for all positions; nil where it is too large to count.
    private var positionElements: Int? {
        guard let each = format.elementCount else { return nil }
        let (count, overflow) = each.multipliedReportingOverflow(by: positions)
        return overflow ? nil : count
    }

    /// The number of elements of the whole form; nil where it is too large to count.
    package var elementCount: Int? {
        guard let count = positionElements else { return nil }
        guard let direct else { return count }
        guard let more = direct.elementCount else { return nil }
        let (sum, overflow) = count.addingReportingOverflow(more)
        return overflow ? nil : sum
    }

    /// Where in the form the panels of the filter as it is begin; where there are any, they are floats.
    var directOffset: Int { positionElements ?? 0 }

    /// The kernel that transforms a filter [taps, taps, channels, outputs], input 0.
    package var packing: Kernel {
        precision == .bf16 ? packingPairs : packingFloats
    }

    private var packingFloats: Kernel {
        // A sum of all taps' products for each position.
        let each = max(1, positions.saturatingProduct(outputs).saturatingProduct(taps * taps) / 18)
        let perUnit = max(1, Kernel.loopUnitNanoseconds / each)
        let units = max(1, (channels + perUnit - 1) / perUnit)
        // The last unit packs the filter as it is.
        let all = direct == nil ? units : units + 1
        let phase = Kernel.Phase(units: all, unitNanoseconds: perUnit.saturatingProduct(each)) { frame, taken, _ in
            // Safety: the output has room for the whole form.
            for unit in taken.clamped(to: 0..<units) {
                let first = unit &* perUnit
                let count = min(channels, first &+ perUnit) &- first
                withUnsafePointer(to: task) {
                    ck_winograd_pack($0, frame.input(0), Int64(first), Int64(count), frame.output())
                }
                if frame.isOver(after: count &* outputs &* taps &* taps) { return }
            }
            guard let direct, taken.upperBound > units else { return }
            direct.pack(
                frame.input(0), transposed: false, panels: 0..<direct.panelCount, into: frame.output() + directOffset)
        }
        return Kernel("winograd.pack", phases: [phase])
    }

    private var packingPairs: Kernel {
        let plane = channels.saturatingProduct(outputs)
        let phase = Kernel.Phase(units: positions, unitNanoseconds: plane.saturatingProduct(10)) { frame, units, own in
            // Safety: the worker's memory has room for a matrix, the output for the panels of all positions.
            withUnsafePointer(to: task) {
                ck_winograd_pack_bf16(
                    $0, frame.input(0), Int64(units.lowerBound), Int64(units.count),
                    own.assumingMemoryBound(to: Float.self), frame.output())
            }
            _ = frame.isOver(after: units.count.saturatingProduct(plane))
        }
        return Kernel(
            "winograd.pack", scratchBytesPerWorker: plane.saturatingProduct(MemoryLayout<Float>.stride), phases: [phase]
        )
    }
}
