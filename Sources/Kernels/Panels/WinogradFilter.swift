internal import CKernels
package import Tensors

/// A filter of 3 x 3 as Winograd's convolution wants it: for each position of a tile a matrix [channels, outputs] in panels.
package struct WinogradFilter: Hashable, Sendable {
    /// Results along each side of a tile: 2 or 4.
    package let size: Int
    package let channels: Int
    package let outputs: Int
    /// The numbers of the transformed filter.
    package let precision: Precision
    let level: PanelFormat.Level

    /// - Parameters:
    ///   - size: Results along each side of a tile: 2 or 4.
    ///   - channels: Of an image.
    ///   - outputs: Channels of the result.
    ///   - precision: The numbers of the transformed filter.
    ///   - level: The instructions that are used.
    package init(
        size: Int, channels: Int, outputs: Int, _ precision: Precision = .fp32, level: PanelFormat.Level = .best
    ) {
        self.precision = precision
        self.size = size
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
        // Shapes come from a graph: no tensor may be able to have them.
        guard axes.allSatisfy({ $0.filter == 3 && $0.stride == 1 && $0.dilation == 1 }),
            axes.allSatisfy({ 1...Self.mostPlaces ~= $0.outputSize }), channels >= Self.leastChannels,
            outputs >= Self.leastChannels
        else { return nil }
        let direct = channels.saturatingProduct(outputs).saturatingProduct(window.outputCount).saturatingProduct(
            9 * level.picosecondsOfProduct)
        // Rounded weights of tiles of 4 would be too far from what they stand for.
        let choices = (precision == .fp32 ? [2, 4] : [2]).map {
            WinogradFilter(size: $0, channels: channels, outputs: outputs, precision, level: level)
        }
        let best = choices.filter { $0.size == 2 || channels.saturatingProduct(outputs) <= Self.mostWeights }.min {
            $0.picoseconds(window) < $1.picoseconds(window)
        }
        guard let best, best.picoseconds(window) < direct / 8 * 7 else { return nil }
        self = best
    }

    /// Fewer channels leave too little for the product between the transforms.
    private static let leastChannels = 24
    /// Filters of more weights are not made four times as large.
    private static let mostWeights = 1 << 17
    /// Along an axis; the product of two such numbers can be counted.
    private static let mostPlaces = 1 << 30

    /// About how long a convolution of an image takes.
    private func picoseconds(_ window: SpatialWindow) -> Int {
        let tiles = tileCount(window)
        let each = positions.saturatingProduct(tiles)
        let multiplying = each.saturatingProduct(channels.saturatingProduct(outputs)).saturatingProduct(
            level.picosecondsOfProduct * 8 / 7)
        let reading = positions.saturatingProduct(channels.saturatingProduct(outputs)).saturatingProduct(
            precision == .bf16 ? 140 : 280)
        let transforming = each.saturatingProduct(
            channels.saturatingProduct(800).saturatingSum(outputs.saturatingProduct(600)))
        // Tiles of 4 are looked at: see `CK_WINOGRAD_RANGE`.
        let looking = size == 4 ? each.saturatingProduct(channels.saturatingSum(128).saturatingProduct(25)) : 0
        return max(multiplying, reading).saturatingSum(transforming).saturatingSum(looking)
    }

    var positions: Int { Int(ck_winograd_positions(Int64(size))) }

    /// Tiles of an image.
    func tileCount(_ window: SpatialWindow) -> Int {
        (window.rows.outputSize + size - 1) / size * ((window.columns.outputSize + size - 1) / size)
    }

    /// How the matrix of a position lies.
    var format: PanelFormat { PanelFormat(depth: channels, columns: outputs, precision, level: level) }

    /// How the filter lies behind the matrices, for tiles of 4 that are convolved without being transformed.
    private var direct: PanelFormat? {
        size == 4 ? PanelFormat(depth: channels.saturatingProduct(9), columns: outputs, precision, level: level) : nil
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

    /// Where in the form the panels of the filter as it is begin; tiles of 4 have floats.
    var directOffset: Int { positionElements ?? 0 }

    /// The kernel that transforms a filter [3, 3, channels, outputs], input 0.
    package var packing: Kernel {
        precision == .bf16 ? packingPairs : packingFloats
    }

    private var packingFloats: Kernel {
        // A sum of nine products for each position.
        let each = max(1, positions.saturatingProduct(outputs) / 2)
        let perUnit = max(1, Kernel.loopUnitNanoseconds / each)
        let units = max(1, (channels + perUnit - 1) / perUnit)
        // The last unit packs the filter as it is.
        let all = direct == nil ? units : units + 1
        let phase = Kernel.Phase(units: all, unitNanoseconds: perUnit.saturatingProduct(each)) { frame, taken, _ in
            // Safety: the output has room for the whole form.
            for unit in taken.clamped(to: 0..<units) {
                let first = unit &* perUnit
                let count = min(channels, first &+ perUnit) &- first
                ck_winograd_pack(
                    level.code, Int64(size), frame.input(0), Int64(channels), Int64(outputs), Int64(first),
                    Int64(count), frame.output(), Int64(format.elementCount ?? 0))
                if frame.isOver(after: count &* outputs &* 9) { return }
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
            ck_winograd_pack_bf16(
                level.code, Int64(size), frame.input(0), Int64(channels), Int64(outputs), Int64(units.lowerBound),
                Int64(units.count), own.assumingMemoryBound(to: Float.self), frame.output(),
                Int64(format.wordCount ?? 0))
            _ = frame.isOver(after: units.count.saturatingProduct(plane))
        }
        return Kernel(
            "winograd.pack", scratchBytesPerWorker: plane.saturatingProduct(MemoryLayout<Float>.stride), phases: [phase]
        )
    }
}
