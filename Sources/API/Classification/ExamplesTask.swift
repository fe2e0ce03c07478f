internal import Execution
internal import HTTPMessages
internal import Serving
internal import Tensors

/// `POST /v1/models/NAME:classify` and `:regress`: examples, which the graph parses by itself.
final class ExamplesTask: RequestTask {
    private let method: ExamplesMethod
    private let examples = ExampleWriter()
    /// The ends of the examples in the writer's output, where the context comes first.
    private var ends: [Int] = []
    /// Each example with the context, if there is one.
    private let joined = ResponseBuffer()

    init(_ method: ExamplesMethod, _ workspace: RequestWorkspace, _ route: InferenceRoute) {
        self.method = method
        super.init(workspace, route)
    }

    override func reset() {
        examples.clear()
        joined.clear()
        ends.removeAll(keepingCapacity: true)
        super.reset()
    }

    override func read(_ request: HTTPRequest, _ calls: VersionCalls) throws(RequestError) -> PreparedCall {
        try MediaType.requireJSON(request.headers[.contentType])
        guard request.body.count > 0 else {
            throw .badRequest("the body is empty; expected a JSON object with \"examples\"")
        }
        let parts = try ExamplesRequest(try workspace.parser.parse(request.body))
        let (signature, input, outputs) = try method.signature(named: parts.signatureName, in: calls.signatures)
        let call = try call(signature, input, outputs, calls)
        guard let feed = call.callable.feeds.first, feed.dtype == .string else {
            throw .badRequest(
                "signature \"\(signature.name)\" does not support this method: its input \"\(input.name)\" is not a "
                    + "string, so it cannot receive examples")
        }
        try write(parts)
        try feedExamples()
        return call
    }

    private func call(
        _ signature: TFServingSignature, _ input: TFServingSignature.Argument, _ outputs: [TFServingSignature.Argument],
        _ calls: VersionCalls
    ) throws(RequestError) -> PreparedCall {
        workspace.signature.append(PreparedCall.Kind.examples.rawValue)
        workspace.signature.append(method.rawValue)
        signature.nameBytes.withUnsafeBytes { PreparedCall.append(name: $0, to: workspace.signature) }
        return try calls.call(for: workspace.signature) {
            PreparedCall.Names(
                feeds: [input.tensor.tensor], fetches: outputs.map(\.tensor.tensor), feedNames: [input.name],
                fetchNames: outputs.map(\.name))
        }
    }

    /// Writes the context, if there is one, then all examples.
    private func write(_ parts: ExamplesRequest) throws(RequestError) {
        // An unquoted NaN is a number.
        let wordsAreFloats = workspace.parser.wasAmended
        if let context = parts.context { try examples.append(context, wordsAreFloats: wordsAreFloats) }
        ends.append(examples.output.count)
        var example = parts.examples.first
        while example.index < parts.examples.endIndex {
            try examples.append(example, wordsAreFloats: wordsAreFloats)
            ends.append(examples.output.count)
            example = example.next
        }
    }

    /// Feeds the examples. Concatenated messages are one message, in which the last value of a feature counts.
    private func feedExamples() throws(RequestError) {
        let count = ends.count - 1
        let contextCount = ends[0]
        var (bytes, places) = (examples.output.bytes, ends)
        if contextCount > 0 {
            places = [0]
            for (start, end) in zip(ends, ends.dropFirst()) {
                joined.append(UnsafeRawBufferPointer(rebasing: bytes[..<contextCount]))
                joined.append(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
                places.append(joined.count)
            }
            guard !joined.hasFailed else {
                throw RequestError(503, "not enough memory for the request: try again later")
            }
            bytes = joined.bytes
        }
        try workspace.feeds.addRoom(for: .string, CollectionOfOne(count), elementCount: count)
        guard let elements = workspace.feeds.lastElements()?.assumingMemoryBound(to: TensorString.self) else { return }
        for index in 0..<count {
            let start = bytes.baseAddress.map { ($0 + places[index]).assumingMemoryBound(to: UInt8.self) }
            elements[index] = TensorString(start: start, count: places[index + 1] - places[index])
        }
    }

    override func write(
        _ outputs: UnsafeBufferPointer<TensorView>, of call: PreparedCall, to response: inout HTTPResponse
    ) throws(RequestError) {
        let results = ExamplesResults(outputs, call, exampleCount: ends.count - 1)
        var writer = JSONWriter(response.body)
        writer.beginObject()
        writer.key("results")
        var outputWriter = OutputWriter(writer, policy: route.options.nanPolicy)
        switch method {
        case .classify: try results.writeClasses(to: &outputWriter)
        case .regress: try results.writeValues(to: &outputWriter)
        }
        writer = outputWriter.rest
        writer.endObject()
    }
}
