internal import CKernels
internal import Glibc
package import Tensors

/// The way along an axis: rows of `inner` elements, one behind the other.
package struct AxisWalk: Sendable {
    let outer: Int
    let count: Int
    let inner: Int
    let isExclusive: Bool
    let isReversed: Bool

    /// - Parameters:
    ///   - shape: Of the tensor, which is not empty.
    ///   - axis: Which of its axes.
    ///   - isExclusive: Whether a result leaves out its own element.
    ///   - isReversed: Whether the way begins at the end.
    package init(_ shape: Shape, axis: Int, isExclusive: Bool, isReversed: Bool) {
        outer = shape.dimensions[..<axis].reduce(1, &*)
        count = shape.dimensions[axis]
        inner = shape.dimensions[(axis + 1)...].reduce(1, &*)
        self.isExclusive = isExclusive
        self.isReversed = isReversed
    }

    /// Calls `body` for each row: which it is, which one's result comes before it (nil for the first), which one is to be added.
    @inline(__always)
    fileprivate func forEach(_ frame: KernelFrame, _ body: (_ row: Int, _ previous: Int?, _ added: Int) -> Void) {
        for block in 0..<outer {
            var previous: Int?
            for step in 0..<count {
                if frame.isOver(after: 1 &+ inner) { return }
                let row = block &* count &+ (isReversed ? count - 1 - step : step)
                body(row, previous, isExclusive ? previous ?? row : row)
                previous = row
            }
        }
    }
}

extension Kernel {
    /// Running sums or products along an axis.
    ///
    /// - Parameters:
    ///   - formula: Sum or product.
    ///   - start: What an empty one is.
    ///   - walk: Along which axis, and how.
    ///   - dtype: The elements' dtype.
    /// - Returns: nil if the dtype has no such formula.
    package static func scan(
        _ formula: BinaryFormula, start: Double, _ walk: AxisWalk, _ dtype: DataType
    ) -> Kernel? {
        guard let loop = Loop(ck_binary_loop(formula.code, dtype.rawValue)),
            let start = ElementValue(start, as: dtype)
        else { return nil }
        let (width, inner) = (dtype.stride, walk.inner)
        let rowBytes = inner &* width
        return Kernel(overwritableInputs: walk.isExclusive ? [] : [0]) { frame in
            let (input, output) = (frame.rawInput(0), frame.rawOutput())
            walk.forEach(frame) { row, previous, added in
                let result = output + row &* rowBytes
                let element = input + added &* rowBytes
                if let previous {
                    _ = loop.call(output + previous &* rowBytes, 1, element, 1, result, inner)
                } else if walk.isExclusive {
                    result.fill(with: start, width: width, count: inner)
                } else if element != UnsafeRawPointer(result) {
                    result.copyMemory(from: element, byteCount: rowBytes)
                }
            }
        }
    }

    /// The logarithms of running sums of exponentials along an axis.
    ///
    /// - Returns: nil for a dtype that is not float32 or float64.
    package static func scanLogSumExp(_ walk: AxisWalk, _ dtype: DataType) -> Kernel? {
        switch dtype {
        case .float32: logSumExp(walk, Float.self)
        case .float64: logSumExp(walk, Double.self)
        default: nil
        }
    }

    private static func logSumExp<Number: BinaryFloatingPoint & BitwiseCopyable & Sendable>(
        _ walk: AxisWalk, _ type: Number.Type
    ) -> Kernel {
        Kernel { frame in
            let (input, output) = (frame.input(0, as: Number.self), frame.output(as: Number.self))
            walk.forEach(frame) { row, previous, added in
                for column in 0..<walk.inner {
                    let place = row &* walk.inner &+ column
                    let element = Double(input[added &* walk.inner &+ column])
                    if let previous {
                        let sum = Double(output[previous &* walk.inner &+ column])
                        output[place] = Number(addLogs(sum, element))
                    } else {
                        output[place] = walk.isExclusive ? -Number.infinity : Number(element)
                    }
                }
            }
        }
    }

    /// log(exp a + exp b).
    @inline(__always)
    private static func addLogs(_ left: Double, _ right: Double) -> Double {
        let (low, high) = left < right ? (left, right) : (right, left)
        guard high.isFinite else { return high.isNaN || low.isNaN ? .nan : high }
        return high + log1p(exp(low - high))
    }
}
