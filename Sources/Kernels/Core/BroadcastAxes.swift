internal import CKernels
internal import Tensors

/// How the elements of two operands go together: the axes of the output, with those merged along which both operands run on
/// in the same way.
struct BroadcastAxes: Sendable {
    /// An axis of the output, and how many elements of each operand lie between its neighbours; 0 where it repeats.
    struct Axis: Hashable, Sendable {
        var size: Int
        var left: Int
        var right: Int
    }

    /// Outermost first; at least one.
    let axes: [Axis]
    let elementCount: Int

    /// More axes than this, after merging, have no kernel.
    static let limit = Int(CK_MAX_AXES)

    /// Finds the axes; nil if too many are left.
    ///
    /// - Parameters:
    ///   - left: Aligned with the output at their ends; each dimension is 1 or the output's.
    ///   - right: As `left`.
    ///   - output: What they broadcast to.
    init?(_ left: Shape, _ right: Shape, output: Shape) {
        elementCount = output.elementCount
        var merged: [Axis] = []
        for (axis, size) in output.dimensions.enumerated() where size != 1 {
            let here = Axis(
                size: size, left: Self.runs(left, output, axis) ? 1 : 0, right: Self.runs(right, output, axis) ? 1 : 0)
            if let last = merged.last, last.left == here.left, last.right == here.right {
                merged[merged.count - 1].size = last.size &* size
            } else {
                merged.append(here)
            }
        }
        if merged.isEmpty { merged = [Axis(size: 1, left: 1, right: 1)] }
        guard merged.count <= Self.limit else { return nil }
        var leftStride = 1
        var rightStride = 1
        for index in merged.indices.reversed() {
            let axis = merged[index]
            merged[index].left = axis.left * leftStride
            merged[index].right = axis.right * rightStride
            if axis.left != 0 { leftStride &*= axis.size }
            if axis.right != 0 { rightStride &*= axis.size }
        }
        axes = merged
    }

    /// Whether an operand has the output's axis, and does not repeat along it.
    private static func runs(_ operand: Shape, _ output: Shape, _ axis: Int) -> Bool {
        let own = axis - (output.rank - operand.rank)
        return own >= 0 && operand.dimensions[own] != 1
    }

    /// Whether the left operand has as many elements as the output.
    var leftIsWhole: Bool { axes.allSatisfy { $0.left != 0 } }
    /// Whether the right operand has as many elements as the output.
    var rightIsWhole: Bool { axes.allSatisfy { $0.right != 0 } }

    /// As `ck_broadcast` wants it: bytes, and steps on the last axis.
    func table(operandWidth width: Int) -> [Int] {
        var result: [Int] = []
        for axis in axes.dropLast() { result += [axis.size, axis.left &* width, axis.right &* width] }
        let inner = axes[axes.count - 1]
        return result + [inner.size, inner.left, inner.right]
    }

    /// Which elements of the operands make element number `index` of the output.
    ///
    /// Linear in the number of axes.
    func operands(of index: Int) -> (left: Int, right: Int) {
        var rest = index
        var result = (left: 0, right: 0)
        for axis in axes.reversed() {
            let position = rest % axis.size
            rest /= axis.size
            result.left += position * axis.left
            result.right += position * axis.right
        }
        return result
    }
}
