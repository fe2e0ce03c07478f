internal import Execution
internal import Serving
internal import Tensors

/// The highest classes of outputs that are scores: `{"class": "cat", "index": 3, "score": 0.93}` for each, without `class` if the
/// classes have no names.
extension OutputWriter {
    /// Writes an object of tensors, with scores as lists of their highest classes.
    ///
    /// An output contains scores if its classes have names. If the model has no file of class names, outputs of floats with at least one
    /// dimension are scores.
    ///
    /// - Parameters:
    ///   - count: The number of classes for each row; all if there are fewer.
    ///   - tensors: The outputs.
    ///   - call: The call with the names of the outputs and of their classes.
    /// - Throws: ``RequestError`` 400 if no output contains scores, or the number of names differs from the number of values; and the
    ///   errors of ``write(_:key:)``.
    mutating func writeTop(
        _ count: Int, of tensors: UnsafeBufferPointer<TensorView>, _ call: PreparedCall
    ) throws(RequestError) {
        var hasScores = false
        writer.beginObject()
        for (index, tensor) in tensors.enumerated() {
            guard try Self.isScores(tensor, call.classes[index], call.keys[index]),
                let scores = ClassScores(tensor)
            else {
                try write(tensor, key: call.keys[index])
                continue
            }
            hasScores = true
            try requireShort(tensor, call.keys[index])
            writer.key(escaped: call.keys[index])
            var row = 0
            write(scores, tensor, 0, &row, count, call.classes[index]?.names)
            try requireAllowed(call.keys[index])
        }
        writer.endObject()
        guard hasScores else { throw Self.withoutScores(tensors, call) }
    }

    private static func isScores(
        _ tensor: TensorView, _ names: ClassNames?, _ key: [UInt8]
    ) throws(RequestError) -> Bool {
        guard let size = tensor.dimensions.last else { return false }
        guard let names else { return tensor.dtype.isFloating }
        guard names.names.count != size else { return names.isExplicit || tensor.dtype.isFloating }
        if names.isExplicit { throw names.misfit(key, size: size) }
        return false
    }

    private static func withoutScores(_ tensors: UnsafeBufferPointer<TensorView>, _ call: PreparedCall) -> RequestError
    {
        let found = tensors.enumerated().map { index, tensor in
            let shape = tensor.dimensions.map(String.init).joined(separator: ",")
            return "\(String(decoding: call.keys[index], as: UTF8.self)) is \(tensor.dtype) [\(shape)]"
        }.joined(separator: ", ")
        let names = call.classes.lazy.compactMap(\.self).first
        let expected =
            names.map { "floats with \($0.names.count) values in the last dimension, as many as \($0.path) has names" }
            ?? "floats with at least one dimension"
        return .badRequest("\"top\": no fetched output contains scores; expected \(expected), found \(found)")
    }

    /// Writes the lists from a dimension on.
    private mutating func write(
        _ scores: ClassScores, _ tensor: TensorView, _ level: Int, _ row: inout Int, _ count: Int, _ names: [String]?
    ) {
        writer.beginList()
        let size = tensor.dimensions[level]
        if level < tensor.dimensions.count - 1 {
            for _ in 0..<size { write(scores, tensor, level + 1, &row, count, names) }
        } else {
            let start = row * size
            for place in scores.highest(min(count, size), of: start..<start + size) {
                write(scores.values[start + place], tensor.dtype, place, names)
            }
            row += 1
        }
        writer.endList()
    }

    private mutating func write(_ score: Double, _ dtype: DataType, _ place: Int, _ names: [String]?) {
        writer.beginObject()
        if let names, names.indices.contains(place) {
            writer.key("class")
            writer.string(names[place])
        }
        writer.key("index")
        writer.integer(place)
        writer.key("score")
        if dtype.isFloating, dtype != .float64 {
            float(Float(score))
        } else if !dtype.isFloating, let whole = Int(exactly: score) {
            writer.integer(whole)
        } else {
            double(score)
        }
        writer.endObject()
    }
}
