internal import Execution
internal import Tensors

/// The classes that a tensor of scores tells of (Triton's classification extension): for each of the batch the highest values with
/// their places, as `VALUE:PLACE`.
struct V2Classes {
    private let texts: [String]
    private let dimensions: [Int]

    /// - Parameters:
    ///   - tensor: The scores; the first of several dimensions is the batch.
    ///   - most: How many classes are wished for.
    ///
    /// Gives nil for what is no tensor of numbers.
    init?(_ tensor: TensorView, most: Int) {
        guard let values = Self.numbers(tensor) else { return nil }
        let batch = tensor.dimensions.count > 1 ? tensor.dimensions[0] : 1
        let size = batch > 0 ? values.count / batch : 0
        let count = min(most, size)
        dimensions = tensor.dimensions.count > 1 ? [batch, count] : [count]
        guard count > 0 else {
            texts = []
            return
        }
        texts = (0..<batch).flatMap { row in
            let scores = values[row * size..<(row + 1) * size]
            return Self.highest(scores, count).map {
                "\(Self.text(scores[$0], tensor.dtype)):\($0 - scores.startIndex)"
            }
        }
    }

    /// The places of the highest values, the highest first, of equal ones the first first; NaN is lower than any number.
    private static func highest(_ scores: ArraySlice<Double>, _ count: Int) -> ArraySlice<Int> {
        func order(_ value: Double) -> Double { value.isNaN ? -.infinity : value }
        return scores.indices.sorted {
            (order(scores[$1]), $0) < (order(scores[$0]), $1)
        }.prefix(count)
    }

    private static func text(_ value: Double, _ dtype: DataType) -> String {
        switch dtype {
        case .float64: "\(value)"
        case _ where dtype.isFloating: "\(Float(value))"
        default: value.magnitude < 0x1p63 ? "\(Int(value))" : "\(value)"
        }
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
            guard let format = NarrowFloat(tensor.dtype) else { return nil }
            return read(UInt16.self) { Double(format.number($0)) }
        default: return nil
        }
    }

    /// Calls `body` with the classes as a tensor of strings.
    func withTensor(_ body: (TensorView) throws(RequestError) -> Void) throws(RequestError) {
        var bytes: [UInt8] = []
        let ends = texts.map { text in
            bytes += text.utf8
            return bytes.count
        }
        // Safety: the strings point into the bytes, and the view into the strings, in the scope of both.
        try bytes.withUnsafeBufferPointer { bytes throws(RequestError) in
            var strings = ends.indices.map { index in
                let start = index > 0 ? ends[index - 1] : 0
                return TensorString(start: bytes.baseAddress.map { $0 + start }, count: ends[index] - start)
            }
            // An empty array need not have an address.
            if strings.isEmpty { strings.append(TensorString(start: nil, count: 0)) }
            try dimensions.withUnsafeBufferPointer { dimensions throws(RequestError) in
                try strings.withUnsafeBufferPointer { strings throws(RequestError) in
                    guard let elements = strings.baseAddress else { return }
                    try body(
                        TensorView(
                            dtype: .string, dimensions: dimensions, elements: UnsafeRawPointer(elements)))
                }
            }
        }
    }
}
