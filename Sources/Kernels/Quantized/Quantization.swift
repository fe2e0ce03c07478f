package import Tensors

/// A tensor of float32 as quantised numbers, or back; all of it on one scale, or each slice along an axis on its own.
package struct Quantization: Sendable, Hashable {
    /// How real numbers are spread over the quantised ones.
    package enum Mode: String, Sendable, Hashable {
        /// The lowest real number is the lowest quantised one.
        case minCombined = "MIN_COMBINED"
        /// As before, but zero is a quantised number exactly.
        case minFirst = "MIN_FIRST"
        /// Zero is zero.
        case scaled = "SCALED"
    }

    /// Where halves go.
    package enum Rounding: String, Sendable, Hashable {
        case awayFromZero = "HALF_AWAY_FROM_ZERO"
        case toEven = "HALF_TO_EVEN"
    }

    private let mode: Mode
    private let rounding: Rounding
    private let isNarrow: Bool
    private let minimumRange: Float
    private let layout: ChannelLayout

    /// - Parameters:
    ///   - mode: How numbers are spread.
    ///   - rounding: Where halves go (mode `scaled`).
    ///   - isNarrow: Whether the lowest number is left out (mode `scaled`).
    ///   - minimumRange: The least range, in parts of the largest magnitude.
    ///   - layout: The slices; one for all of the tensor.
    package init(
        mode: Mode, rounding: Rounding = .awayFromZero, isNarrow: Bool, minimumRange: Float = 0.01,
        layout: ChannelLayout
    ) {
        self.mode = mode
        self.rounding = rounding
        self.isNarrow = isNarrow
        self.minimumRange = minimumRange
        self.layout = layout
    }

    /// Inputs: float32, and the least and greatest number of each slice. Outputs: the quantised numbers, and the ranges as they
    /// were made. A range that ends before it begins is a fault. nil for a dtype that is not quantised.
    package func quantizing(to dtype: DataType) -> Kernel? { dtype.accept(quantized: Quantizing(quantization: self)) }

    /// Inputs: quantised numbers, and the range of each slice. Output: float32. nil for a dtype that is not quantised.
    package func dequantizing(from dtype: DataType) -> Kernel? {
        dtype.accept(quantized: Dequantizing(quantization: self))
    }

    /// Calls `body` for each run of neighbours in a slice.
    @inline(__always)
    private func eachRun(_ frame: KernelFrame, _ slice: Int, _ body: (Range<Int>) -> Void) {
        for outer in 0..<layout.outer {
            let start = (outer &* layout.channels &+ slice) &* layout.inner
            frame.inBlocks(of: layout.inner) { first, count in body(start &+ first..<start &+ first &+ count) }
            if frame.isOver(after: 1 &+ layout.inner) { return }
        }
    }

    private struct Quantizing: QuantizedVisitor {
        let quantization: Quantization

        func visit<Number: QuantizedNumber>(_ type: Number.Type) -> Kernel {
            Kernel { [quantization] frame in
                for slice in 0..<quantization.layout.channels {
                    let low = frame.input(1, as: Float.self)[slice]
                    let high = frame.input(2, as: Float.self)[slice]
                    if high < low { frame.report(.other("input_max_range must be larger than input_min_range.")) }
                    let range = quantization.widened(QuantizedRange(low, high))
                    let made = quantization.quantize(
                        frame, slice, range, frame.input(0), frame.output(as: Number.self))
                    frame.output(1, as: Float.self)[slice] = made.low
                    frame.output(2, as: Float.self)[slice] = made.high
                }
            }
        }
    }

    /// A range that holds zero, and is not too small.
    private func widened(_ range: QuantizedRange) -> QuantizedRange {
        let low = range.low < 0 ? range.low : 0
        let least = max(1, max(abs(range.low), abs(range.high))) * minimumRange
        return QuantizedRange(low, max(0, max(range.high, low + least)))
    }

    private func quantize<Number: QuantizedNumber>(
        _ frame: KernelFrame, _ slice: Int, _ range: QuantizedRange, _ input: UnsafePointer<Float>,
        _ output: UnsafeMutablePointer<Number>
    ) -> QuantizedRange {
        func clamped(_ x: Float, _ range: QuantizedRange) -> Float {
            let upper = range.high < x ? range.high : x
            return upper < range.low ? range.low : upper
        }
        switch mode {
        case .minFirst:
            let quantizer = Quantizer<Number>(range)
            eachRun(frame, slice) { run in for index in run { output[index] = quantizer(input[index]) } }
            return range
        case .minCombined:
            let scale = Float((Number.stepCount - 1) / Double(range.high - range.low))
            let half = Number.isSigned ? Float(Number.stepCount / 2) : 0
            eachRun(frame, slice) { run in
                for index in run {
                    let steps = (clamped(input[index], range) - range.low) * scale
                    output[index] = Number(
                        truncating: Number.isSigned
                            ? (steps - half).rounded(.toNearestOrAwayFromZero) : steps + 0.5)
                }
            }
            return range
        case .scaled:
            let (least, most) = (Float(Number.min &+ (isNarrow ? 1 : 0)), Float(Number.max))
            let fromLow = least * range.low > 0 ? least / range.low : .greatestFiniteMagnitude
            let fromHigh = most * range.high > 0 ? most / range.high : .greatestFiniteMagnitude
            let scale = min(fromLow, fromHigh)
            let made = QuantizedRange(least / scale, most / scale)
            let rule: FloatingPointRoundingRule =
                rounding == .toEven ? .toNearestOrEven : .toNearestOrAwayFromZero
            eachRun(frame, slice) { run in
                for index in run {
                    output[index] = Number(truncating: (clamped(input[index], made) * scale).rounded(rule))
                }
            }
            return made
        }
    }

    private struct Dequantizing: QuantizedVisitor {
        let quantization: Quantization

        func visit<Number: QuantizedNumber>(_ type: Number.Type) -> Kernel {
            Kernel { [quantization] frame in
                for slice in 0..<quantization.layout.channels {
                    let range = QuantizedRange(
                        frame.input(1, as: Float.self)[slice], frame.input(2, as: Float.self)[slice])
                    quantization.dequantize(frame, slice, range, frame.input(0, as: Number.self), frame.output())
                }
            }
        }
    }

    private func dequantize<Number: QuantizedNumber>(
        _ frame: KernelFrame, _ slice: Int, _ range: QuantizedRange, _ input: UnsafePointer<Number>,
        _ output: UnsafeMutablePointer<Float>
    ) {
        switch mode {
        case .minFirst:
            let dequantizer = Dequantizer<Number>(range)
            eachRun(frame, slice) { run in for index in run { output[index] = dequantizer(input[index]) } }
        case .minCombined:
            let half = Number.isSigned ? Float(Number.stepCount / 2) : 0
            let scale = (range.high - range.low) / (Float(Number.max) - Float(Number.min))
            eachRun(frame, slice) { run in
                for index in run { output[index] = (Float(input[index]) + half) * scale + range.low }
            }
        case .scaled:
            let fromHigh = range.high / Float(Number.max)
            let fromLow = range.low / Float(Number.min &+ (isNarrow ? 1 : 0))
            let scale = Number.isSigned ? max(fromLow, fromHigh) : fromHigh
            let isWhole = layout.channels == 1
            eachRun(frame, slice) { run in
                for index in run {
                    let real = Float(input[index])
                    // One scale for all: TensorFlow makes an int32 of it once more, which the highest one does not survive.
                    output[index] = (isWhole ? Float(Int32(truncating: real)) : real) * scale
                }
            }
        }
    }
}
