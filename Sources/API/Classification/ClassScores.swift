internal import Execution
internal import Serving
internal import Tensors

/// A tensor of scores, and the highest of them.
struct ClassScores {
    /// All scores, row by row.
    let values: [Double]
    private let dtype: DataType

    /// Returns nil unless the tensor contains real numbers.
    init?(_ tensor: TensorView) {
        guard let values = Self.numbers(tensor) else { return nil }
        self.values = values
        dtype = tensor.dtype
    }

    /// The maximum number of scores to keep sorted. For more, sorting all is faster.
    private static let maxKept = 64

    /// The indices of the highest scores of a row, the highest first. Equal scores keep their order. NaN is lower than any number.
    ///
    /// - Parameters:
    ///   - count: The number of scores; all if the row is shorter.
    ///   - row: The range of the row's scores.
    /// - Returns: The indices, relative to the beginning of the row.
    func highest(_ count: Int, of row: Range<Int>) -> [Int] {
        func order(_ index: Int) -> Double { values[index].isNaN ? -.infinity : values[index] }
        func isBefore(_ first: Int, _ second: Int) -> Bool {
            let (left, right) = (order(first), order(second))
            return left > right || left == right && first < second
        }
        guard count <= Self.maxKept else {
            return row.sorted(by: isBefore).prefix(count).map { $0 - row.lowerBound }
        }
        var kept: [Int] = []
        for index in row {
            if kept.count == count {
                guard let last = kept.last, isBefore(index, last) else { continue }
                kept.removeLast()
            }
            kept.insert(index, at: kept.firstIndex { isBefore(index, $0) } ?? kept.count)
        }
        return kept.map { $0 - row.lowerBound }
    }

    private static func numbers(_ tensor: TensorView) -> [Double]? {
        func read<Element>(_ type: Element.Type, _ convert: (Element) -> Double) -> [Double] {
            // Safety: the view has as many elements of that type.
            UnsafeBufferPointer(start: tensor.elements.assumingMemoryBound(to: type), count: tensor.elementCount)
                .map(convert)
        }
        switch tensor.dtype.quantizedStorage ?? tensor.dtype {
        case .float32: return read(Float.self) { Double($0) }
        case .float64: return read(Double.self) { $0 }
        case .int8: return read(Int8.self) { Double($0) }
        case .int16: return read(Int16.self) { Double($0) }
        case .int32: return read(Int32.self) { Double($0) }
        case .int64: return read(Int64.self) { Double($0) }
        case .uint8: return read(UInt8.self) { Double($0) }
        case .uint16: return read(UInt16.self) { Double($0) }
        case .uint32: return read(UInt32.self) { Double($0) }
        case .uint64: return read(UInt64.self) { Double($0) }
        case .float16, .bfloat16:
            guard let format = HalfPrecision(tensor.dtype) else { return nil }
            return read(UInt16.self) { Double(format.number($0)) }
        default: return nil
        }
    }
}

extension ClassNames {
    /// The error for an output whose number of values differs from the number of names.
    ///
    /// - Parameters:
    ///   - key: The output's name, quoted.
    ///   - size: The size of its last dimension.
    /// - Returns: The error.
    func misfit(_ key: [UInt8], size: Int) -> RequestError {
        .badRequest(
            "output \(String(decoding: key, as: UTF8.self)) has \(size) values in its last dimension, but \(path) has "
                + "\(names.count) class names: fetch another output, or correct the file")
    }
}
