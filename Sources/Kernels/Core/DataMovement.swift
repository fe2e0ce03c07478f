package import Tensors

extension Kernel {
    /// A part of a value that moves as a whole.
    package struct Piece: Sendable {
        /// The number of the input it comes from, or of the output it goes to.
        let operand: Int
        let copy: StridedCopy
        /// Where it begins in the memory that all pieces share, in bytes.
        let offset: Int

        package init(operand: Int, offset: Int, _ copy: StridedCopy) {
            self.operand = operand
            self.copy = copy
            self.offset = offset
        }
    }

    /// Copies from an input, beginning at a byte of it, to the output.
    package static func copy(_ copy: StridedCopy, input: Int = 0, sourceOffset: Int = 0) -> Kernel {
        let units = CopyUnits([CopyUnits.Move(copy: copy, source: sourceOffset)])
        return Kernel(
            "copy.strided",
            phases: [units.phase(from: { frame, _ in frame.rawInput(input) }, to: { frame, _ in frame.rawOutput() })])
    }

    /// Copies each input to its place in the output.
    package static func concatenation(_ pieces: [Piece]) -> Kernel {
        let units = CopyUnits(
            pieces.map { CopyUnits.Move(copy: $0.copy, operand: $0.operand, destination: $0.offset) })
        return Kernel(
            "concat", phases: [units.phase(from: { $0.rawInput($1) }, to: { frame, _ in frame.rawOutput() })])
    }

    /// Copies each output from its place in an input.
    package static func splitting(_ pieces: [Piece], input: Int) -> Kernel {
        let units = CopyUnits(pieces.map { CopyUnits.Move(copy: $0.copy, operand: $0.operand, source: $0.offset) })
        return Kernel(
            "split", phases: [units.phase(from: { frame, _ in frame.rawInput(input) }, to: { $0.rawOutput($1) })])
    }

    /// Outputs that are known when the kernel is made.
    package static func constants(_ tensors: [Tensor]) -> Kernel {
        Kernel("constants") { frame in
            for index in tensors.indices {
                tensors[index].withUnsafeBytes { bytes in
                    guard let source = bytes.baseAddress else { return }
                    frame.rawOutput(index).copyMemory(from: source, byteCount: bytes.count)
                }
            }
        }
    }

    /// Repeats the one element of an input.
    package static func fill(count: Int, width: Int, input: Int) -> Kernel {
        Kernel("fill") { frame in
            frame.rawOutput().fill(with: frame.rawInput(input), width: width, count: count)
        }
    }

    /// Repeats a value.
    package static func fill(count: Int, width: Int, value: ElementValue) -> Kernel {
        Kernel("fill") { frame in frame.rawOutput().fill(with: value, width: width, count: count) }
    }

    /// Elements computed from their numbers.
    package static func sequence<Element: BitwiseCopyable & Sendable>(
        count: Int, _ element: @escaping @Sendable (Int) -> Element
    ) -> Kernel {
        Kernel { frame in
            let output = frame.output(as: Element.self)
            frame.eachElement(of: count) { index in output[index] = element(index) }
        }
    }
}

extension KernelFrame {
    /// Copies bytes, until the run's time is over.
    @inline(__always)
    func copy(_ source: UnsafeRawPointer, to destination: UnsafeMutableRawPointer, byteCount: Int) {
        // What moves at once is a few milliseconds.
        let block = 16 << 20
        guard byteCount > block else { return destination.copyMemory(from: source, byteCount: byteCount) }
        for start in stride(from: 0, to: byteCount, by: block) {
            if isOver(after: RunState.lookWork) { return }
            (destination + start).copyMemory(from: source + start, byteCount: min(block, byteCount - start))
        }
    }
}

extension UnsafeMutableRawPointer {
    /// Writes an element of 1, 2, 4, 8 or 16 bytes `count` times.
    func fill(with element: UnsafeRawPointer, width: Int, count: Int) {
        switch width {
        case 1: fill(UInt8.self, element, count)
        case 2: fill(UInt16.self, element, count)
        case 4: fill(UInt32.self, element, count)
        case 8: fill(UInt64.self, element, count)
        default: fill(SixteenBytes.self, element, count)
        }
    }

    @inline(__always)
    private func fill<Element: BitwiseCopyable>(_ type: Element.Type, _ element: UnsafeRawPointer, _ count: Int) {
        let value = element.loadUnaligned(as: Element.self)
        assumingMemoryBound(to: Element.self).update(repeating: value, count: count)
    }

    /// Copies a few bytes, without a call where they are as many as a register has.
    @inline(__always)
    func copyShort(from source: UnsafeRawPointer, byteCount: Int) {
        switch byteCount {
        case 4: storeBytes(of: source.loadUnaligned(as: UInt32.self), as: UInt32.self)
        case 8: storeBytes(of: source.loadUnaligned(as: UInt64.self), as: UInt64.self)
        default: copyMemory(from: source, byteCount: byteCount)
        }
    }
}
