import Kernels
import Tensors
import Testing
import Threads

/// Products and convolutions with weights in panels, beside plain sums in float64, for all instructions that this processor has.
@Suite("Panels")
struct PanelTests {
    static let levels = PanelFormat.Level.allCases.filter { $0.rawValue <= PanelFormat.Level.best.rawValue }

    /// Numbers between -1 and 1 that are the same in each run.
    static func numbers(_ count: Int, _ seed: Int) -> [Float] {
        var state = UInt64(truncatingIfNeeded: seed &* 2_654_435_761 | 1)
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(Int32(truncatingIfNeeded: state >> 33)) / Float(1 << 30) - 1
        }
    }

    /// What a kernel makes of inputs.
    static func run(
        _ kernel: Kernel, _ inputs: [[Float]], count: Int, helpers: (any HelperSource)? = nil
    ) throws -> [Float] {
        let tensors = try inputs.map { try #require(Tensor($0)) }
        let output = try #require(Tensor([Float](repeating: .nan, count: count)))
        // Safety: the tensors outlive the call.
        let addresses = (tensors + [output]).map { $0.storage.baseAddress + $0.byteOffset }
        try withExtendedLifetime(tensors) {
            try kernel.run(addresses.dropLast(), [addresses[tensors.count]], helpers: helpers) {}
        }
        return try #require(output.scalars(as: Float.self))
    }

    /// Panels, as words of the size of a float.
    static func panels(_ format: PanelFormat, _ matrix: [Float], transposed: Bool = false) throws -> [Float] {
        let count = try #require(format.elementCount) / (format.precision == .bf16 ? 2 : 1)
        return try run(format.packing(transposed: transposed), [matrix], count: count)
    }

    static func expect(
        _ found: [Float], _ wanted: [Double], depth: Int, _ comment: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(found.count == wanted.count, "\(comment)", sourceLocation: sourceLocation)
        // Sums of numbers below 1: each addition rounds by at most half a unit of the last place.
        let limit = 1e-6 + Double(depth) * 6e-8
        let wrong = zip(found, wanted).enumerated().first { !(abs(Double($0.element.0) - $0.element.1) <= limit) }
        #expect(wrong == nil, "\(comment)", sourceLocation: sourceLocation)
    }

    @Test("products of all sizes around those of tiles and panels", arguments: levels)
    func products(level: PanelFormat.Level) throws {
        for (rows, depth, columns) in [
            (1, 1, 1), (1, 7, 2), (2, 3, 16), (3, 5, 17), (4, 64, 31), (5, 9, 32), (6, 2, 33), (7, 30, 48), (8, 11, 49),
            (9, 4, 63), (11, 3, 64), (12, 17, 65), (13, 8, 96), (25, 5, 130), (49, 33, 200), (100, 12, 10),
        ] {
            let left = Self.numbers(rows * depth, rows)
            let right = Self.numbers(depth * columns, columns)
            let format = PanelFormat(depth: depth, columns: columns, level: level)
            let kernel = PanelProduct(rows: rows, format, LinearFinish()).kernel
            var wanted: [Double] = []
            for row in 0..<rows {
                for column in 0..<columns {
                    wanted.append(
                        (0..<depth).reduce(0) {
                            $0 + Double(left[row * depth + $1]) * Double(right[$1 * columns + column])
                        })
                }
            }
            let found = try Self.run(kernel, [left, try Self.panels(format, right)], count: rows * columns)
            Self.expect(found, wanted, depth: depth, "\(rows) x \(depth) x \(columns)")
            let turned = (0..<columns).flatMap { column in (0..<depth).map { right[$0 * columns + column] } }
            let same = try Self.run(
                kernel, [left, try Self.panels(format, turned, transposed: true)], count: rows * columns)
            #expect(same == found)
        }
    }

    @Test("what a product is finished with: bias, another tensor, activations, NaN", arguments: levels)
    func finishes(level: PanelFormat.Level) throws {
        for columns in [7, 64, 70] {
            let rows = 13
            let format = PanelFormat(depth: 3, columns: columns, level: level)
            var left = Self.numbers(rows * 3, 1)
            left[0] = .nan
            let right = Self.numbers(3 * columns, 2)
            let bias = Self.numbers(columns, 3)
            let other = Self.numbers(rows * columns, 4).map { $0 * 8 }
            let activations: [(LinearFinish.Activation?, (Float) -> Float)] = [
                (nil, { $0 }), (.unary(.relu), { $0 < 0 ? 0 : $0 }), (.unary(.reluOfNumbers), { $0 > 0 ? $0 : 0 }),
                (.unary(.relu6), { $0 < 0 ? 0 : $0 > 6 ? 6 : $0 }),
                (.unary(.relu6OfNumbers), { $0 > 0 ? ($0 < 6 ? $0 : 6) : 0 }),
                (.leakyRelu(alpha: 0.25), { $0 > 0 ? $0 : $0 * 0.25 }), (.unary(.negate), { -$0 }),
            ]
            let plain = try Self.run(
                PanelProduct(rows: rows, format, LinearFinish()).kernel, [left, try Self.panels(format, right)],
                count: rows * columns)
            for (activation, function) in activations {
                for (hasBias, hasResidual) in [(false, false), (true, false), (false, true), (true, true)] {
                    var finish = LinearFinish()
                    (finish.hasBias, finish.hasResidual, finish.activation) = (hasBias, hasResidual, activation)
                    #expect(finish.isComputable)
                    let inputs =
                        [left, try Self.panels(format, right)] + (hasBias ? [bias] : []) + (hasResidual ? [other] : [])
                    let found = try Self.run(
                        PanelProduct(rows: rows, format, finish).kernel, inputs, count: rows * columns)
                    for index in found.indices {
                        var sum = plain[index]
                        if hasBias { sum += bias[index % columns] }
                        if hasResidual { sum += other[index] }
                        let wanted = function(sum)
                        #expect(found[index] == wanted || found[index].isNaN && wanted.isNaN)
                    }
                }
            }
        }
    }

    @Test("convolutions with strides, dilations and padding", arguments: levels)
    func convolutions(level: PanelFormat.Level) throws {
        for (size, channels, outputs, filter, stride, dilation, padding) in [
            (5, 3, 4, 3, 1, 1, 1), (8, 2, 17, 3, 2, 1, 1), (7, 5, 65, 5, 1, 1, 2), (9, 3, 16, 3, 1, 2, 2),
            (6, 4, 33, 1, 2, 1, 0), (12, 1, 8, 7, 2, 1, 3), (2, 3, 5, 5, 1, 1, 2), (40, 3, 6, 3, 1, 1, 1),
            (4, 2, 3, 4, 1, 1, 0), (3, 70, 10, 3, 1, 1, 1), (10, 2, 4, 2, 3, 3, 1),
        ] {
            let batch = 2
            let reach = (filter - 1) * dilation + 1
            let result = (size + 2 * padding - reach) / stride + 1
            let axis = WindowAxis(
                size: size, outputSize: result, filter: filter, stride: stride, dilation: dilation, padding: padding)
            let images = Self.numbers(batch * size * size * channels, size)
            let weights = Self.numbers(filter * filter * channels * outputs, outputs)
            let format = PanelFormat(depth: filter * filter * channels, columns: outputs, level: level)
            let convolution = PanelConvolution(
                window: SpatialWindow(rows: axis, columns: axis), batch: batch, channels: channels, outputs: outputs,
                LinearFinish(), level: level)
            var wanted: [Double] = []
            for image in 0..<batch {
                for place in 0..<result * result {
                    for output in 0..<outputs {
                        var sum = 0.0
                        for tap in 0..<filter * filter {
                            let y = place / result * stride - padding + tap / filter * dilation
                            let x = place % result * stride - padding + tap % filter * dilation
                            guard (0..<size).contains(y), (0..<size).contains(x) else { continue }
                            for channel in 0..<channels {
                                sum +=
                                    Double(images[((image * size + y) * size + x) * channels + channel])
                                    * Double(weights[(tap * channels + channel) * outputs + output])
                            }
                        }
                        wanted.append(sum)
                    }
                }
            }
            let packed = try Self.panels(format, weights)
            let found = try Self.run(convolution.kernel, [images, packed], count: wanted.count)
            Self.expect(found, wanted, depth: format.depth, "\(size) \(channels) \(outputs) \(filter) \(stride)")
        }
    }

    @Test(
        "convolutions of each channel alone, finished: borders, strides, dilations, channels left over",
        arguments: levels)
    func depthwise(level: PanelFormat.Level) throws {
        for (size, channels, filter, stride, dilation, padding) in [
            (5, 3, 3, 1, 1, 1), (9, 16, 3, 1, 1, 1), (8, 33, 3, 2, 1, 1), (7, 20, 5, 1, 1, 2), (12, 7, 3, 1, 2, 2),
            (2, 18, 5, 1, 1, 2), (11, 4, 2, 3, 3, 1), (40, 64, 3, 1, 1, 1), (6, 5, 1, 1, 1, 3), (14, 100, 3, 1, 1, 0),
        ] {
            let batch = 2
            let result = (size + 2 * padding - (filter - 1) * dilation - 1) / stride + 1
            let axis = WindowAxis(
                size: size, outputSize: result, filter: filter, stride: stride, dilation: dilation, padding: padding)
            let images = Self.numbers(batch * size * size * channels, size)
            let weights = Self.numbers(filter * filter * channels, filter)
            let bias = Self.numbers(channels, 3)
            let other = Self.numbers(batch * result * result * channels, 4)
            var sums: [Double] = []
            for index in other.indices {
                let (place, channel) = (index / channels, index % channels)
                let (image, y, x) = (place / (result * result), place / result % result, place % result)
                var sum = Double(bias[channel]) + Double(other[index])
                for tap in 0..<filter * filter {
                    let row = y * stride - padding + tap / filter * dilation
                    let column = x * stride - padding + tap % filter * dilation
                    guard (0..<size).contains(row), (0..<size).contains(column) else { continue }
                    sum +=
                        Double(images[((image * size + row) * size + column) * channels + channel])
                        * Double(weights[tap * channels + channel])
                }
                sums.append(sum)
            }
            let convolution = DepthwiseConvolution(
                window: SpatialWindow(rows: axis, columns: axis), batch: batch, depth: channels, multiplier: 1)
            var finish = LinearFinish()
            (finish.hasBias, finish.hasResidual) = (true, true)
            for (activation, function) in [
                (nil, { $0 }), (.unary(.relu6), { min(6, max(0, $0)) }), (.unary(.negate), { -$0 }),
            ] as [(LinearFinish.Activation?, (Double) -> Double)] {
                finish.activation = activation
                let kernel = convolution.finished(finish, level: level)
                let found = try Self.run(kernel, [images, weights, bias, other], count: other.count)
                Self.expect(found, sums.map(function), depth: filter * filter, "\(size) \(channels) \(filter)")
                let helped = try Self.run(
                    kernel, [images, weights, bias, other], count: other.count, helpers: SpareProcessors(processors: 3))
                #expect(helped == found)
            }
        }
    }

    @Test("panels that are made of parts of a matrix, in any order, are those of the whole", arguments: levels)
    func parts(level: PanelFormat.Level) throws {
        for (depth, columns) in [(1, 2), (7, 16), (5, 17), (33, 64), (40, 65), (3, 200)] {
            let matrix = Self.numbers(depth * columns, columns)
            let format = PanelFormat(depth: depth, columns: columns, level: level)
            let count = try #require(format.elementCount)
            for transposed in [false, true] {
                let wanted = try Self.panels(format, matrix, transposed: transposed)
                let rows = transposed ? columns : depth
                let row = transposed ? depth : columns
                let step = transposed ? format.panelWidth : 2
                var found = [Float](repeating: .nan, count: count)
                for first in stride(from: 0, to: rows, by: step).reversed() {
                    let part = Array(matrix[first * row..<min(rows, first + step) * row])
                    found.withUnsafeMutableBufferPointer { panels in
                        guard let base = panels.baseAddress else { return }
                        format.pack(part, transposed: transposed, rows: part.count / row, from: first, into: base)
                    }
                }
                #expect(found == wanted, "\(depth) x \(columns), \(transposed)")
            }
        }
    }

    @Test("helpers change no bit of a product or a convolution")
    func helpers() throws {
        let format = PanelFormat(depth: 300, columns: 500)
        let (left, right) = (Self.numbers(333 * 300, 1), Self.numbers(300 * 500, 2))
        let product = PanelProduct(rows: 333, format, LinearFinish()).kernel
        let packed = try Self.panels(format, right)
        guard case .cut(let cut) = product.work, cut.phases[0].units > 1 else {
            Issue.record("the product is not cut")
            return
        }
        let alone = try Self.run(product, [left, packed], count: 333 * 500)
        let together = try Self.run(product, [left, packed], count: 333 * 500, helpers: SpareProcessors(processors: 4))
        #expect(alone == together)
        let axis = WindowAxis(size: 33, outputSize: 33, filter: 3, stride: 1, padding: 1)
        let convolution = PanelConvolution(
            window: SpatialWindow(rows: axis, columns: axis), batch: 3, channels: 30, outputs: 100, LinearFinish()
        ).kernel
        let filter = PanelFormat(depth: 270, columns: 100)
        let images = Self.numbers(3 * 33 * 33 * 30, 3)
        let inputs = [images, try Self.panels(filter, Self.numbers(270 * 100, 4))]
        let count = 3 * 33 * 33 * 100
        #expect(
            try Self.run(convolution, inputs, count: count)
                == Self.run(convolution, inputs, count: count, helpers: SpareProcessors(processors: 4)))
    }

    @Test("the number of floats in panels is not counted beyond what can be")
    func counts() {
        #expect(PanelFormat(depth: 3, columns: 17, level: .base).elementCount == 96)
        #expect(PanelFormat(depth: .max, columns: 2).elementCount == nil)
        #expect(PanelFormat(depth: 2, columns: .max).elementCount == nil)
    }
}
