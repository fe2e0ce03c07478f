internal import CKernels
internal import Glibc
package import Tensors

extension Kernel {
    /// Input 0 in the middle of one value.
    ///
    /// - Parameters:
    ///   - width: Bytes of an element.
    ///   - count: Elements of the output.
    ///   - value: The input that holds the value; nil for zero bytes.
    ///   - offsetBytes: Where input 0 begins in the output.
    ///   - copy: How it lies there.
    /// - Returns: The kernel.
    package static func padded(width: Int, count: Int, value: Int?, offsetBytes: Int, _ copy: StridedCopy) -> Kernel {
        let fill = Phase(elements: count, picoseconds: picoseconds(moving: width)) { frame, first, count in
            let output = frame.rawOutput() + first &* width
            if let value {
                output.fill(with: frame.rawInput(value), width: width, count: count)
            } else {
                memset(output, 0, width &* count)
            }
        }
        let units = CopyUnits([CopyUnits.Move(copy: copy, destination: offsetBytes)])
        return Kernel(
            "pad",
            phases: [fill, units.phase(from: { frame, _ in frame.rawInput(0) }, to: { frame, _ in frame.rawOutput() })])
    }
}

/// Adds what lies in mirrored padding to what it mirrors, axis by axis: the gradient of a padding by mirrors.
package struct MirrorFold: Sendable {
    /// An axis of the padded tensor.
    package struct Axis: Sendable, Hashable {
        package let size: Int
        package let before: Int
        package let after: Int

        package init(size: Int, before: Int, after: Int) {
            self.size = size
            self.before = before
            self.after = after
        }
    }

    private let axes: [Axis]
    /// Elements from one place to the next, for each axis.
    private let strides: [Int]
    /// 1 where the edge itself is not mirrored.
    private let offset: Int
    private let width: Int
    private let add: Loop<Addition>

    private typealias Addition =
        @convention(c) (UnsafeRawPointer?, Int, UnsafeRawPointer?, Int, UnsafeMutableRawPointer?, Int) -> Int32

    /// Gives nil if the dtype has no sum.
    ///
    /// - Parameters:
    ///   - axes: Outermost first, none of them empty.
    ///   - reflects: Whether the edge itself is not mirrored.
    ///   - dtype: The elements' dtype.
    package init?(_ axes: [Axis], reflects: Bool, _ dtype: DataType) {
        guard let add = Loop(ck_binary_loop(CK_ADD, dtype.rawValue)) else { return nil }
        var strides = [Int](repeating: 1, count: axes.count)
        for axis in axes.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] &* axes[axis + 1].size }
        self.axes = axes
        self.strides = strides
        self.add = add
        offset = reflects ? 1 : 0
        width = dtype.stride
    }

    /// The kernel of input 0; `copy` takes the middle, beginning at a byte of the padded tensor, to the output.
    package func kernel(offsetBytes: Int, _ copy: StridedCopy) -> Kernel {
        let byteCount = axes.reduce(width) { $0 &* $1.size }
        return Kernel(scratchBytes: byteCount) { frame in
            frame.scratch.copyMemory(from: frame.rawInput(0), byteCount: byteCount)
            for axis in axes.indices { fold(frame, axis, within: 0, frame.scratch) }
            copy.run(frame, from: frame.scratch + offsetBytes, to: frame.rawOutput())
        }
    }

    /// Folds an axis: of those before it only the middle, which they have been folded to.
    private func fold(_ frame: KernelFrame, _ axis: Int, within outer: Int, _ memory: UnsafeMutableRawPointer) {
        let current = axes[outer]
        let step = strides[outer] &* width
        guard outer == axis else {
            for place in current.before..<current.size &- current.after {
                if frame.isOver(after: 1) { return }
                fold(frame, axis, within: outer + 1, memory + place &* step)
            }
            return
        }
        for place in 0..<current.before {
            if frame.isOver(after: strides[outer]) { return }
            let target = memory + (2 &* current.before &- 1 &- place &+ offset) &* step
            _ = add.call(target, 1, memory + place &* step, 1, target, strides[outer])
        }
        let end = current.size &- current.after
        for place in 0..<current.after {
            if frame.isOver(after: strides[outer]) { return }
            let target = memory + (end &- 1 &- place &- offset) &* step
            _ = add.call(target, 1, memory + (end &+ place) &* step, 1, target, strides[outer])
        }
    }
}
