import Kernels
import Tensors
import Testing
import Threads

// Convolutions by Winograd's way.
extension PanelTests {
    @Test("convolutions by Winograd's way, with few tiles and with many", arguments: levels, [3, 5])
    func winograd(level: PanelFormat.Level, taps: Int) throws {
        for (size, batch, channels, outputs, padding) in [
            (9, 2, 3, 5, 1), (8, 1, 16, 17, 0), (41, 2, 2, 33, 1), (5, 3, 35, 70, 2), (3, 1, 4, 2, 0),
        ] {
            let result = size + 2 * padding - taps + 1
            guard result > 0 else { continue }
            let axis = WindowAxis(size: size, outputSize: result, filter: taps, stride: 1, padding: padding)
            let window = SpatialWindow(rows: axis, columns: axis)
            let images = Self.numbers(batch * size * size * channels, size)
            let weights = Self.numbers(taps * taps * channels * outputs, outputs)
            let bias = Self.numbers(outputs, 5)
            let other = Self.numbers(batch * result * result * outputs, 6)
            var finish = LinearFinish()
            (finish.hasBias, finish.hasResidual, finish.activation) = (true, true, .unary(.relu))
            let format = PanelFormat(depth: taps * taps * channels, columns: outputs, level: level)
            let direct = PanelConvolution(
                window: window, batch: batch, channels: channels, outputs: outputs, finish, level: level)
            let wanted = try Self.run(
                direct.kernel, [images, try Self.panels(format, weights), bias, other], count: other.count)
            for tile in taps == 3 ? [2, 4] : [2] {
                let filter = WinogradFilter(size: tile, taps: taps, channels: channels, outputs: outputs, level: level)
                let packed = try Self.run(filter.packing, [weights], count: try #require(filter.elementCount))
                for function in [LinearFinish.Activation.unary(.relu), .unary(.tanh)] {
                    finish.activation = function
                    let kernel = WinogradConvolution(window: window, batch: batch, filter, finish).kernel
                    let found = try Self.run(kernel, [images, packed, bias, other], count: other.count)
                    let expected =
                        function == .unary(.relu)
                        ? wanted
                        : try Self.run(
                            PanelConvolution(
                                window: window, batch: batch, channels: channels, outputs: outputs, finish, level: level
                            ).kernel, [images, try Self.panels(format, weights), bias, other], count: other.count)
                    Self.expect(
                        found, expected.map(Double.init), depth: taps * taps * (9 + 2 * channels),
                        "\(size) \(taps) \(tile)")
                    let helped = try Self.run(
                        kernel, [images, packed, bias, other], count: other.count,
                        helpers: SpareProcessors(processors: 3))
                    #expect(helped == found)
                }
            }
        }
    }

    @Test("Winograd's filter is the same with helpers", arguments: levels)
    func winogradPacking(level: PanelFormat.Level) throws {
        for (size, taps, channels, outputs) in [
            (2, 3, 1, 1), (2, 3, 3, 17), (2, 3, 200, 130), (4, 3, 3, 17), (4, 3, 150, 70), (2, 5, 3, 17),
            (2, 5, 90, 70),
        ] {
            let filter = WinogradFilter(size: size, taps: taps, channels: channels, outputs: outputs, level: level)
            let weights = Self.numbers(taps * taps * channels * outputs, outputs)
            let count = try #require(filter.elementCount)
            let alone = try Self.run(filter.packing, [weights], count: count)
            #expect(
                try Self.run(filter.packing, [weights], count: count, helpers: SpareProcessors(processors: 3)) == alone)
            #expect(alone.allSatisfy { $0.isFinite })
        }
    }

    /// Tiles of a size, for a filter of so many taps.
    struct Tile: Sendable, CustomTestStringConvertible {
        let size: Int
        let taps: Int

        var testDescription: String { "tiles of \(size), \(taps) taps" }

        static let all = [Tile(size: 2, taps: 3), Tile(size: 4, taps: 3), Tile(size: 2, taps: 5)]
    }

    /// A convolution of an image [13, 13, 3], padded to as many results, with 20 outputs, by Winograd's way and directly.
    private static func bothWays(_ image: [Float], _ tile: Tile, _ level: PanelFormat.Level) throws -> (
        found: [Float], wanted: [Float]
    ) {
        let taps = tile.taps
        let axis = WindowAxis(size: 13, outputSize: 13, filter: taps, stride: 1, padding: taps / 2)
        let window = SpatialWindow(rows: axis, columns: axis)
        let filter = WinogradFilter(size: tile.size, taps: taps, channels: 3, outputs: 20, level: level)
        let weights = numbers(taps * taps * 3 * 20, 2)
        let packed = try run(filter.packing, [weights], count: try #require(filter.elementCount))
        let kernel = WinogradConvolution(window: window, batch: 1, filter, LinearFinish()).kernel
        let direct = PanelConvolution(
            window: window, batch: 1, channels: 3, outputs: 20, LinearFinish(), level: level
        ).kernel
        let format = PanelFormat(depth: taps * taps * 3, columns: 20, level: level)
        let found = try run(kernel, [image, packed], count: 13 * 13 * 20)
        return (found, try run(direct, [image, try panels(format, weights)], count: found.count))
    }

    @Test(
        "what the filter does not see changes nothing: an infinity, NaN, an outlier, a dark place", arguments: levels,
        Tile.all)
    func outliers(level: PanelFormat.Level, tile: Tile) throws {
        let reach = tile.taps / 2
        let plain = Self.numbers(13 * 13 * 3, 1)
        for value in [Float.infinity, -.infinity, .nan, 1e6, -1e30] {
            for place in [0, 6 * 13 + 7, 12 * 13 + 12, 4 * 13 + 3] {
                var image = plain
                image[place * 3 + 1] = value
                let (found, wanted) = try Self.bothWays(image, tile, level)
                for index in found.indices {
                    let (y, x) = (index / 20 / 13, index / 20 % 13)
                    let isSeen = abs(y - place / 13) <= reach && abs(x - place % 13) <= reach
                    // Infinities of both signs may meet on the way of tiles of 2.
                    let isRight =
                        found[index] == wanted[index] || abs(found[index] - wanted[index]) < 1e-5
                        || isSeen && !wanted[index].isFinite && !found[index].isFinite
                        || isSeen && abs(found[index] - wanted[index]) < 1e-5 * abs(value)
                    #expect(isRight, "\(value) at \(place): \(found[index]) instead of \(wanted[index])")
                }
            }
        }
        // Left of the middle all numbers are a million times smaller.
        let dark = plain.enumerated().map { $0.offset / 3 % 13 < 6 ? $0.element * 1e-6 : $0.element }
        let (found, wanted) = try Self.bothWays(dark, tile, level)
        for index in found.indices {
            let tolerance: Float = index / 20 % 13 < 6 - reach ? 1e-11 : 1e-5
            #expect(abs(found[index] - wanted[index]) < tolerance)
        }
    }

    @Test(
        "pixels of nearly one size are convolved by tiles that are looked at, with a small error", arguments: levels,
        Tile.all.dropFirst())
    func nearlyEven(level: PanelFormat.Level, tile: Tile) throws {
        let image = Self.numbers(13 * 13 * 3, 1).enumerated().map {
            $0.offset / 3 % 13 < 6 ? $0.element / 24 : $0.element
        }
        let (found, wanted) = try Self.bothWays(image, tile, level)
        #expect(found != wanted)
        for index in found.indices { #expect(abs(found[index] - wanted[index]) < 2e-5) }
    }

    @Test("Winograd's way is chosen where it is quicker, for shapes that tensors may have")
    func winogradChoice() {
        func size(
            _ side: Int, _ channels: Int, _ level: PanelFormat.Level = .avx512, stride: Int = 1, taps: Int = 3
        ) -> Int? {
            let result = (side - 1) / stride + 1
            let axis = WindowAxis(size: side, outputSize: result, filter: taps, stride: stride, padding: taps / 2)
            return WinogradFilter(
                for: SpatialWindow(rows: axis, columns: axis), channels: channels, outputs: channels, level: level)?
                .size
        }
        #expect(size(56, 64) == 4)
        // Products take longer there, so fewer of them are worth more.
        #expect(size(7, 512, .avx2) == 2)
        // No tensor has such a shape, but a graph may say so.
        #expect(size(8_589_934_593, 32) == nil)
        #expect(size(.max / 4, 32) == nil)
        #expect(size(28, 512) == 2)
        #expect(size(7, 512) == nil)
        #expect(size(56, 64, stride: 2) == nil)
        #expect(size(56, 3) == nil)
        #expect(size(56, 64, taps: 5) == 2)
        #expect(size(56, 64, taps: 7) == nil)
        #expect(size(56, 64, taps: 1) == nil)
    }
}
