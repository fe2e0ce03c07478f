internal import CKernels
internal import Tensors

/// Images, channels last, each element divided by a power of its neighbours along the channels:
/// y = x / (bias + alpha * sum of the squares of `radius` neighbours to each side) ^ beta.
package struct LocalResponse: Sendable, Hashable {
    private let radius: Int
    private let bias: Float
    private let alpha: Float
    private let beta: Float
    private let pixels: Int
    private let depth: Int

    /// - Parameters:
    ///   - radius: How many neighbours to each side count.
    ///   - bias: See above.
    ///   - alpha: See above.
    ///   - beta: See above.
    ///   - pixels: How many pixels there are in all images.
    ///   - depth: Channels of a pixel.
    package init(radius: Int, bias: Float, alpha: Float, beta: Float, pixels: Int, depth: Int) {
        self.radius = radius
        self.bias = bias
        self.alpha = alpha
        self.beta = beta
        self.pixels = pixels
        self.depth = depth
    }

    /// The channels that count for one of them.
    private func neighbours(_ channel: Int) -> Range<Int> {
        let reach = min(radius, depth)
        return max(0, channel - reach)..<min(depth, channel + reach + 1)
    }

    /// bias + alpha * sum of squares, for one pixel.
    private func norms(_ x: UnsafePointer<Float>, _ norm: UnsafeMutablePointer<Float>) {
        for channel in 0..<depth {
            var sum: Float = 0
            for neighbour in neighbours(channel) { sum += x[neighbour] * x[neighbour] }
            norm[channel] = bias + alpha * sum
        }
    }

    /// norm ^ -beta, through the logarithm.
    private func powers(
        _ log: Loop<ck_unary_fn>, _ exp: Loop<ck_unary_fn>, _ norm: UnsafePointer<Float>,
        _ power: UnsafeMutablePointer<Float>, _ count: Int
    ) {
        log.call(norm, power, count)
        for index in 0..<count { power[index] *= -beta }
        exp.call(power, power, count)
    }

    private static let unitNanoseconds = 25_000

    /// The result, of float32 images.
    package func forward() -> Kernel? {
        guard let log = Loop(ck_unary_loop(CK_LOG, DataType.float32.rawValue)),
            let exp = Loop(ck_unary_loop(CK_EXP, DataType.float32.rawValue))
        else { return nil }
        // The sums take a nanosecond a neighbour, the power some for each channel.
        let pixelNanoseconds = max(1, depth.saturatingProduct(min(depth, 2 &* min(radius, depth) &+ 1) / 2 &+ 4))
        let size = max(1, Self.unitNanoseconds / pixelNanoseconds)
        let phase = Kernel.Phase(
            units: max(1, (pixels + size - 1) / size), unitNanoseconds: size.saturatingProduct(pixelNanoseconds)
        ) { frame, units, own in
            let power = own.assumingMemoryBound(to: Float.self)
            for pixel in units.lowerBound &* size..<min(pixels, units.upperBound &* size) {
                if frame.isOver(after: depth &* min(depth, 2 &* min(radius, depth) &+ 2)) { return }
                let x = frame.input(0, as: Float.self) + pixel &* depth
                let y = frame.output(as: Float.self) + pixel &* depth
                norms(x, power)
                powers(log, exp, power, power, depth)
                for channel in 0..<depth { y[channel] = x[channel] * power[channel] }
            }
        }
        return Kernel("localResponse", scratchBytesPerWorker: depth &* 4, phases: [phase])
    }

    /// The gradient, of the result's gradient, the images and the result (inputs 0, 1 and 2), all float32.
    package func gradient() -> Kernel? {
        guard let log = Loop(ck_unary_loop(CK_LOG, DataType.float32.rawValue)),
            let exp = Loop(ck_unary_loop(CK_EXP, DataType.float32.rawValue))
        else { return nil }
        return Kernel(scratchBytes: 2 &* depth &* 4) { frame in
            let norm = frame.scratch.assumingMemoryBound(to: Float.self)
            let power = norm + depth
            for start in stride(from: 0, to: pixels &* depth, by: max(1, depth)) {
                if frame.isOver(after: 2 &* depth &* min(depth, 2 &* min(radius, depth) &+ 2)) { return }
                let dy = frame.input(0, as: Float.self) + start
                let x = frame.input(1, as: Float.self) + start
                let y = frame.input(2, as: Float.self) + start
                let dx = frame.output(as: Float.self) + start
                norms(x, norm)
                powers(log, exp, norm, power, depth)
                for channel in 0..<depth {
                    var sum = dy[channel] * power[channel]
                    for neighbour in neighbours(channel) {
                        sum -= 2 * alpha * beta * x[channel] * y[neighbour] / norm[neighbour] * dy[neighbour]
                    }
                    dx[channel] = sum
                }
            }
        }
    }
}
