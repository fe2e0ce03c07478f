internal import Glibc
package import Tensors

/// The numbers of the two inputs that hold the range of a quantised one.
package struct RangeInputs: Sendable, Hashable {
    fileprivate let low: Int
    fileprivate let high: Int

    /// - Parameters:
    ///   - low: The input that holds the beginning.
    ///   - high: The input that holds the end.
    package init(_ low: Int, _ high: Int) {
        self.low = low
        self.high = high
    }

    fileprivate func range(_ frame: KernelFrame) -> QuantizedRange { QuantizedRange(frame, low, high) }
}

extension KernelFrame {
    /// Writes outputs 1 and 2, the range of output 0.
    fileprivate func put(_ range: QuantizedRange) {
        output(1, as: Float.self)[0] = range.low
        output(2, as: Float.self)[0] = range.high
    }
}

extension Kernel {
    /// A kernel of quantised numbers as whole numbers, whose range stays that of an input: outputs 1 and 2.
    package func keepingRange(_ inputs: RangeInputs) -> Kernel? {
        guard case .compute(let body) = work else { return nil }
        return Kernel(scratchBytes: scratchBytes) { frame in
            body(frame)
            frame.put(inputs.range(frame))
        }
    }

    /// Bytes of input 0 as they are.
    package static func bytes(_ count: Int) -> Kernel {
        Kernel { frame in memcpy(frame.rawOutput(), frame.rawInput(0), count) }
    }

    /// The bilinear task of an int32 kernel on two quantised inputs: inputs 0 and 1, with their ranges at inputs 2 to 5. Outputs:
    /// int32 numbers, and their range.
    ///
    /// - Parameters:
    ///   - product: Of two int32 inputs.
    ///   - operands: The two inputs' dtypes and counts.
    /// - Returns: nil for a dtype that is not quantised.
    package static func quantized(_ product: Kernel, _ operands: [(dtype: DataType, count: Int)]) -> Kernel? {
        guard let body = product.body, operands.count == 2,
            let left = operands[0].dtype.accept(quantized: Centering(input: 0, count: operands[0].count)),
            let right = operands[1].dtype.accept(quantized: Centering(input: 1, count: operands[1].count))
        else { return nil }
        let leftBytes = (operands[0].count &* 4).roundedUp(to: TensorStorage.alignment)
        let rightBytes = (operands[1].count &* 4).roundedUp(to: TensorStorage.alignment)
        let alignment = TensorStorage.alignment
        return Kernel(product.name, scratchBytes: alignment + leftBytes + rightBytes + product.scratchBytes) { frame in
            // Safety: the scratch holds a table of three operands, then the two inputs as int32.
            let table = frame.scratch.assumingMemoryBound(to: UnsafeMutableRawPointer.self)
            table[0] = frame.scratch + alignment
            table[1] = table[0] + leftBytes
            table[2] = frame.rawOutput()
            let ranges = (RangeInputs(2, 3).range(frame), RangeInputs(4, 5).range(frame))
            left.center(frame, ranges.0, table[0].assumingMemoryBound(to: Int32.self))
            right.center(frame, ranges.1, table[1].assumingMemoryBound(to: Int32.self))
            if !(ranges.0.high > ranges.0.low) { frame.report(.other("max_a must be larger than min_a.")) }
            if !(ranges.1.high > ranges.1.low) { frame.report(.other("max_b must be larger than min_b.")) }
            withUnsafePointer(to: (Int32(0), Int32(1), Int32(2))) { numbers in
                numbers.withMemoryRebound(to: Int32.self, capacity: 3) { numbers in
                    body(
                        frame.with(
                            values: table, operands: numbers, inputCount: 2, scratch: table[1] + rightBytes))
                }
            }
            let step = left.step(ranges.0) * right.step(ranges.1)
            frame.put(QuantizedRange(step * Float(Int32.min), step * Float(Int32.max)))
        }
    }

    /// Quantised numbers less the one that stands for zero, in 32 bits.
    private struct Centering: QuantizedVisitor {
        let input: Int
        let count: Int

        struct Task: Sendable {
            let center: @Sendable (KernelFrame, QuantizedRange, UnsafeMutablePointer<Int32>) -> Void
            let step: @Sendable (QuantizedRange) -> Float
        }

        func visit<Number: QuantizedNumber>(_ type: Number.Type) -> Task {
            Task(
                center: { [input, count] frame, range, output in
                    let zero = Int32(truncatingIfNeeded: Number.place(0, in: range))
                    let numbers = frame.input(input, as: Number.self)
                    frame.eachElement(of: count) { index in
                        output[index] = Int32(truncatingIfNeeded: numbers[index]) &- zero
                    }
                }, step: { Number.step(of: $0) })
        }
    }
}

// One tensor of int32 to one of fewer bits.
extension Kernel {
    /// The range that quantised int32 numbers (input 0, with the range in inputs 1 and 2) really take: outputs 0 and 1.
    package static func rangeInUse(count: Int) -> Kernel {
        Kernel { frame in
            let used = usedRange(frame, count)
            frame.output(0, as: Float.self)[0] = used.low
            frame.output(1, as: Float.self)[0] = used.high
        }
    }

    /// Quantised int32 numbers (input 0, with the range in inputs 1 and 2) on another scale; outputs: the numbers, and the range.
    ///
    /// - Parameters:
    ///   - target: qint8 or quint8.
    ///   - count: How many there are.
    ///   - requested: The inputs that hold the new range; nil: the range in use.
    /// - Returns: nil for other targets.
    package static func requantize(to target: DataType, count: Int, requested: RangeInputs?) -> Kernel? {
        guard target == .qint8 || target == .quint8 else { return nil }
        return Kernel { frame in
            let range = RangeInputs(1, 2).range(frame)
            let made = requested?.range(frame) ?? usedRange(frame, count)
            if requested != nil, !(made.low <= 0) { frame.report(.other("requested_output_min must be <= 0")) }
            if requested != nil, !(made.high >= made.low) {
                frame.report(.other("requested_output_max must be >= requested_output_min"))
            }
            let numbers = frame.input(0, as: Int32.self)
            if target == .quint8 {
                requantize(frame, numbers, count, range, made, frame.output(as: UInt8.self))
            } else {
                let (dequantizer, quantizer) = (Dequantizer<Int32>(range), Quantizer<Int8>(made))
                let output = frame.output(as: Int8.self)
                frame.eachElement(of: count) { index in output[index] = quantizer(dequantizer(numbers[index])) }
            }
            frame.put(made)
        }
    }

    private static func usedRange(_ frame: KernelFrame, _ count: Int) -> QuantizedRange {
        let range = RangeInputs(1, 2).range(frame)
        let numbers = frame.input(0, as: Int32.self)
        var (low, high) = (Int32.max, Int32.min)
        frame.eachElement(of: count) { (low, high) = (min(low, numbers[$0]), max(high, numbers[$0])) }
        return QuantizedRange(min(0, low.real(in: range)), high.real(in: range))
    }

    /// In fixed point of 16 bits after the point, as TensorFlow has it for these widths.
    private static func requantize(
        _ frame: KernelFrame, _ numbers: UnsafePointer<Int32>, _ count: Int, _ range: QuantizedRange,
        _ made: QuantizedRange,
        _ output: UnsafeMutablePointer<UInt8>
    ) {
        let one = 65536.0
        let width = made.high - made.low
        let perUnit: Float = width == 0 ? 0 : Float(255 / Double(width))
        let factor = width == 0 ? 0 : Int64(clamping: 255 * one * Double(range.high - range.low) / Double(width))
        let middle = Float(Double(range.low + range.high) / 2)
        let offset = Int64(clamping: middle * perUnit * Float(one))
        let origin =
            width == 0
            ? 0 : Int64(clamping: (one * (Double(made.low) * 255) / Double(width)).rounded(.toNearestOrAwayFromZero))
        frame.eachElement(of: count) { index in
            let scaled = (Int64(numbers[index]) &* factor) >> 32
            output[index] = UInt8(clamping: (scaled &+ offset &- origin &+ 32768) >> 16)
        }
    }
}

// Element by element.
extension Kernel {
    /// The sum of quantised numbers (input 0) and a vector along the last dimension (input 1), whose ranges are inputs 2 to 5.
    /// Outputs: int32 numbers, and their range.
    ///
    /// - Parameters:
    ///   - dtype: Of both inputs.
    ///   - rows: How often the vector repeats.
    ///   - count: How long it is.
    /// - Returns: nil for a dtype that is not quantised.
    package static func quantizedBiasAdd(_ dtype: DataType, rows: Int, count: Int) -> Kernel? {
        dtype.accept(quantized: BiasAddition(rows: rows, count: count))
    }

    private struct BiasAddition: QuantizedVisitor {
        let rows: Int
        let count: Int

        func visit<Number: QuantizedNumber>(_ type: Number.Type) -> Kernel {
            Kernel { [rows, count] frame in
                let ranges = (RangeInputs(2, 3).range(frame), RangeInputs(4, 5).range(frame))
                let most =
                    max(ranges.0.high, max(-ranges.0.low, max(ranges.1.high, -ranges.1.low))) * Float(1 << 17)
                let total = QuantizedRange(-most, most)
                let zero = Int32.nearest(0, in: total)
                let quantizer = Quantizer<Int32>(total)
                let (value, bias) = (Dequantizer<Number>(ranges.0), Dequantizer<Number>(ranges.1))
                frame.eachElement(of: rows &* count) { index in
                    let left = quantizer(value(frame.input(0, as: Number.self)[index]))
                    let right = quantizer(bias(frame.input(1, as: Number.self)[index % count]))
                    frame.output(as: Int32.self)[index] = left &+ (right &+ zero)
                }
                frame.put(total)
            }
        }
    }

    /// Quantised numbers (input 0, with the range in inputs 1 and 2) held between those that stand for 0 and `most`. Outputs:
    /// the numbers, and their range.
    ///
    /// - Parameters:
    ///   - dtype: Of the input.
    ///   - most: nil: there is no upper bound.
    ///   - count: How many there are.
    /// - Returns: nil for a dtype that is not quantised.
    package static func quantizedClamp(_ dtype: DataType, most: Float?, count: Int) -> Kernel? {
        dtype.accept(quantized: Clamping(most: most, count: count))?.keepingRange(RangeInputs(1, 2))
    }

    private struct Clamping: QuantizedVisitor {
        let most: Float?
        let count: Int

        func visit<Number: QuantizedNumber>(_ type: Number.Type) -> Kernel {
            Kernel { [most, count] frame in
                let range = RangeInputs(1, 2).range(frame)
                let low = Number.nearest(0, in: range)
                let high = most.map { Number.nearest($0, in: range) } ?? .max
                let (input, output) = (frame.input(0, as: Number.self), frame.output(as: Number.self))
                frame.eachElement(of: count) { index in output[index] = min(max(input[index], low), high) }
            }
        }
    }
}

extension VolumePooling {
    /// The mean of what the window sees of each channel of input 0, whole numbers, towards zero; nil for other dtypes than qint8
    /// and quint8.
    package func quantizedMean(_ dtype: DataType) -> Kernel? {
        guard dtype == .qint8 || dtype == .quint8 else { return nil }
        return dtype.accept(quantized: WholeMean(pooling: self))
    }
}
