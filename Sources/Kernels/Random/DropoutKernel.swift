internal import CKernels
internal import Tensors

/// How a dropout is written in a graph. All of them scale the data, and keep each element with a probability.
package struct DropoutForm: Hashable, Sendable {
    /// Which elements are kept, given a number by chance from [0, 1) for each.
    package enum Mask: Hashable, Sendable {
        /// Those for which the floor of the sum of threshold and number is 1: the threshold is the probability to be kept.
        case floorOfSum
        /// Those for which the number is not less than the threshold, the probability to be dropped.
        case notLess
    }

    package let mask: Mask
    /// Whether the data is divided by the scale, not multiplied.
    package let divides: Bool
    /// Whether what is dropped is zero, not zero times the data.
    package let chooses: Bool

    package init(mask: Mask, divides: Bool, chooses: Bool) {
        self.mask = mask
        self.divides = divides
        self.chooses = chooses
    }

    /// Whether all elements are kept as they are, whatever the numbers by chance are.
    func keepsAll(scale: Float, threshold: Float) -> Bool {
        scale == 1 && (mask == .floorOfSum ? threshold == 1 : threshold <= 0)
    }

    /// - Parameters:
    ///   - count: How many elements.
    ///   - x: The data.
    ///   - numbers: Numbers by chance.
    ///   - scale: Of all elements.
    ///   - threshold: See ``Mask``.
    ///   - output: May be the data's memory.
    func apply(
        _ count: Int, _ x: UnsafePointer<Float>, _ numbers: UnsafePointer<Float>, scale: Float, threshold: Float,
        to output: UnsafeMutablePointer<Float>
    ) {
        for index in 0..<count {
            let scaled = divides ? x[index] / scale : x[index] * scale
            switch mask {
            case .floorOfSum: output[index] = scaled * (threshold + numbers[index]).rounded(.down)
            case .notLess:
                let isKept = numbers[index] >= threshold
                output[index] = chooses ? (isKept ? scaled : 0) : scaled * (isKept ? 1 : 0)
            }
        }
    }
}

extension Kernel {
    /// A dropout of float32. Inputs: the data, the scale, the threshold.
    ///
    /// Where all elements are kept, no numbers are made. The place in the stream moves on all the same.
    ///
    /// - Parameters:
    ///   - form: How it is written.
    ///   - count: How many elements.
    ///   - place: Where the numbers by chance come from.
    /// - Returns: The kernel; nil if there is none.
    package static func dropout(_ form: DropoutForm, count: Int, from place: RandomPlace) -> Kernel? {
        guard let loop = RandomDistribution.uniform.loop(.float32) else { return nil }
        // A multiple of 64 numbers, which are 16 blocks of the stream.
        let tile = 2048
        return Kernel("dropout", scratchBytes: tile * MemoryLayout<Float>.stride, overwritableInputs: [0]) { frame in
            let begin = place.begin(frame, numbers: count)
            let (x, output) = (frame.input(0, as: Float.self), frame.output(0, as: Float.self))
            let (scale, threshold) = (frame.input(1, as: Float.self)[0], frame.input(2, as: Float.self)[0])
            guard !form.keepsAll(scale: scale, threshold: threshold) else {
                if x != UnsafePointer(output) { output.update(from: x, count: count) }
                return
            }
            let numbers = frame.scratch.assumingMemoryBound(to: Float.self)
            frame.inBlocks(of: count, work: 8) { first, count in
                var done = 0
                while done < count {
                    let part = min(tile, count &- done)
                    let start = first &+ done
                    var at = begin
                    let (lower, overflow) = begin.lower.addingReportingOverflow(UInt64(start / 64 &* 16))
                    at.lower = lower
                    if overflow { at.upper &+= 1 }
                    loop.call(at, frame.scratch, part)
                    form.apply(part, x + start, numbers, scale: scale, threshold: threshold, to: output + start)
                    done &+= part
                }
            }
        }
    }
}
