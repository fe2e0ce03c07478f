internal import Execution
internal import Tensors

/// The outputs of a graph for examples, checked as TensorFlow Serving does.
struct ExamplesResults {
    private let outputs: UnsafeBufferPointer<TensorView>
    private let keys: [[UInt8]]
    private let exampleCount: Int

    init(_ outputs: UnsafeBufferPointer<TensorView>, _ call: PreparedCall, exampleCount: Int) {
        self.outputs = outputs
        keys = call.keys
        self.exampleCount = exampleCount
    }

    /// Writes the classes of each example as a list of pairs of a label and a score.
    ///
    /// - Throws: ``RequestError`` 400 in TensorFlow Serving's words if the outputs do not have this form.
    func writeClasses(to outputWriter: inout OutputWriter) throws(RequestError) {
        let labels = try matrix("classes", .string)
        let scores = try matrix("scores", .float32)
        let counts = [labels, scores].compactMap { $0?.dimensions[1] }
        guard let count = counts.first, counts.allSatisfy({ $0 == count }) else {
            throw .badRequest(
                "Tensors class and score should match in dim_size(1). Got "
                    + counts.map(String.init).joined(separator: " vs. "))
        }
        try outputWriter.writeClasses(rows: exampleCount, columns: count, labels: labels, scores: scores)
    }

    /// An output with a row for each example; nil if the signature has no output with that name.
    private func matrix(_ name: String, _ dtype: DataType) throws(RequestError) -> TensorView? {
        let key = Array("\"\(name)\"".utf8)
        guard let index = keys.firstIndex(of: key), outputs.indices.contains(index) else { return nil }
        let output = outputs[index]
        guard output.dimensions.count == 2 else {
            throw .badRequest("Expected Tensor shape: [batch_size num_classes] but got \(Self.text(output.dimensions))")
        }
        guard output.dtype == dtype else {
            throw .badRequest("Expected \(name) Tensor of \(dtype). Got: \(output.dtype)")
        }
        guard output.dimensions[0] == exampleCount else {
            throw .badRequest(
                "Expected \(name) output batch size of \(exampleCount). Got: \(output.dimensions[0])")
        }
        return output
    }

    /// Writes the value of each example.
    ///
    /// - Throws: ``RequestError`` 400 in TensorFlow Serving's words if the output does not have this form.
    func writeValues(to outputWriter: inout OutputWriter) throws(RequestError) {
        guard let output = outputs.first, let key = keys.first else { return }
        let dimensions = output.dimensions
        guard dimensions.count == 1 || dimensions.count == 2 && dimensions[1] == 1 else {
            throw .badRequest(
                "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got \(Self.text(dimensions))"
            )
        }
        guard dimensions[0] == exampleCount else {
            throw .badRequest(
                "Input batch size did not match output batch size: \(exampleCount) vs. \(dimensions[0])")
        }
        guard output.dtype == .float32 else {
            throw .badRequest("Expected output Tensor of float32.  Got: \(output.dtype)")
        }
        let list = UnsafeBufferPointer(rebasing: dimensions[..<1])
        try outputWriter.writeValue(TensorView(dtype: .float32, dimensions: list, elements: output.elements), of: key)
    }

    private static func text(_ dimensions: UnsafeBufferPointer<Int>) -> String {
        "[" + dimensions.map(String.init).joined(separator: ",") + "]"
    }
}
