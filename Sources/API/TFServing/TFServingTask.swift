internal import Execution
internal import HTTPMessages
internal import Serving

/// `POST /v1/models/NAME:predict`.
final class TFServingTask: RequestTask {
    /// Whether the request, and so the response, is in rows.
    private var isInRows = false
    /// The values of the signature's inputs, by index.
    private var values: [JSONValue?] = []
    /// The indices of the inputs in the request.
    private var given: [Int] = []
    private var rows = TFServingRows()

    override func reset() {
        isInRows = false
        values.removeAll(keepingCapacity: true)
        given.removeAll(keepingCapacity: true)
        rows.clear()
        super.reset()
    }

    override func read(_ request: HTTPRequest, _ calls: VersionCalls) throws(RequestError) -> PreparedCall {
        if MediaType.isNPY(request.headers[.contentType]) { return try readArray(request, calls) }
        if FileBody.isThere(request) { return try readFiles(request, calls) }
        try MediaType.requireJSON(request.headers[.contentType])
        guard request.body.count > 0 else {
            throw .badRequest("the body is empty; expected a JSON object with \"instances\" or \"inputs\"")
        }
        let parts = try TFServingRequest(try workspace.parser.parse(request.body))
        let signature = try calls.signatures.signature(named: parts.signatureName)
        switch try parts.content() {
        case .columns(let inputs): return try readColumns(inputs, signature, calls)
        case .rows(let instances):
            isInRows = true
            guard TFServingRequest.isNamed(instances.first) else {
                guard let input = signature.plainInput else {
                    throw .badRequest(
                        "instances is a plain list, but expecting list of objects as multiple input tensors required "
                            + "as per tensorinfo_map: \(signature.inputNames)")
                }
                return try readPlain(instances, input, signature, calls)
            }
            try rows.begin(instances.first, signature)
            let call = try calls.call(signature, given: rows.given, workspace)
            try rows.read(instances, signature, call, &workspace.feeds)
            return call
        }
    }

    /// Reads an array as the only input of the default signature.
    private func readArray(_ request: HTTPRequest, _ calls: VersionCalls) throws(RequestError) -> PreparedCall {
        let signature = try calls.signatures.signature(named: nil)
        guard let input = signature.plainInput else {
            throw NPYArray.needsOneInput(of: calls.model.name, signature.inputs.map(\.name))
        }
        let array = try NPYArray(body: request.body)
        let call = try calls.call(signature, given: CollectionOfOne(input), workspace)
        for (index, feed) in call.callable.feeds.enumerated() {
            try workspace.feeds.add(array, as: feed.dtype, name: call.feedNames[index])
        }
        return call
    }

    /// Reads a file, or a form of files, as the only input. As with an array, the response has "outputs".
    private func readFiles(_ request: HTTPRequest, _ calls: VersionCalls) throws(RequestError) -> PreparedCall {
        let signature = try calls.signatures.signature(named: nil)
        guard let input = signature.plainInput else {
            throw FileBody.needsOneString(of: calls.model.name, signature.inputs.map(\.name))
        }
        let call = try calls.call(signature, given: CollectionOfOne(input), workspace)
        try FileBody.read(request, for: call, of: calls.model.name, into: &workspace.feeds)
        return call
    }

    /// Reads a value without a name.
    private func readPlain(
        _ value: JSONValue, _ input: Int, _ signature: TFServingSignature, _ calls: VersionCalls
    ) throws(RequestError) -> PreparedCall {
        let call = try calls.call(signature, given: CollectionOfOne(input), workspace)
        for (index, feed) in call.callable.feeds.enumerated() {
            try workspace.feeds.add(
                value, as: FeedDecoder(kind: "input", name: call.feedNames[index], dtype: feed.dtype))
        }
        return call
    }

    private func readColumns(
        _ inputs: JSONValue, _ signature: TFServingSignature, _ calls: VersionCalls
    ) throws(RequestError) -> PreparedCall {
        guard TFServingRequest.isNamed(inputs) else {
            guard let input = signature.plainInput else {
                throw .badRequest(
                    "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
                        + "tensorinfo_map: \(signature.inputNames)")
            }
            return try readPlain(inputs, input, signature, calls)
        }
        try take(inputs, signature)
        for (index, value) in values.enumerated() where value != nil { given.append(index) }
        let call = try calls.call(signature, given: given, workspace)
        for (index, input) in given.enumerated() {
            guard let value = values[input] else { continue }
            try workspace.feeds.add(
                value,
                as: FeedDecoder(
                    kind: "input", name: call.feedNames[index], dtype: call.callable.feeds[index].dtype))
        }
        return call
    }

    /// Finds the inputs in an object. Unknown names are ignored.
    private func take(_ inputs: JSONValue, _ signature: TFServingSignature) throws(RequestError) {
        guard inputs.count <= PredictRequest.maxNames else {
            throw .badRequest("\"inputs\" has \(inputs.count) names, more than \(PredictRequest.maxNames)")
        }
        values.append(contentsOf: repeatElement(nil, count: signature.inputs.count))
        var key = inputs.first
        while key.index < inputs.endIndex {
            if let input = signature.input(key), values[input] == nil { values[input] = key.next }
            key = key.next.next
        }
        for (index, input) in signature.inputs.enumerated() where input.isRequired && values[index] == nil {
            throw .badRequest("Missing named input: \(input.name) in 'inputs' object.\(input.hint)")
        }
    }

    override func write(
        _ outputs: UnsafeBufferPointer<TensorView>, of call: PreparedCall, to response: inout HTTPResponse
    ) throws(RequestError) {
        if let exchange, NPYResponse.write(outputs, for: exchange.request, to: &response) { return }
        var writer = JSONWriter(response.body)
        writer.beginObject()
        writer.key(isInRows ? "predictions" : "outputs")
        var outputWriter = OutputWriter(writer, policy: route.options.nanPolicy, suffixMeansBytes: true)
        let rowCount = isInRows ? try Self.rowCount(outputs, call) : 0
        if outputs.count == 1, let output = outputs.first {
            try outputWriter.writeValue(output, of: call.keys[0])
        } else if isInRows {
            try outputWriter.writeRows(rowCount, of: outputs, keys: call.keys)
        } else {
            try outputWriter.writeObject(outputs, keys: call.keys)
        }
        writer = outputWriter.rest
        writer.endObject()
    }

    /// The first dimension, which must be equal for all outputs.
    private static func rowCount(
        _ outputs: UnsafeBufferPointer<TensorView>, _ call: PreparedCall
    ) throws(RequestError) -> Int {
        var count: Int?
        for (index, output) in outputs.enumerated() {
            let name = String(decoding: call.keys[index].dropFirst().dropLast(), as: UTF8.self)
            guard let size = output.dimensions.first else {
                throw .badRequest(
                    "Tensor name: \(name) has no shape information: a scalar has no rows, so send \"inputs\" instead of "
                        + "\"instances\"")
            }
            guard count == nil || count == size else {
                throw .badRequest(
                    "Tensor name: \(name) has inconsistent batch size: \(size) expecting: \(count ?? 0); send \"inputs\" "
                        + "instead of \"instances\"")
            }
            count = size
        }
        return count ?? 0
    }
}

extension VersionCalls {
    /// The call for inputs of a signature.
    ///
    /// - Parameters:
    ///   - signature: The signature.
    ///   - given: The indices of the inputs in the request, ascending.
    ///   - workspace: The workspace for the call's key.
    /// - Returns: The call.
    /// - Throws: ``RequestError`` for values that the model cannot compute.
    func call(
        _ signature: TFServingSignature, given: some Collection<Int>, _ workspace: RequestWorkspace
    ) throws(RequestError) -> PreparedCall {
        workspace.signature.append(PreparedCall.Kind.tfServing.rawValue)
        signature.nameBytes.withUnsafeBytes { PreparedCall.append(name: $0, to: workspace.signature) }
        for input in given {
            withUnsafeBytes(of: UInt32(truncatingIfNeeded: input)) { workspace.signature.append($0) }
        }
        return try call(for: workspace.signature) {
            let inputs = given.map { signature.inputs[$0] }
            return PreparedCall.Names(
                feeds: inputs.map(\.tensor.tensor),
                fetches: signature.isDerived ? nil : signature.outputs.map(\.tensor.tensor),
                feedNames: inputs.map(\.name), fetchNames: signature.isDerived ? nil : signature.outputs.map(\.name),
                isWithoutNumbers: signature.isDerived)
        }
    }
}
