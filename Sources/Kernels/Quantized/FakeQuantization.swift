package import Tensors

/// Floats rounded to what quantised numbers can hold, slice by slice.
package struct RoundTrip: Sendable, Hashable {
    private let layout: ChannelLayout
    private let isSigned: Bool
    private let isNarrow: Bool
    private let roundsToEven: Bool

    /// - Parameters:
    ///   - layout: The slices, each of which has a range of its own; one for all of the tensor.
    ///   - isSigned: Whether the quantised numbers are.
    ///   - isNarrow: Whether the lowest of signed numbers is left out.
    ///   - roundsToEven: Whether halves go to the even number, else up.
    package init(layout: ChannelLayout, isSigned: Bool, isNarrow: Bool, roundsToEven: Bool) {
        self.layout = layout
        self.isSigned = isSigned
        self.isNarrow = isNarrow
        self.roundsToEven = roundsToEven
    }

    /// Where the ranges come from.
    package enum Source: Sendable, Hashable {
        /// What the slice has.
        case data
        /// Inputs 1 and 2, an element a slice.
        case inputs
        /// Two numbers for all slices.
        case given(low: Float, high: Float)
    }

    /// Input 0, rounded.
    ///
    /// - Parameters:
    ///   - dtype: Of the input.
    ///   - bits: The width of the quantised numbers, in 1...62.
    ///   - source: Where the ranges come from. One that ends before it begins is a fault.
    /// - Returns: nil for other dtypes than float32 and float64.
    package func kernel(_ dtype: DataType, bits: Int, _ source: Source) -> Kernel? {
        switch dtype {
        case .float32: kernel(Float.self, bits, source)
        case .float64: kernel(Double.self, bits, source)
        default: nil
        }
    }

    private func kernel<Element: BinaryFloatingPoint & TensorScalar>(
        _ type: Element.Type, _ bits: Int, _ source: Source
    ) -> Kernel {
        Kernel(overwritableInputs: [0]) { frame in
            let (input, output) = (frame.input(0, as: Element.self), frame.output(as: Element.self))
            for slice in 0..<layout.channels {
                let (low, high): (Element, Element) =
                    switch source {
                    case .data: extremes(frame, slice, input)
                    case .inputs:
                        (frame.input(1, as: Element.self)[slice], frame.input(2, as: Element.self)[slice])
                    case .given(let low, let high): (Element(low), Element(high))
                    }
                if source != .data, low > high {
                    frame.report(.other("Invalid range: input_min is larger than input_max"))
                }
                let scale = Scale<Element>(low, high, bits: bits, isSigned: isSigned, isNarrow: isNarrow)
                eachElement(frame, slice) { index in
                    var x = input[index]
                    if source != .data {
                        x = scale.high < x ? scale.high : x
                        x = x < scale.low ? scale.low : x
                    }
                    let steps = x * scale.factor
                    output[index] =
                        (roundsToEven ? steps.rounded(.toNearestOrEven) : (steps + 0.5).rounded(.down))
                        * scale.inverse
                }
            }
        }
    }

    @inline(__always)
    private func eachElement(_ frame: KernelFrame, _ slice: Int, _ body: (Int) -> Void) {
        for outer in 0..<layout.outer {
            let start = (outer &* layout.channels &+ slice) &* layout.inner
            frame.eachElement(of: layout.inner) { body(start &+ $0) }
            if frame.isOver(after: 1 &+ layout.inner) { return }
        }
    }

    private func extremes<Element: BinaryFloatingPoint>(
        _ frame: KernelFrame, _ slice: Int, _ input: UnsafePointer<Element>
    ) -> (Element, Element) {
        var (low, high) = (Element.infinity, -Element.infinity)
        eachElement(frame, slice) { index in
            low = input[index] < low ? input[index] : low
            high = input[index] > high ? input[index] : high
        }
        return (low, high)
    }

    /// How real numbers become whole ones: zero stays zero, and the range fits.
    private struct Scale<Element: BinaryFloatingPoint> {
        let factor: Element
        let inverse: Element
        let low: Element
        let high: Element

        init(_ low: Element, _ high: Element, bits: Int, isSigned: Bool, isNarrow: Bool) {
            let half = Int64(1) << Int64(max(1, min(62, bits)) - 1)
            let least = Element(isSigned ? isNarrow ? 1 - half : -half : 0)
            let most = Element(isSigned ? half - 1 : half &* 2 &- 1)
            let fromLow = least * low > 0 ? least / low : Element.greatestFiniteMagnitude
            let fromHigh = most * high > 0 ? most / high : Element.greatestFiniteMagnitude
            if fromLow < fromHigh {
                factor = fromLow
                inverse = low / least
                self.low = low
                self.high = most * inverse
            } else {
                factor = fromHigh
                inverse = high / most
                self.high = high
                self.low = least * inverse
            }
        }
    }
}

/// Floats rounded to one of 2 ^ bits numbers of a range, of which one is zero: what training with quantisation in mind does.
package struct FakeQuantization: Sendable, Hashable {
    private let least: Int
    private let most: Int

    /// - Parameters:
    ///   - bits: The width of the quantised numbers, in 2...16.
    ///   - isNarrow: Whether the lowest is left out.
    package init(bits: Int, isNarrow: Bool) {
        least = isNarrow ? 1 : 0
        most = 1 << bits - 1
    }

    /// Input 0, float32, rounded; the range is that of all.
    package func given(low: Float, high: Float, count: Int) -> Kernel {
        let scale = Nudged(low, high, self)
        return Kernel(overwritableInputs: [0]) { frame in
            let (input, output) = (frame.input(0, as: Float.self), frame.output(as: Float.self))
            frame.eachElement(of: count) { index in output[index] = scale.multiplied(input[index]) }
        }
    }

    /// Input 0, float32, rounded; inputs 1 and 2 are the range of all, or of each channel.
    ///
    /// - Parameters:
    ///   - channels: How many ranges there are.
    ///   - rows: How many elements each of them is for, `channels` apart.
    ///   - isPerChannel: Which of two ways of rounding is TensorFlow's.
    /// - Returns: The kernel.
    package func variable(channels: Int, rows: Int, isPerChannel: Bool) -> Kernel {
        Kernel(overwritableInputs: [0]) { frame in
            let (input, output) = (frame.input(0, as: Float.self), frame.output(as: Float.self))
            for channel in 0..<channels {
                let low = frame.input(1, as: Float.self)[channel]
                let high = frame.input(2, as: Float.self)[channel]
                let scale = Nudged(low, high, self)
                if frame.isOver(after: 1) { return }
                frame.eachElement(of: rows) { row in
                    let index = row &* channels &+ channel
                    output[index] =
                        low == 0 && high == 0
                        ? 0 : isPerChannel ? scale.multiplied(input[index]) : scale.divided(input[index])
                }
            }
        }
    }

    /// A range moved so that zero is one of the numbers.
    private struct Nudged: Sendable {
        private let low: Float
        private let high: Float
        private let scale: Float
        private let inverse: Float
        private let zero: Float

        init(_ low: Float, _ high: Float, _ quantization: FakeQuantization) {
            let (least, most) = (Float(quantization.least), Float(quantization.most))
            scale = (high - low) / (most - least)
            inverse = (most - least) / (high - low)
            let point = least - low / scale
            let nudged =
                point < least ? least : point > most ? most : point.rounded(.toNearestOrAwayFromZero)
            self.low = (least - nudged) * scale
            self.high = (most - nudged) * scale
            zero = (-self.low * inverse + 0.5).rounded(.down)
        }

        private func shifted(_ x: Float) -> Float {
            let upper = high < x ? high : x
            return (upper < low ? low : upper) - low
        }

        func multiplied(_ x: Float) -> Float { (shifted(x) * inverse - zero + 0.5).rounded(.down) * scale }
        func divided(_ x: Float) -> Float { (shifted(x) / scale - zero + 0.5).rounded(.down) * scale }
    }
}
