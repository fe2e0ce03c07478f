internal import Execution
internal import HTTPMessages
internal import Serving

/// `POST /predict`: feeds and fetches by the keys of a signature, and by the names of the graph's tensors.
final class PredictTask: RequestTask {
    /// The request's parts, once they are known.
    private var parts: PredictRequest?
    /// The models among which the body's name was to be found; nil where the path names the model.
    var catalog: Catalog?

    override func reset() {
        parts = nil
        catalog = nil
        super.reset()
    }

    /// The model that the body names, if it does.
    func modelName(in request: HTTPRequest) throws(RequestError) -> JSONValue? {
        MediaType.isNPY(request.headers[.contentType]) ? nil : try parse(request).model
    }

    private func parse(_ request: HTTPRequest) throws(RequestError) -> PredictRequest {
        if let parts { return parts }
        try MediaType.requireJSON(request.headers[.contentType])
        let parts = try PredictRequest(try workspace.parser.parse(request.body))
        self.parts = parts
        return parts
    }

    override func read(_ request: HTTPRequest, _ calls: VersionCalls) throws(RequestError) -> PreparedCall {
        if MediaType.isNPY(request.headers[.contentType]) { return try readArray(request, calls) }
        let parts = try parse(request)
        if let named = parts.model, !named.equals(calls.name) {
            if let catalog { throw ModelLookup.unknownModel(named.excerpt, catalog) }
            throw .badRequest("the path names model \"\(calls.model.name)\", the body \"\(named.excerpt)\"")
        }
        parts.appendSignature(to: workspace.signature)
        let call = try calls.call(for: workspace.signature) { () throws(RequestError) in
            PreparedCall.Names(
                feeds: try parts.feedNames(), fetches: try parts.fetchNames(),
                signature: try calls.signature(named: try parts.signatureName()))
        }
        guard let feeds = parts.feeds else { return call }
        var key = feeds.first
        for (index, argument) in call.callable.feeds.enumerated() {
            try workspace.feeds.add(key.next, as: FeedDecoder(name: call.feedNames[index], dtype: argument.dtype))
            key = key.next.next
        }
        return call
    }

    /// An array is the model's only input.
    private func readArray(_ request: HTTPRequest, _ calls: VersionCalls) throws(RequestError) -> PreparedCall {
        guard calls.neededInputs.count == 1, var name = calls.neededInputs.first else {
            throw NPYArray.needsOneInput(of: calls.model.name, calls.neededInputs)
        }
        let array = try NPYArray(body: request.body)
        workspace.signature.append(PreparedCall.Kind.predict.rawValue)
        name.withUTF8 { PreparedCall.append(name: UnsafeRawBufferPointer($0), to: workspace.signature) }
        let call = try calls.call(for: workspace.signature) {
            PreparedCall.Names(feeds: [name], fetches: nil, signature: calls.model.defaultSignature)
        }
        for feed in call.callable.feeds { try workspace.feeds.add(array, as: feed.dtype, name: name) }
        return call
    }

    override func write(
        _ outputs: UnsafeBufferPointer<TensorView>, of call: PreparedCall, to response: inout HTTPResponse
    ) throws(RequestError) {
        if let exchange, NPYAnswer.write(outputs, for: exchange.request, to: &response) { return }
        var writer = JSONWriter(response.body)
        writer.beginObject()
        writer.key("outputs")
        var answer = AnswerWriter(writer, policy: route.options.nanPolicy)
        try answer.writeObject(outputs, keys: call.keys)
        writer = answer.rest
        writer.key("model")
        if let calls { writer.json(calls.tail) } else { writer.null() }
        writer.endObject()
    }
}
