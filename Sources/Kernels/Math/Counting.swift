package import Tensors

/// How often numbers occur in rows.
package struct BinCount: Sendable {
    package let rows: Int
    /// Numbers of a row.
    package let columns: Int
    /// Numbers from 0 up to, but not including, this are counted.
    package let size: Int
    package let reader: IndexReader
    /// The dtype of the counts.
    package let dtype: DataType
    /// Whether input 2 tells how much each number counts.
    package let hasWeights: Bool
    /// Whether only is told if a number occurs.
    package let isBinary: Bool

    package init(
        rows: Int, columns: Int, size: Int, reader: IndexReader, dtype: DataType, hasWeights: Bool, isBinary: Bool
    ) {
        self.rows = rows
        self.columns = columns
        self.size = size
        self.reader = reader
        self.dtype = dtype
        self.hasWeights = hasWeights
        self.isBinary = isBinary
    }

    /// Counts the numbers of input 0; a negative one is a fault.
    ///
    /// - Returns: nil if the counts' dtype has no sum.
    package var kernel: Kernel? {
        guard let one = ElementValue(1, as: dtype), let update = RowUpdate(.add, dtype) else { return nil }
        return Kernel { frame in
            let output = frame.rawOutput()
            output.prepare(with: nil, byteCount: rows &* size &* update.width)
            one.withBytes { one in
                for row in 0..<rows {
                    for place in row &* columns..<(row + 1) &* columns {
                        if frame.isOver(after: 1) { return }
                        let number = reader.read(frame.rawInput(0), at: place)
                        guard number >= 0 else {
                            frame.report(.other("Input arr must be non-negative!"))
                            continue
                        }
                        guard number < size else { continue }
                        let bin = output + (row &* size &+ number) &* update.width
                        if isBinary {
                            bin.copyShort(from: one, byteCount: update.width)
                        } else {
                            let weight = hasWeights ? frame.rawInput(2) + place &* update.width : one
                            update.apply(weight, to: bin, count: 1, frame)
                        }
                    }
                }
            }
        }
    }
}

extension Kernel {
    /// Counts the numbers of input 0 that fall into each of `bins` equal parts of a range; those outside count at its ends.
    ///
    /// - Parameters:
    ///   - count: How many numbers.
    ///   - bins: How many parts.
    ///   - range: Where it begins and where it ends, in the numbers' dtype.
    ///   - output: int32 or int64.
    /// - Returns: nil for a dtype that is not float32, float64, int32 or int64.
    package static func histogram(count: Int, bins: Int, range: Tensor, output: DataType) -> Kernel? {
        histogram(count, bins, range.scalars(as: Float.self), output)
            ?? histogram(count, bins, range.scalars(as: Double.self), output)
            ?? histogram(count, bins, range.scalars(as: Int32.self), output)
            ?? histogram(count, bins, range.scalars(as: Int64.self), output)
    }

    private static func histogram<Number: BinningNumber>(
        _ count: Int, _ bins: Int, _ range: [Number]?, _ output: DataType
    ) -> Kernel? {
        guard let range, range.count == 2 else { return nil }
        let (lower, upper) = (range[0], range[1])
        let step = Double(binning: lower.distance(binning: upper)) / Double(bins)
        return Kernel { frame in
            let numbers = frame.input(0, as: Number.self)
            frame.rawOutput().prepare(with: nil, byteCount: bins &* output.stride)
            frame.eachElement(of: count) { index in
                let number = numbers[index] > lower ? numbers[index] : lower
                let place = Double(binning: lower.distance(binning: number)) / step
                let isWithin = place >= 0 && place < Double(bins - 1)
                let bin = isWithin ? Int(place) : place < 0 ? 0 : bins - 1
                if output == .int32 {
                    frame.output(as: Int32.self)[bin] &+= 1
                } else {
                    frame.output(as: Int64.self)[bin] &+= 1
                }
            }
        }
    }

    /// For each number of input 0, how many boundaries, which are sorted, are not above it.
    ///
    /// - Returns: nil for a dtype that is not float32, float64, int32 or int64.
    package static func buckets(count: Int, boundaries: [Float], _ dtype: DataType) -> Kernel? {
        switch dtype {
        case .float32: buckets(count: count, boundaries) { (number: Float, limit) in number < limit }
        case .float64: buckets(count: count, boundaries) { (number: Double, limit) in number < Double(limit) }
        case .int32: buckets(count: count, boundaries) { (number: Int32, limit) in Float(number) < limit }
        case .int64: buckets(count: count, boundaries) { (number: Int64, limit) in Float(number) < limit }
        default: nil
        }
    }

    private static func buckets<Number: BitwiseCopyable>(
        count: Int, _ boundaries: [Float], _ isBelow: @escaping @Sendable (Number, Float) -> Bool
    ) -> Kernel {
        Kernel { frame in
            let numbers = frame.input(0, as: Number.self)
            let output = frame.output(as: Int32.self)
            boundaries.withUnsafeBufferPointer { boundaries in
                frame.eachElement(of: count, work: 8) { index in
                    var (low, high) = (0, boundaries.count)
                    while low < high {
                        let middle = (low + high) / 2
                        if isBelow(numbers[index], boundaries[middle]) { high = middle } else { low = middle + 1 }
                    }
                    output[index] = Int32(truncatingIfNeeded: low)
                }
            }
        }
    }
}

/// A number that can be put into bins.
private protocol BinningNumber: BitwiseCopyable, Comparable, Sendable {
    /// What `other` is above this number, in this number's arithmetic (integers wrap around).
    func distance(binning other: Self) -> Self
    /// The number as a float64.
    var binningValue: Double { get }
}

extension Double {
    fileprivate init(binning number: some BinningNumber) { self = number.binningValue }
}

extension Float: BinningNumber {
    fileprivate func distance(binning other: Float) -> Float { other - self }
    fileprivate var binningValue: Double { Double(self) }
}

extension Double: BinningNumber {
    fileprivate func distance(binning other: Double) -> Double { other - self }
    fileprivate var binningValue: Double { self }
}

extension Int32: BinningNumber {
    fileprivate func distance(binning other: Int32) -> Int32 { other &- self }
    fileprivate var binningValue: Double { Double(self) }
}

extension Int64: BinningNumber {
    fileprivate func distance(binning other: Int64) -> Int64 { other &- self }
    fileprivate var binningValue: Double { Double(self) }
}
