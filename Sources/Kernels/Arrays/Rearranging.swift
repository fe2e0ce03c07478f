package import Tensors

/// A loop over three operands that broadcast to an output.
private struct SelectAxis: Sendable {
    var count: Int
    /// Bytes from one element of condition, then and else to the next; 0 where they repeat.
    var steps: SIMD3<Int>
}

extension Kernel {
    /// Takes elements from input 1 where input 0 is true, else from input 2; all of them broadcast.
    ///
    /// - Parameters:
    ///   - shapes: Of the three inputs, aligned with the output's at their ends.
    ///   - output: The output's shape, which is not empty.
    ///   - width: Bytes of an element: 1, 2, 4, 8 or 16.
    /// - Returns: The kernel.
    package static func select(_ shapes: [Shape], output: Shape, width: Int) -> Kernel {
        let axes = selectAxes(shapes, output, width)
        return Kernel { frame in
            var result = frame.rawOutput()
            walk(frame, axes[...], frame.rawInput(0), frame.rawInput(1), frame.rawInput(2), &result, width)
        }
    }

    private static func selectAxes(_ shapes: [Shape], _ output: Shape, _ width: Int) -> [SelectAxis] {
        var strides = SIMD3(1, width, width)
        var axes: [SelectAxis] = []
        for (distance, count) in output.dimensions.reversed().enumerated() {
            var steps = SIMD3<Int>.zero
            for (operand, shape) in shapes.enumerated() where distance < shape.rank {
                let size = shape.dimensions[shape.rank - 1 - distance]
                if size != 1 { steps[operand] = strides[operand] }
                strides[operand] &*= size
            }
            guard count != 1 else { continue }
            if let last = axes.last, steps == last.steps &* SIMD3(repeating: last.count) {
                axes[axes.count - 1].count &*= count
            } else {
                axes.append(SelectAxis(count: count, steps: steps))
            }
        }
        return axes.isEmpty ? [SelectAxis(count: 1, steps: .zero)] : axes.reversed()
    }

    private static func walk(
        _ frame: KernelFrame, _ axes: ArraySlice<SelectAxis>, _ condition: UnsafeRawPointer, _ then: UnsafeRawPointer,
        _ other: UnsafeRawPointer, _ output: inout UnsafeMutableRawPointer, _ width: Int
    ) {
        guard let axis = axes.first else { return }
        guard axes.count > 1 else {
            switch width {
            case 1: choose(UInt8.self, frame, axis, condition, then, other, &output)
            case 2: choose(UInt16.self, frame, axis, condition, then, other, &output)
            case 4: choose(UInt32.self, frame, axis, condition, then, other, &output)
            case 8: choose(UInt64.self, frame, axis, condition, then, other, &output)
            default: choose(SixteenBytes.self, frame, axis, condition, then, other, &output)
            }
            return
        }
        for index in 0..<axis.count {
            let offsets = axis.steps &* SIMD3(repeating: index)
            if frame.isOver(after: 1) { return }
            walk(frame, axes.dropFirst(), condition + offsets.x, then + offsets.y, other + offsets.z, &output, width)
        }
    }

    @inline(__always)
    private static func choose<Element: BitwiseCopyable>(
        _ type: Element.Type, _ frame: KernelFrame, _ axis: SelectAxis, _ condition: UnsafeRawPointer,
        _ then: UnsafeRawPointer,
        _ other: UnsafeRawPointer, _ output: inout UnsafeMutableRawPointer
    ) {
        let result = output
        frame.eachElement(of: axis.count) { index in
            let isThen = condition.load(fromByteOffset: index &* axis.steps.x, as: UInt8.self) != 0
            let source = isThen ? then + index &* axis.steps.y : other + index &* axis.steps.z
            (result + index &* MemoryLayout<Element>.size).storeBytes(
                of: source.loadUnaligned(as: Element.self), as: Element.self)
        }
        output += axis.count &* MemoryLayout<Element>.size
    }

    /// Turns the beginning of each sequence around: as many elements as input 1 tells for its batch.
    ///
    /// - Parameters:
    ///   - shape: Of input 0.
    ///   - sequence: The axis of the sequences.
    ///   - batch: Another axis, to which the lengths belong.
    ///   - lengths: How to read input 1.
    ///   - width: Bytes of an element.
    /// - Returns: The kernel.
    package static func reverseSequences(
        _ shape: Shape, sequence: Int, batch: Int, lengths: IndexReader, width: Int
    ) -> Kernel {
        let sizes = shape.dimensions
        let (first, second) = (min(sequence, batch), max(sequence, batch))
        let outer = sizes[..<first].reduce(1, &*)
        let middle = sizes[(first + 1)..<second].reduce(1, &*)
        let rowBytes = sizes[(second + 1)...].reduce(1, &*) &* width
        let isFirst = sequence == first
        let place: @Sendable (Int, Int, Int, Int) -> Int = { block, one, between, two in
            ((block &* sizes[first] &+ one) &* middle &+ between) &* sizes[second] &+ two
        }
        return Kernel { frame in
            for number in 0..<sizes[batch] {
                let length = lengths.read(frame.rawInput(1), at: number)
                guard length >= 0, length <= sizes[sequence] else {
                    frame.report(
                        .other("seq_lens must not be negative, nor larger than the dimension of the sequences"))
                    frame.rawOutput().prepare(with: frame.rawInput(0), byteCount: shape.elementCount &* width)
                    return
                }
                for block in 0..<outer {
                    for step in 0..<sizes[sequence] {
                        let from = step < length ? length - 1 - step : step
                        for between in 0..<middle {
                            if frame.isOver(after: 1 &+ rowBytes / 16) { return }
                            let (target, source) =
                                isFirst
                                ? (place(block, step, between, number), place(block, from, between, number))
                                : (place(block, number, between, step), place(block, number, between, from))
                            (frame.rawOutput() + target &* rowBytes).copyShort(
                                from: frame.rawInput(0) + source &* rowBytes, byteCount: rowBytes)
                        }
                    }
                }
            }
        }
    }

    /// Moves elements along axes; what leaves at one end comes in at the other.
    ///
    /// - Parameters:
    ///   - shape: Of input 0, which is not empty.
    ///   - shifts: How far along each axis, from 0 up to its size.
    ///   - width: Bytes of an element.
    /// - Returns: The kernel.
    package static func roll(_ shape: Shape, shifts: [Int], width: Int) -> Kernel {
        let last = shifts.lastIndex { $0 != 0 } ?? 0
        let rowBytes = shape.dimensions[(last + 1)...].reduce(width, &*)
        return Kernel("roll") { frame in
            var output = frame.rawOutput()
            rollAxis(frame, 0, last, shape.dimensions, shifts, rowBytes, frame.rawInput(0), &output)
        }
    }

    /// As deep as there are axes up to the last that moves.
    private static func rollAxis(
        _ frame: KernelFrame, _ axis: Int, _ last: Int, _ sizes: [Int], _ shifts: [Int], _ rowBytes: Int,
        _ source: UnsafeRawPointer,
        _ output: inout UnsafeMutableRawPointer
    ) {
        let (size, shift) = (sizes[axis], shifts[axis])
        guard axis < last else {
            let front = (size - shift) &* rowBytes
            output.copyMemory(from: source + front, byteCount: shift &* rowBytes)
            (output + shift &* rowBytes).copyMemory(from: source, byteCount: front)
            output += size &* rowBytes
            return
        }
        let step = sizes[(axis + 1)...last].reduce(rowBytes, &*)
        for index in 0..<size {
            let from = index >= shift ? index - shift : index - shift + size
            if frame.isOver(after: 1 &+ step / 16) { return }
            rollAxis(frame, axis + 1, last, sizes, shifts, rowBytes, source + from &* step, &output)
        }
    }

    /// Copies each input to the output of its number.
    ///
    /// - Parameter byteCounts: Of each input.
    /// - Returns: The kernel.
    package static func copies(byteCounts: [Int]) -> Kernel {
        Kernel { frame in
            for (number, byteCount) in byteCounts.enumerated() {
                frame.copy(frame.rawInput(number), to: frame.rawOutput(number), byteCount: byteCount)
            }
        }
    }
}
