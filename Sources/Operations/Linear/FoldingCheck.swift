package import Kernels
package import Tensors

/// Whether a weight may be multiplied by the scales of its channels ahead of a product: whether only the rounding of results changes.
///
/// Scales and scaled weights must be finite. The graph may multiply sums of any size by the scale. A scale or a scaled weight that underflows
/// therefore loses digits, unless the channel has a shift beside which they do not count.
///
/// - Inputs: the weight; the scales, one for each channel; the scaled weight; if there is one, the shift of each channel. All are float32.
/// - Outputs: a bool.
package struct FoldingCheck: TensorOp {
    /// The number of the weight's elements that follow each other in one channel.
    private let run: Int

    /// Beside a shift of this magnitude, what an underflow loses counts only if the data is larger than 2^60.
    private static let hidingShift: Float = 0x1p-60

    /// - Parameter run: The number of the weight's elements that follow each other in one channel.
    package init(run: Int) { self.run = run }

    package func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard (3...4).contains(inputs.count), inputs.allSatisfy({ $0.dtype == .float32 }) else {
            throw OpError(.malformed, "has \(inputs.count) inputs, or one that is not float32")
        }
        return [TensorFact(.bool, Shape.scalar)]
    }

    package func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        let (count, channels) = (inputs[0].shape.elementCount, inputs[1].shape.elementCount)
        let (period, overflow) = channels.multipliedReportingOverflow(by: run)
        guard !overflow, period > 0, count % period == 0, inputs[2].shape.elementCount == count,
            inputs.count < 4 || inputs[3].shape.elementCount == channels
        else { throw OpError(.malformed, "the weight and its scales do not fit each other") }
        let answer = inputs[0].withUnsafeBytes { weight -> Bool in
            inputs[1].withUnsafeBytes { scales -> Bool in
                inputs[2].withUnsafeBytes { scaled -> Bool in
                    isSound(
                        weight.bindMemory(to: Float.self), scales.bindMemory(to: Float.self),
                        scaled.bindMemory(to: Float.self),
                        shifts: inputs.count < 4 ? nil : inputs[3].scalars(as: Float.self))
                }
            }
        }
        return [try account.tensor(.bool, Shape.scalar) { $0.storeBytes(of: answer, as: Bool.self) }]
    }

    private func isSound(
        _ weight: UnsafeBufferPointer<Float>, _ scales: UnsafeBufferPointer<Float>,
        _ scaled: UnsafeBufferPointer<Float>, shifts: [Float]?
    ) -> Bool {
        guard scales.allSatisfy({ $0.isNormal || $0 == 0 }), shifts?.allSatisfy(\.isFinite) ?? true else {
            return false
        }
        if Self.areNormal(scaled) { return true }
        let mayLose = scales.indices.map { abs(shifts?[$0] ?? 0) >= Self.hidingShift }
        var start = 0
        while start < weight.count {
            for channel in scales.indices {
                for index in start..<start + run where !scaled[index].isNormal {
                    let isNothing = scaled[index] == 0 && (weight[index] == 0 || scales[channel] == 0)
                    guard isNothing || mayLose[channel] && scaled[index].isFinite else { return false }
                }
                start += run
            }
        }
        return true
    }

    /// Whether all numbers are normal, as those of nearly all weights are. A loop without branches, as weights have millions of elements.
    private static func areNormal(_ numbers: UnsafeBufferPointer<Float>) -> Bool {
        let (exponent, least): (UInt32, UInt32) = (0x7f80_0000, 0x0080_0000)
        var others: UInt32 = 0
        for number in numbers {
            // Zeros and subnormal numbers wrap around, infinities and NaN are too large.
            others |= (number.bitPattern & exponent) &- least >= exponent &- least ? 1 : 0
        }
        return others == 0
    }
}
