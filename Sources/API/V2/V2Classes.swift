internal import Execution
internal import Serving
internal import Tensors

/// The classes of a tensor of scores (Triton's classification extension): for each row of the batch, the highest values with their indices, as
/// `VALUE:INDEX`, or `VALUE:INDEX:NAME` if the classes have names.
struct V2Classes {
    private let texts: [String]
    private let dimensions: [Int]

    /// Returns nil unless the tensor contains numbers.
    ///
    /// - Parameters:
    ///   - tensor: The scores. The first of several dimensions is the batch.
    ///   - limit: The number of classes.
    ///   - names: The names of the classes.
    ///   - key: The output's name, quoted.
    /// - Throws: ``RequestError`` if the settings give the output another number of names than it has values.
    init?(_ tensor: TensorView, limit: Int, names: ClassNames?, _ key: [UInt8]) throws(RequestError) {
        guard let scores = ClassScores(tensor) else { return nil }
        let batch = tensor.dimensions.count > 1 ? tensor.dimensions[0] : 1
        let size = batch > 0 ? scores.values.count / batch : 0
        let count = min(limit, size)
        dimensions = tensor.dimensions.count > 1 ? [batch, count] : [count]
        guard count > 0 else {
            texts = []
            return
        }
        if let names, names.isExplicit, names.names.count != size { throw names.misfit(key, size: size) }
        let fitting = names.flatMap { $0.names.count == size ? $0.names : nil }
        texts = (0..<batch).flatMap { row in
            scores.highest(count, of: row * size..<(row + 1) * size).map { place in
                let text = "\(Self.text(scores.values[row * size + place], tensor.dtype)):\(place)"
                return fitting.map { "\(text):\($0[place])" } ?? text
            }
        }
    }

    private static func text(_ value: Double, _ dtype: DataType) -> String {
        switch dtype {
        case .float64: "\(value)"
        case _ where dtype.isFloating: "\(Float(value))"
        default: value.magnitude < 0x1p63 ? "\(Int(value))" : "\(value)"
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
            // An empty array may have no address.
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
