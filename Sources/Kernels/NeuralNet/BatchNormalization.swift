internal import CKernels
internal import Glibc
package import Tensors

/// Where the channels of images lie: [outer, channels, inner].
package struct ChannelLayout: Sendable, Hashable {
    package let outer: Int
    package let channels: Int
    package let inner: Int

    /// - Parameters:
    ///   - shape: Of the images.
    ///   - axis: In 0..<rank: that of the channels.
    package init(_ shape: Shape, axis: Int) {
        outer = shape.dimensions[..<axis].reduce(1, &*)
        channels = shape.dimensions[axis]
        inner = shape.dimensions[(axis + 1)...].reduce(1, &*)
    }

    /// Elements of a channel.
    var count: Int { outer &* inner }

    /// As many channels as make a row that is worth a loop.
    fileprivate var period: Int { inner > 1 || channels == 0 ? 0 : channels &* ((channels + 63) / channels) }
}

/// Images normalised channel by channel.
package struct BatchNormalization: Sendable, Hashable {
    private let layout: ChannelLayout
    private let epsilon: Float

    /// - Parameters:
    ///   - layout: Where the channels lie; not empty.
    ///   - epsilon: Is added to variances.
    package init(_ layout: ChannelLayout, epsilon: Float) {
        self.layout = layout
        self.epsilon = epsilon
    }

    /// (x - mean) * scale / sqrt(variance + epsilon) + offset.
    ///
    /// - Parameters:
    ///   - dtype: Of all tensors.
    ///   - scale: The number of the input that scales; nil where none does.
    ///   - offset: The number of the input that is added.
    ///   - mean: The number of the input that is subtracted first.
    ///   - variance: The number of the input that tells the spread.
    ///   - copiesMoments: Outputs 1 and 2 are mean and variance; those after them, as many as `unused` says, are zero.
    ///   - unused: The element counts of outputs that nobody needs.
    /// - Returns: nil if the dtype is not float32 or float64.
    package func given(
        _ dtype: DataType, scale: Int?, offset: Int, mean: Int, variance: Int, copiesMoments: Bool = false,
        unused: [Int] = []
    ) -> Kernel? {
        let inputs = Inputs(scale: scale, offset: offset, mean: mean, variance: variance)
        return switch dtype {
        case .float32: given(Float.self, inputs, copiesMoments, unused)
        case .float64: given(Double.self, inputs, copiesMoments, unused)
        default: nil
        }
    }

    private struct Inputs: Sendable {
        let scale: Int?
        let offset: Int
        let mean: Int
        let variance: Int
    }

    private func given<Element: NormalElement>(
        _ type: Element.Type, _ inputs: Inputs, _ copiesMoments: Bool, _ unused: [Int]
    ) -> Kernel {
        let width = MemoryLayout<Element>.stride
        let scratchBytes = (2 &* layout.period &+ layout.channels) &* width &+ layout.period &* width
        let factorsPhase = Kernel.Phase { frame in
            let (mean, variance) = (
                frame.input(inputs.mean, as: Element.self), frame.input(inputs.variance, as: Element.self)
            )
            let factors = frame.scratch.assumingMemoryBound(to: Element.self)
            let scale = inputs.scale.map { frame.input($0, as: Element.self) }
            for channel in 0..<layout.channels {
                let factor = 1 / (variance[channel] + Element(epsilon)).squareRoot()
                factors[channel] = scale.map { factor * $0[channel] } ?? factor
            }
            let shift = frame.input(inputs.offset, as: Element.self)
            fill(factors + layout.channels, mean, factors, shift)
            guard copiesMoments else { return }
            frame.output(1, as: Element.self).update(from: mean, count: layout.channels)
            frame.output(2, as: Element.self).update(from: variance, count: layout.channels)
            for (index, count) in unused.enumerated() { memset(frame.rawOutput(3 + index), 0, count &* width) }
        }
        let normalizePhase = normalizePhase(width: width) { frame, rows in
            let factors = frame.scratch.assumingMemoryBound(to: Element.self)
            normalize(
                frame, rows, frame.input(0), frame.input(inputs.mean), factors, frame.input(inputs.offset),
                frame.output(), factors + layout.channels)
        }
        return Kernel(
            "batchNormalization", scratchBytes: scratchBytes, overwritableInputs: [0],
            phases: [factorsPhase, normalizePhase])
    }

    private static let unitNanoseconds = 25_000

    /// The phase that normalises everything.
    ///
    /// - `width`: Bytes of an element.
    /// - `body`: Normalises some rows, as ``normalize(_:_:_:_:_:_:_:_:)`` takes them.
    private func normalizePhase(
        width: Int, _ body: @escaping @Sendable (_ frame: KernelFrame, _ rows: Range<Int>) -> Void
    ) -> Kernel.Phase {
        let rows = layout.inner == 1 ? periodCount : layout.outer &* layout.channels
        let rowSize = layout.inner == 1 ? layout.period : layout.inner
        let rowNanoseconds = max(1, rowSize.saturatingProduct(60 &* width) / 1000)
        let rowsPerUnit = max(1, Self.unitNanoseconds / rowNanoseconds)
        return Kernel.Phase(
            units: max(1, (rows + rowsPerUnit - 1) / rowsPerUnit),
            unitNanoseconds: rowsPerUnit.saturatingProduct(rowNanoseconds)
        ) { frame, units, _ in
            body(frame, units.lowerBound &* rowsPerUnit..<min(rows, units.upperBound &* rowsPerUnit))
        }
    }

    /// So many periods have all elements, if the channels are the innermost axis; the last may be a part of one.
    private var periodCount: Int { (layout.outer &* layout.channels &+ layout.period &- 1) / max(1, layout.period) }

    /// Repeats what is known of the channels for a whole period, if they are the innermost axis.
    ///
    /// - `room`: Three periods of elements.
    private func fill<Element: NormalElement>(
        _ room: UnsafeMutablePointer<Element>, _ mean: UnsafePointer<Element>, _ factor: UnsafePointer<Element>,
        _ shift: UnsafePointer<Element>
    ) {
        let period = layout.period
        for start in stride(from: 0, to: period, by: layout.channels) {
            (room + start).update(from: mean, count: layout.channels)
            (room + period + start).update(from: factor, count: layout.channels)
            (room + 2 &* period + start).update(from: shift, count: layout.channels)
        }
    }

    /// Normalises some periods, if the channels are the innermost axis; else some planes of one channel each.
    ///
    /// - `room`: As ``fill(_:_:_:_:)`` left it.
    private func normalize<Element: NormalElement>(
        _ frame: KernelFrame, _ rows: Range<Int>, _ x: UnsafePointer<Element>, _ mean: UnsafePointer<Element>,
        _ factor: UnsafePointer<Element>, _ shift: UnsafePointer<Element>, _ y: UnsafeMutablePointer<Element>,
        _ room: UnsafePointer<Element>
    ) {
        guard layout.inner == 1 else {
            for index in rows {
                if frame.isOver(after: layout.inner) { return }
                let (channel, start) = (index % layout.channels, index &* layout.inner)
                Element.normalizePlane(
                    x + start, mean[channel], factor[channel], shift[channel], y + start, layout.inner)
            }
            return
        }
        let (period, count) = (layout.period, layout.outer &* layout.channels)
        frame.inBlocks(ofRows: rows, work: period) { first, rows in
            let start = first &* period
            Element.normalize(
                x + start, room, room + period, room + 2 &* period, y + start, min(rows &* period, count &- start),
                period)
        }
    }
}

// Training.
extension BatchNormalization {
    /// Normalises by the moments of the batch itself.
    ///
    /// Inputs: x, scale, offset, and the running mean and variance where they are needed, all float32. Outputs: y; the new
    /// running mean and variance; the batch's mean and variance; and `unused`, counts of outputs that nobody needs.
    ///
    /// - `factor`: How much the batch counts in the new moments; 1 leaves the running ones out.
    package func training(factor: Float, unused: [Int] = []) -> Kernel {
        let channels = layout.channels
        let sumsBytes = (3 &* channels &* 8).roundedUp(to: TensorStorage.alignment)
        let scratchBytes = sumsBytes &+ (3 &* layout.period &+ channels) &* 4
        let count = Double(layout.count)
        let momentsPhase = momentsPhase
        let factorsPhase = Kernel.Phase { frame in
            let means = frame.scratch.assumingMemoryBound(to: Double.self)
            let squares = means + 2 &* channels
            let factors = (frame.scratch + sumsBytes).assumingMemoryBound(to: Float.self)
            let (mean, variance) = (frame.output(3, as: Float.self), frame.output(4, as: Float.self))
            for channel in 0..<channels {
                mean[channel] = Float(means[channel])
                variance[channel] = Float(squares[channel] / count)
                factors[channel] = frame.input(1, as: Float.self)[channel] / (variance[channel] + epsilon).squareRoot()
            }
            updateMoments(frame, factor, mean, variance)
            fill(factors + channels, mean, factors, frame.input(2))
            for (index, count) in unused.enumerated() { memset(frame.rawOutput(5 + index), 0, count &* 4) }
        }
        let normalizePhase = normalizePhase(width: 4) { frame, rows in
            let factors = (frame.scratch + sumsBytes).assumingMemoryBound(to: Float.self)
            normalize(
                frame, rows, frame.input(0, as: Float.self), frame.output(3), factors, frame.input(2), frame.output(),
                factors + channels)
        }
        return Kernel(
            "batchNormalization.training", scratchBytes: scratchBytes, overwritableInputs: [0],
            phases: [momentsPhase, factorsPhase, normalizePhase])
    }

    /// Units have a multiple of so many channels where these are the innermost axis: a line of the cache.
    private static let channelStep = 16

    /// The phase that computes, at the beginning of the scratch memory, the means of all channels; their sums, which are not
    /// needed any more; and the sums of the squares of differences from the means.
    private var momentsPhase: Kernel.Phase {
        let (channels, count) = (layout.channels, Double(layout.count))
        // Both sums take about a nanosecond an element.
        let channelNanoseconds = max(1, layout.count)
        let wanted = (Self.unitNanoseconds + channelNanoseconds - 1) / channelNanoseconds
        let size = layout.inner == 1 ? wanted.roundedUp(to: Self.channelStep) : wanted
        let units = max(1, (channels + size - 1) / size)
        return Kernel.Phase(units: units, unitNanoseconds: size.saturatingProduct(channelNanoseconds)) {
            frame, units, _ in
            let means = frame.scratch.assumingMemoryBound(to: Double.self)
            let (sums, squares) = (means + channels, means + 2 &* channels)
            let x = frame.input(0, as: Float.self)
            let some = units.lowerBound &* size..<min(channels, units.upperBound &* size)
            for channel in some { means[channel] = 0 }
            channelSums(frame, some, x, means, nil, sums, squares)
            for channel in some { means[channel] = sums[channel] / count }
            channelSums(frame, some, x, means, nil, sums, squares)
        }
    }

    private func updateMoments(
        _ frame: KernelFrame, _ factor: Float, _ mean: UnsafePointer<Float>, _ variance: UnsafePointer<Float>
    ) {
        let (newMean, newVariance) = (frame.output(1, as: Float.self), frame.output(2, as: Float.self))
        let (oldMean, oldVariance) = (frame.input(3, as: Float.self), frame.input(4, as: Float.self))
        let unbiased = Float(layout.count) / Float(max(1, layout.count - 1))
        for channel in 0..<layout.channels {
            let adjusted = variance[channel] * unbiased
            newMean[channel] = factor == 1 ? mean[channel] : (1 - factor) * oldMean[channel] + factor * mean[channel]
            newVariance[channel] = factor == 1 ? adjusted : (1 - factor) * oldVariance[channel] + factor * adjusted
        }
    }

    /// The gradient: inputs y_backprop, x, scale, mean and variance; outputs the gradients by x, scale and offset. All float32.
    ///
    /// - `training`: Whether mean and variance are the batch's own, so that they change with x.
    package func gradient(training: Bool) -> Kernel {
        let channels = layout.channels
        return Kernel("batchNormalization.gradient", scratchBytes: 4 &* channels &* 8, overwritableInputs: [0]) {
            frame in
            let means = frame.scratch.assumingMemoryBound(to: Double.self)
            let (sums, products, zeros) = (means + channels, means + 2 &* channels, means + 3 &* channels)
            let (dy, x) = (frame.input(0, as: Float.self), frame.input(1, as: Float.self))
            let (scale, mean) = (frame.input(2, as: Float.self), frame.input(3, as: Float.self))
            let variance = frame.input(4, as: Float.self)
            let (dx, dScale) = (frame.output(0, as: Float.self), frame.output(1, as: Float.self))
            for channel in 0..<channels { means[channel] = Double(mean[channel]) }
            channelSums(frame, 0..<channels, x, means, dy, sums, products)
            zeros.update(repeating: 0, count: channels)
            // The products stay; of the sums, those of dy are wanted.
            for channel in 0..<channels { means[channel] = products[channel] }
            channelSums(frame, 0..<channels, dy, zeros, nil, sums, products)
            let count = Float(layout.count)
            for index in 0..<layout.outer &* channels {
                let channel = index % channels
                let inverse = 1 / (variance[channel] + epsilon).squareRoot()
                let factor = scale[channel] * inverse
                let meanGradient = training ? Float(sums[channel]) / count : 0
                let slope = training ? Float(means[channel]) * inverse * inverse / count : 0
                if frame.isOver(after: layout.inner) { return }
                for place in index &* layout.inner..<(index &+ 1) &* layout.inner {
                    dx[place] = factor * (dy[place] - meanGradient - (x[place] - mean[channel]) * slope)
                }
                dScale[channel] = Float(means[channel]) * inverse
                frame.output(2, as: Float.self)[channel] = Float(sums[channel])
            }
        }
    }

    private func channelSums(
        _ frame: KernelFrame, _ some: Range<Int>, _ x: UnsafePointer<Float>, _ center: UnsafePointer<Double>,
        _ factor: UnsafePointer<Float>?,
        _ sums: UnsafeMutablePointer<Double>, _ products: UnsafeMutablePointer<Double>
    ) {
        if frame.isOver(after: 0) { return }
        ck_channel_sums_f32(
            x, center, factor, layout.outer, layout.channels, layout.inner, some.lowerBound, some.upperBound, sums,
            products)
        _ = frame.isOver(after: layout.outer &* some.count &* layout.inner)
    }
}

/// A float whose loops C has.
private protocol NormalElement: BinaryFloatingPoint, TensorScalar {
    static func normalize(
        _ x: UnsafePointer<Self>, _ mean: UnsafePointer<Self>, _ factor: UnsafePointer<Self>,
        _ shift: UnsafePointer<Self>, _ y: UnsafeMutablePointer<Self>, _ count: Int, _ period: Int)
    static func normalizePlane(
        _ x: UnsafePointer<Self>, _ mean: Self, _ factor: Self, _ shift: Self, _ y: UnsafeMutablePointer<Self>,
        _ count: Int)
}

extension Float: NormalElement {
    fileprivate static func normalize(
        _ x: UnsafePointer<Float>, _ mean: UnsafePointer<Float>, _ factor: UnsafePointer<Float>,
        _ shift: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ count: Int, _ period: Int
    ) { ck_normalize_f32(x, mean, factor, shift, y, count, period) }

    fileprivate static func normalizePlane(
        _ x: UnsafePointer<Float>, _ mean: Float, _ factor: Float, _ shift: Float, _ y: UnsafeMutablePointer<Float>,
        _ count: Int
    ) { ck_normalize_plane_f32(x, mean, factor, shift, y, count) }
}

extension Double: NormalElement {
    fileprivate static func normalize(
        _ x: UnsafePointer<Double>, _ mean: UnsafePointer<Double>, _ factor: UnsafePointer<Double>,
        _ shift: UnsafePointer<Double>, _ y: UnsafeMutablePointer<Double>, _ count: Int, _ period: Int
    ) { ck_normalize_f64(x, mean, factor, shift, y, count, period) }

    fileprivate static func normalizePlane(
        _ x: UnsafePointer<Double>, _ mean: Double, _ factor: Double, _ shift: Double,
        _ y: UnsafeMutablePointer<Double>, _ count: Int
    ) { ck_normalize_plane_f64(x, mean, factor, shift, y, count) }
}
