internal import CKernels
package import Tensors

extension Kernel {
    /// The cross entropy of softmax of logits (input 0, rows) with one label a row (input 1): the losses, and their gradient.
    ///
    /// A label that is not in [0, count) is a fault.
    ///
    /// - Parameters:
    ///   - dtype: Of the logits.
    ///   - labels: Their dtype: int32 or int64.
    ///   - rows: How many rows there are.
    ///   - count: How long each is.
    /// - Returns: nil for logits that are not float32 or float64, and for other labels.
    package static func sparseSoftmaxCrossEntropy(
        _ dtype: DataType, labels: DataType, rows: Int, count: Int
    ) -> Kernel? {
        switch (dtype, labels) {
        case (.float32, .int32): sparseCrossEntropy(Float.self, Int32.self, rows, count)
        case (.float32, .int64): sparseCrossEntropy(Float.self, Int64.self, rows, count)
        case (.float64, .int32): sparseCrossEntropy(Double.self, Int32.self, rows, count)
        case (.float64, .int64): sparseCrossEntropy(Double.self, Int64.self, rows, count)
        default: nil
        }
    }

    private static func sparseCrossEntropy<
        Element: BinaryFloatingPoint & TensorScalar, Label: FixedWidthInteger & TensorScalar
    >(
        _ type: Element.Type, _ label: Label.Type, _ rows: Int, _ count: Int
    ) -> Kernel? {
        guard let softmax = Loop(ck_softmax_loop(Element.dataType.rawValue)),
            let logSoftmax = Loop(ck_log_softmax_loop(Element.dataType.rawValue))
        else { return nil }
        return Kernel(scratchBytes: count &* MemoryLayout<Element>.stride) { frame in
            let labels = frame.input(1, as: Label.self)
            let (losses, gradients) = (frame.output(0, as: Element.self), frame.output(1, as: Element.self))
            let logarithms = frame.scratch.assumingMemoryBound(to: Element.self)
            let rowBytes = count &* MemoryLayout<Element>.stride
            frame.inBlocks(ofRows: rows, work: count) { first, rows in
                softmax.call(
                    frame.rawInput(0) + first &* rowBytes, frame.rawOutput(1) + first &* rowBytes, rows, count)
            }
            for row in 0..<rows {
                if frame.isOver(after: count) { return }
                let gradient = gradients + row &* count
                guard let label = Int(exactly: labels[row]), label >= 0, label < count else {
                    frame.report(
                        .indexOutOfRange(
                            position: row, value: Int(clamping: labels[row]), limit: count, of: Shape.vector(rows)))
                    losses[row] = .nan
                    continue
                }
                logSoftmax.call(frame.input(0, as: Element.self) + row &* count, logarithms, 1, count)
                losses[row] = -logarithms[label]
                gradient[label] -= 1
            }
        }
    }

    /// Half the sum of the squares of input 0; nil for other dtypes than float32 and float64.
    package static func halfSquareSum(_ dtype: DataType, count: Int) -> Kernel? {
        switch dtype {
        case .float32: halfSquareSum(Float.self, count)
        case .float64: halfSquareSum(Double.self, count)
        default: nil
        }
    }

    private static func halfSquareSum<Element: BinaryFloatingPoint & TensorScalar>(
        _ type: Element.Type, _ count: Int
    ) -> Kernel {
        Kernel { frame in
            let input = frame.input(0, as: Element.self)
            var total = 0.0
            frame.eachElement(of: count) { index in total += Double(input[index]) * Double(input[index]) }
            frame.output(as: Element.self)[0] = Element(total / 2)
        }
    }

    /// Whether the target of each row (input 1) is among the `k` largest of its predictions (input 0, float32).
    ///
    /// Rows with numbers that are not finite, and targets out of range, are not.
    ///
    /// - Parameters:
    ///   - targets: Their dtype: int32 or int64.
    ///   - rows: How many rows there are.
    ///   - count: How long each is.
    ///   - k: How many of the largest count.
    /// - Returns: nil for other dtypes of targets.
    package static func inTopK(_ targets: DataType, rows: Int, count: Int, k: Int) -> Kernel? {
        switch targets {
        case .int32: inTopK(Int32.self, rows, count, k)
        case .int64: inTopK(Int64.self, rows, count, k)
        default: nil
        }
    }

    private static func inTopK<Target: FixedWidthInteger & TensorScalar>(
        _ type: Target.Type, _ rows: Int, _ count: Int, _ k: Int
    ) -> Kernel {
        Kernel { frame in
            let (predictions, targets) = (frame.input(0, as: Float.self), frame.input(1, as: Target.self))
            for row in 0..<rows {
                if frame.isOver(after: 2 &* count) { return }
                let scores = UnsafeBufferPointer(start: predictions + row &* count, count: count)
                frame.output(as: Bool.self)[row] =
                    if let target = Int(exactly: targets[row]), scores.indices.contains(target),
                        scores.allSatisfy(\.isFinite)
                    {
                        scores.count { $0 > scores[target] } < k
                    } else { false }
            }
        }
    }
}
