/// What an output is before parts of it are written.
package enum PatchBase: Sendable {
    /// All parts together are the whole output.
    case nothing
    case zeros
    case input(Int)
    /// The one element of an input, everywhere.
    case repeated(input: Int)
}

/// A part of an output that moves there from an input.
package struct Patch: Sendable {
    let copy: StridedCopy
    /// Where the first element is read, in bytes.
    let source: Int
    /// Where it is written, in bytes.
    let destination: Int

    package init(_ copy: StridedCopy, source: Int, destination: Int) {
        self.copy = copy
        self.source = source
        self.destination = destination
    }
}

extension Kernel {
    /// Writes parts of the output over what it is before.
    ///
    /// - Parameters:
    ///   - patches: The parts.
    ///   - input: Where they come from.
    ///   - base: What the output is before.
    ///   - count: Elements of the output.
    ///   - width: Bytes of an element.
    /// - Returns: The kernel.
    package static func patching(
        _ patches: [Patch], input: Int, over base: PatchBase, count: Int, width: Int
    ) -> Kernel {
        var overwritable: [Int] = []
        if case .input(let number) = base { overwritable = [number] }
        return Kernel(overwritableInputs: overwritable) { frame in
            let output = frame.rawOutput()
            switch base {
            case .nothing: break
            case .zeros: output.prepare(with: nil, byteCount: count &* width)
            case .input(let number): output.prepare(with: frame.rawInput(number), byteCount: count &* width)
            case .repeated(let number): output.fill(with: frame.rawInput(number), width: width, count: count)
            }
            for patch in patches {
                patch.copy.run(frame, from: frame.rawInput(input) + patch.source, to: output + patch.destination)
            }
        }
    }

    /// Matrices without what is not within a band around their diagonals.
    ///
    /// - Parameters:
    ///   - count: How many matrices.
    ///   - rows: Of a matrix.
    ///   - columns: Of a matrix.
    ///   - lower: How many diagonals below the main one stay; negative: all.
    ///   - upper: How many above.
    ///   - width: Bytes of an element.
    /// - Returns: The kernel.
    package static func band(count: Int, rows: Int, columns: Int, lower: Int, upper: Int, width: Int) -> Kernel {
        Kernel(overwritableInputs: [0]) { frame in
            var row = frame.rawOutput()
            row.prepare(with: frame.rawInput(0), byteCount: count &* rows &* columns &* width)
            for _ in 0..<count {
                for number in 0..<rows {
                    if frame.isOver(after: 1 &+ columns / 16) { return }
                    let first = lower < 0 ? 0 : min(max(0, number - lower), columns)
                    let last = upper < 0 ? columns : max(first, min(columns, number + upper + 1))
                    row.initializeMemory(as: UInt8.self, repeating: 0, count: first &* width)
                    (row + last &* width).initializeMemory(
                        as: UInt8.self, repeating: 0, count: (columns - last) &* width)
                    row += columns &* width
                }
            }
        }
    }
}
