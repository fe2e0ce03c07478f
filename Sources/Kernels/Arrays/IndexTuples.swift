package import Tensors

/// Rows of indices, each of which names a place in the leading axes of a tensor.
package struct IndexTuples: Sendable {
    /// The input that holds them.
    private let input: Int
    private let shape: Shape
    private let reader: IndexReader
    /// The tensor that they index.
    private let target: Shape
    private let isRead: Bool
    /// Whether a tuple that is out of range is passed over, not a fault.
    private let ignoresBad: Bool

    /// How many tuples there are.
    package let count: Int
    private let length: Int

    /// - Parameters:
    ///   - input: The number of the input that holds the indices.
    ///   - shape: Their shape; the last axis, which is at most as long as `target` has axes, is a tuple.
    ///   - reader: How to read them.
    ///   - target: The shape of what they index.
    ///   - isRead: Whether that is read, not written: for the message.
    ///   - ignoresBad: Whether a tuple that is out of range is passed over.
    package init(
        input: Int, shape: Shape, reader: IndexReader, target: Shape, isRead: Bool, ignoresBad: Bool
    ) {
        self.input = input
        self.shape = shape
        self.reader = reader
        self.target = target
        self.isRead = isRead
        self.ignoresBad = ignoresBad
        length = shape.dimensions.last ?? 1
        count = shape.dimensions.dropLast().reduce(1, &*)
    }

    /// How many elements a place has.
    package var rowSize: Int { target.dimensions.dropFirst(length).reduce(1, &*) }

    /// Which place a tuple names; nil, with the fault noted unless it is to be ignored, where there is none.
    func place(_ tuple: Int, _ frame: KernelFrame) -> Int? {
        let memory = frame.rawInput(input)
        var place = 0
        for axis in 0..<length {
            let index = reader.read(memory, at: tuple &* length &+ axis)
            guard index >= 0, index < target.dimensions[axis] else {
                if !ignoresBad { frame.report(fault(tuple, memory)) }
                return nil
            }
            place = place &* target.dimensions[axis] &+ index
        }
        return place
    }

    private func fault(_ tuple: Int, _ memory: UnsafeRawPointer) -> Fault.Kind {
        .tupleOutOfRange(
            position: tuple, tuple: (0..<length).map { reader.read(memory, at: tuple &* length &+ $0) },
            of: Shape(Array(shape.dimensions.dropLast())) ?? .scalar, target: target, isRead: isRead)
    }
}

extension Kernel {
    /// Writes the row of input 0 that each tuple names, zeros where it names none.
    package static func gather(_ tuples: IndexTuples, width: Int) -> Kernel {
        let rowBytes = tuples.rowSize &* width
        return Kernel("gather.tuples") { frame in
            let output = frame.rawOutput()
            for tuple in 0..<tuples.count {
                if frame.isOver(after: 4 &+ rowBytes / 16) { return }
                let row = output + tuple &* rowBytes
                guard let place = tuples.place(tuple, frame) else {
                    row.initializeMemory(as: UInt8.self, repeating: 0, count: rowBytes)
                    continue
                }
                row.copyShort(from: frame.rawInput(0) + place &* rowBytes, byteCount: rowBytes)
            }
        }
    }

    /// Updates the place that each tuple names with a row of an input, one after another.
    ///
    /// - Parameters:
    ///   - tuples: Which places.
    ///   - update: How a row goes into its place.
    ///   - base: The input that the output is before the updates; nil for zeros.
    ///   - updates: The input whose rows they are.
    ///   - outputBytes: Of the whole output.
    /// - Returns: The kernel.
    package static func scatter(
        _ tuples: IndexTuples, _ update: RowUpdate, base: Int?, updates: Int, outputBytes: Int
    ) -> Kernel {
        let rowSize = tuples.rowSize
        let rowBytes = rowSize &* update.width
        return Kernel(overwritableInputs: base.map { [$0] } ?? []) { frame in
            let output = frame.rawOutput()
            output.prepare(with: base.map { frame.rawInput($0) }, byteCount: outputBytes)
            for tuple in 0..<tuples.count {
                if frame.isOver(after: 4 &+ rowSize) { return }
                guard let place = tuples.place(tuple, frame) else { continue }
                update.apply(
                    frame.rawInput(updates) + tuple &* rowBytes, to: output + place &* rowBytes, count: rowSize, frame)
            }
        }
    }
}

extension UnsafeMutableRawPointer {
    /// Copies what is to be there before a kernel changes some of it; zeros if there is nothing to copy. It may be there already.
    func prepare(with base: UnsafeRawPointer?, byteCount: Int) {
        guard let base else {
            initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
            return
        }
        if base != UnsafeRawPointer(self) { copyMemory(from: base, byteCount: byteCount) }
    }
}
