package import Tensors

/// A tensor of indices, whatever the width of its elements.
package struct IndexReader: Sendable {
    private let dtype: DataType

    /// - Returns: nil for a dtype that is no index.
    package init?(_ dtype: DataType) {
        switch dtype {
        case .int32, .int64, .int16, .int8, .uint8: self.dtype = dtype
        default: return nil
        }
    }

    @inline(__always)
    func read(_ memory: UnsafeRawPointer, at index: Int) -> Int {
        switch dtype {
        case .int32: Int(memory.assumingMemoryBound(to: Int32.self)[index])
        case .int64: Int(memory.assumingMemoryBound(to: Int64.self)[index])
        case .int16: Int(memory.assumingMemoryBound(to: Int16.self)[index])
        case .int8: Int(memory.assumingMemoryBound(to: Int8.self)[index])
        default: Int(memory.assumingMemoryBound(to: UInt8.self)[index])
        }
    }
}

extension KernelFrame {
    /// Writes an element of an output that is int16, int32 or int64.
    @inline(__always)
    func writeIndex(_ value: Int, output number: Int = 0, at place: Int, as dtype: DataType) {
        switch dtype {
        case .int16: output(number, as: Int16.self)[place] = Int16(truncatingIfNeeded: value)
        case .int32: output(number, as: Int32.self)[place] = Int32(truncatingIfNeeded: value)
        default: output(number, as: Int64.self)[place] = Int64(value)
        }
    }
}

/// Takes slices along an axis by index: `output[b, o, n, ...] = params[b, o, indices[b, n], ...]`.
package struct IndexedRows: Sendable {
    private let batchCount: Int
    private let outerCount: Int
    private let axisSize: Int
    private let indicesPerBatch: Int
    private let rowBytes: Int
    private let indices: IndexReader
    /// For the message when one is out of range.
    private let indicesShape: Shape

    /// - Parameters:
    ///   - batchCount: Of the leading dimensions that params and indices share.
    ///   - outerCount: Of the dimensions of params between those and the axis.
    ///   - axisSize: Indices must be below.
    ///   - indicesPerBatch: Of the other dimensions of the indices.
    ///   - rowBytes: Of the dimensions of params behind the axis, in bytes.
    ///   - indices: How to read the indices.
    ///   - indicesShape: Their shape.
    package init(
        batchCount: Int, outerCount: Int, axisSize: Int, indicesPerBatch: Int, rowBytes: Int, indices: IndexReader,
        indicesShape: Shape
    ) {
        self.batchCount = batchCount
        self.outerCount = outerCount
        self.axisSize = axisSize
        self.indicesPerBatch = indicesPerBatch
        self.rowBytes = rowBytes
        self.indices = indices
        self.indicesShape = indicesShape
    }

    /// Reads params from input 0, indices from input 1. An index out of range is a fault; its row is zero.
    package var kernel: Kernel {
        let count = batchCount.saturatingProduct(outerCount).saturatingProduct(indicesPerBatch)
        return .rows(
            "gather.rows", count: count, nanoseconds: 5 + rowBytes.saturatingProduct(100) / 1000,
            work: 1 &+ rowBytes / 16
        ) { frame, first, count in
            if count > 0 { run(frame, first, count) }
        }
    }

    /// Copies some rows: the first, and how many.
    private func run(_ frame: KernelFrame, _ first: Int, _ count: Int) {
        var (slice, number) = first.quotientAndRemainder(dividingBy: indicesPerBatch)
        let positions = frame.rawInput(1)
        var output = frame.rawOutput() + first &* rowBytes
        var remaining = count
        while remaining > 0 {
            let params = frame.rawInput(0) + slice &* axisSize &* rowBytes
            let batch = slice / outerCount &* indicesPerBatch
            let end = min(indicesPerBatch, number &+ remaining)
            remaining &-= end &- number
            while number < end {
                let position = batch &+ number
                let index = indices.read(positions, at: position)
                if index >= 0 && index < axisSize {
                    output.copyShort(from: params + index &* rowBytes, byteCount: rowBytes)
                } else {
                    output.initializeMemory(as: UInt8.self, repeating: 0, count: rowBytes)
                    frame.report(
                        .indexOutOfRange(position: position, value: index, limit: axisSize, of: indicesShape))
                }
                output += rowBytes
                number &+= 1
            }
            number = 0
            slice &+= 1
        }
    }
}

extension Kernel {
    /// Writes one of two values, by comparing an index with the position: `output[p, d, s] = indices[p, s] == d ? on : off`.
    ///
    /// Inputs: indices, depth (known), on, off.
    package static func oneHot(
        prefixCount: Int, depth: Int, suffixCount: Int, width: Int, indices: IndexReader
    ) -> Kernel {
        Kernel { frame in
            let positions = frame.rawInput(0)
            let output = frame.rawOutput()
            output.fill(with: frame.rawInput(3), width: width, count: prefixCount &* depth &* suffixCount)
            for prefix in 0..<prefixCount {
                for suffix in 0..<suffixCount {
                    if frame.isOver(after: 1) { return }
                    let index = indices.read(positions, at: prefix &* suffixCount &+ suffix)
                    guard index >= 0, index < depth else { continue }
                    let place = (prefix &* depth &+ index) &* suffixCount &+ suffix
                    (output + place &* width).copyShort(from: frame.rawInput(2), byteCount: width)
                }
            }
        }
    }
}
