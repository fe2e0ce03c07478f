import Kernels
import Tensors
import Testing
import Threads

/// Products with weights in panels of bfloat16, beside products with weights in panels of float32 that were rounded to bfloat16: the bits
/// are the same.
@Suite("Panels of bfloat16")
struct NarrowPanelTests {
    private static func rounded(_ numbers: [Float]) throws -> [Float] {
        let format = try #require(HalfPrecision(.bfloat16))
        return numbers.map { format.number(format.bits($0)) }
    }

    private static func areSame(_ first: [Float], _ second: [Float]) -> Bool {
        first.count == second.count && zip(first, second).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN }
    }

    @Test("products of all sizes around those of tiles and panels, of odd depths too", arguments: PanelTests.levels)
    func products(level: PanelFormat.Level) throws {
        for (rows, depth, columns) in [
            (1, 1, 1), (1, 2, 2), (1, 7, 2), (2, 3, 16), (3, 5, 17), (4, 64, 31), (5, 9, 32), (6, 2, 33), (7, 30, 48),
            (8, 11, 49), (9, 4, 63), (11, 3, 64), (12, 17, 65), (13, 8, 96), (25, 5, 130), (49, 33, 200), (100, 12, 10),
            (7, 1, 61), (24, 1, 40), (13, 515, 70), (2, 1030, 66), (3, 511, 33), (14, 20, 45),
        ] {
            let left = PanelTests.numbers(rows * depth, rows)
            let right = PanelTests.numbers(depth * columns, columns)
            let wide = PanelFormat(depth: depth, columns: columns, level: level)
            let narrow = PanelFormat(depth: depth, columns: columns, .bf16, level: level)
            let panels = try PanelTests.panels(narrow, right)
            let expected = try PanelTests.run(
                PanelProduct(rows: rows, wide, LinearFinish()).kernel,
                [left, try PanelTests.panels(wide, Self.rounded(right))], count: rows * columns)
            let kernel = PanelProduct(rows: rows, narrow, LinearFinish()).kernel
            let found = try PanelTests.run(kernel, [left, panels], count: rows * columns)
            #expect(Self.areSame(found, expected), "\(rows) x \(depth) x \(columns)")
            let turned = (0..<columns).flatMap { column in (0..<depth).map { right[$0 * columns + column] } }
            let same = try PanelTests.panels(narrow, turned, transposed: true)
            #expect(same.map(\.bitPattern) == panels.map(\.bitPattern), "\(rows) x \(depth) x \(columns)")
        }
    }

    @Test("weights are rounded to the nearest, halves to even; infinities and NaN stay", arguments: PanelTests.levels)
    func rounding(level: PanelFormat.Level) throws {
        let weights: [Float] = [
            0, -0.0, 1, 1 + 0x1p-8, 1 + 0x1.8p-7, 1 + 0x1.01p-8, -1 - 0x1p-8, 3.4e38, -3.4e38, .infinity,
            -.infinity,
            .nan, 0x1p-140, 0x1p-149, 0x1.6p-130, .pi, 0.1,
        ]
        let format = PanelFormat(depth: 1, columns: weights.count, .bf16, level: level)
        let found = try PanelTests.run(
            PanelProduct(rows: 1, format, LinearFinish()).kernel, [[1], try PanelTests.panels(format, weights)],
            count: weights.count)
        #expect(Self.areSame(found, try Self.rounded(weights)))
        #expect(found[3] == 1 && found[4] == 1 + 0x1p-6 && found[5] == 1 + 0x1p-7 && found[7] == .infinity)
    }

    @Test("a factor that is not finite meets its own weights only", arguments: PanelTests.levels)
    func infinities(level: PanelFormat.Level) throws {
        // Behind the odd last factor of the first row comes the second row.
        let left: [Float] = [1, 2, 3, .infinity, .nan, 1]
        let format = PanelFormat(depth: 3, columns: 20, .bf16, level: level)
        let found = try PanelTests.run(
            PanelProduct(rows: 2, format, LinearFinish()).kernel,
            [left, try PanelTests.panels(format, PanelTests.numbers(60, 1))], count: 40)
        #expect(found[..<20].allSatisfy(\.isFinite) && found[20...].allSatisfy(\.isNaN))
    }

    @Test("what a product is finished with", arguments: PanelTests.levels)
    func finishes(level: PanelFormat.Level) throws {
        for (rows, columns) in [(13, 70), (5, 61), (30, 40)] {
            let wide = PanelFormat(depth: 5, columns: columns, level: level)
            let narrow = PanelFormat(depth: 5, columns: columns, .bf16, level: level)
            let right = PanelTests.numbers(5 * columns, 2)
            let inputs = [PanelTests.numbers(columns, 3), PanelTests.numbers(rows * columns, 4)]
            let left = PanelTests.numbers(rows * 5, 1)
            for activation in [nil, .unary(.relu), .unary(.tanh)] as [LinearFinish.Activation?] {
                var finish = LinearFinish()
                (finish.hasBias, finish.hasResidual, finish.activation) = (true, true, activation)
                let expected = try PanelTests.run(
                    PanelProduct(rows: rows, wide, finish).kernel,
                    [left, try PanelTests.panels(wide, Self.rounded(right))] + inputs, count: rows * columns)
                let found = try PanelTests.run(
                    PanelProduct(rows: rows, narrow, finish).kernel,
                    [left, try PanelTests.panels(narrow, right)] + inputs, count: rows * columns)
                #expect(Self.areSame(found, expected))
            }
        }
    }

    @Test("convolutions with strides, dilations and padding", arguments: PanelTests.levels)
    func convolutions(level: PanelFormat.Level) throws {
        for (size, channels, outputs, filter, stride, dilation, padding) in [
            (5, 2, 4, 3, 1, 1, 1), (8, 2, 17, 3, 2, 1, 1), (7, 6, 65, 5, 1, 1, 2), (9, 4, 16, 3, 1, 2, 2),
            (6, 4, 33, 1, 2, 1, 0), (2, 4, 5, 5, 1, 1, 2), (40, 8, 6, 3, 1, 1, 1), (4, 2, 3, 4, 1, 1, 0),
            (3, 70, 10, 3, 1, 1, 1), (10, 2, 4, 2, 3, 3, 1), (6, 7, 9, 1, 1, 1, 0),
        ] {
            #expect(PanelConvolution.takes(.bf16, channels: channels) == (channels % 2 == 0))
            // A convolution of one place is a product, which takes any depth.
            let result = (size + 2 * padding - (filter - 1) * dilation - 1) / stride + 1
            let axis = WindowAxis(
                size: size, outputSize: result, filter: filter, stride: stride, dilation: dilation, padding: padding)
            let window = SpatialWindow(rows: axis, columns: axis)
            let images = PanelTests.numbers(2 * size * size * channels, size)
            let weights = PanelTests.numbers(filter * filter * channels * outputs, outputs)
            let depth = filter * filter * channels
            let count = 2 * result * result * outputs
            let expected = try PanelTests.run(
                PanelConvolution(
                    window: window, batch: 2, channels: channels, outputs: outputs, LinearFinish(), level: level
                ).kernel,
                [
                    images,
                    try PanelTests.panels(
                        PanelFormat(depth: depth, columns: outputs, level: level), Self.rounded(weights)),
                ], count: count)
            let found = try PanelTests.run(
                PanelConvolution(
                    window: window, batch: 2, channels: channels, outputs: outputs, LinearFinish(), .bf16, level: level
                ).kernel,
                [
                    images,
                    try PanelTests.panels(PanelFormat(depth: depth, columns: outputs, .bf16, level: level), weights),
                ], count: count)
            #expect(Self.areSame(found, expected), "\(size) \(channels) \(outputs) \(filter) \(stride)")
        }
    }

    @Test("convolutions by Winograd's way: the transformed filter is rounded", arguments: PanelTests.levels)
    func winograd(level: PanelFormat.Level) throws {
        for (size, batch, channels, outputs) in [(9, 2, 3, 5), (8, 1, 16, 17), (41, 2, 2, 33), (5, 3, 35, 70)] {
            let axis = WindowAxis(size: size, outputSize: size, filter: 3, stride: 1, padding: 1)
            let window = SpatialWindow(rows: axis, columns: axis)
            let images = PanelTests.numbers(batch * size * size * channels, size)
            let weights = PanelTests.numbers(9 * channels * outputs, outputs)
            func run(_ precision: Precision, _ helpers: (any HelperSource)? = nil) throws -> [Float] {
                let filter = WinogradFilter(size: 2, channels: channels, outputs: outputs, precision, level: level)
                let count = try #require(filter.elementCount) / (precision == .bf16 ? 2 : 1)
                let packed = try PanelTests.run(filter.packing, [weights], count: count)
                let kernel = WinogradConvolution(window: window, batch: batch, filter, LinearFinish()).kernel
                return try PanelTests.run(
                    kernel, [images, packed], count: batch * size * size * outputs, helpers: helpers)
            }
            let (wide, narrow) = (try run(.fp32), try run(.bf16))
            // Each of 16 products of each channel is off by 2^-9 of at most 4 times the weights' sums.
            let limit = 0x1p-9 * 4 * 9 * Float(channels)
            #expect(zip(wide, narrow).allSatisfy { abs($0 - $1) <= limit } && wide != narrow, "\(size)")
            #expect(try run(.bf16, SpareProcessors(processors: 3)) == narrow)
        }
    }

    @Test("helpers change no bit, and rows of a batch have the bits that they have alone", arguments: PanelTests.levels)
    func helpers(level: PanelFormat.Level) throws {
        let format = PanelFormat(depth: 301, columns: 500, .bf16, level: level)
        let (left, right) = (PanelTests.numbers(333 * 301, 1), PanelTests.numbers(301 * 500, 2))
        let product = PanelProduct(rows: 333, format, LinearFinish()).kernel
        let packed = try PanelTests.panels(format, right)
        let alone = try PanelTests.run(product, [left, packed], count: 333 * 500)
        let together = try PanelTests.run(
            product, [left, packed], count: 333 * 500, helpers: SpareProcessors(processors: 4))
        #expect(alone == together)
        for row in [0, 5, 100, 332] {
            let one = try PanelTests.run(
                PanelProduct(rows: 1, format, LinearFinish()).kernel,
                [Array(left[row * 301..<(row + 1) * 301]), packed], count: 500)
            #expect(one == Array(alone[row * 500..<(row + 1) * 500]))
        }
    }

    @Test("the number of elements in panels is even, and not counted beyond what can be")
    func counts() {
        #expect(PanelFormat(depth: 3, columns: 17, .bf16, level: .base).elementCount == 128)
        #expect(PanelFormat(depth: 4, columns: 16, .bf16, level: .base).elementCount == 64)
        #expect(PanelFormat(depth: .max, columns: 2, .bf16).elementCount == nil)
        #expect(PanelFormat(depth: 2, columns: .max, .bf16).elementCount == nil)
        #expect(PanelFormat(depth: .max / 16, columns: 16, .bf16).elementCount == nil)
    }
}
