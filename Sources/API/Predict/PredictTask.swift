internal import Execution
internal import HTTPMessages
internal import Serving

/// `POST /predict`: feeds and fetches by the keys of a signature, and by the names of the graph's tensors.
final class PredictTask: RequestTask {
    /// The request's parts, once they are known.
    private var parts: PredictRequest?
    /// Whether the body may name the model, not the path.
    var isModelInBody = false
    private let registry: ModelRegistry

    init(_ workspace: RequestWorkspace, _ route: InferenceRoute, _ registry: ModelRegistry) {
        self.registry = registry
        super.init(workspace, route)
    }

    override func reset() {
        parts = nil
        isModelInBody = false
        super.reset()
    }

    /// The model that the body names, if it names one.
    func modelName(in request: HTTPRequest) throws(RequestError) -> JSONValue? {
        let isJSON = !MediaType.isNPY(request.headers[.contentType]) && !FileBody.isThere(request)
        return isJSON ? try parse(request).model : nil
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
        if FileBody.isThere(request) { return try readFiles(request, calls) }
        let parts = try parse(request)
        if let named = parts.model, !named.equals(calls.name) {
            if isModelInBody { throw ModelLookup.unknownModel(named.excerpt, registry.catalog) }
            throw .badRequest("the path names model \"\(calls.model.name)\", the body \"\(named.excerpt)\"")
        }
        parts.appendSignature(to: workspace.signature)
        let call = try calls.call(for: workspace.signature) { () throws(RequestError) in
            let signature = try calls.signature(named: try parts.signatureName())
            return try parts.names(in: signature)
        }
        guard let feeds = parts.feeds else { return call }
        guard call.composites.isEmpty else {
            try CompositeFeeds(call).add(feeds, to: &workspace.feeds)
            return call
        }
        var key = feeds.first
        for (index, argument) in call.callable.feeds.enumerated() {
            try workspace.feeds.add(key.next, as: FeedDecoder(name: call.feedNames[index], dtype: argument.dtype))
            key = key.next.next
        }
        return call
    }

    /// Reads an array as the model's only input.
    private func readArray(_ request: HTTPRequest, _ calls: VersionCalls) throws(RequestError) -> PreparedCall {
        guard calls.neededInputs.count == 1, let name = calls.neededInputs.first else {
            throw NPYArray.needsOneInput(of: calls.model.name, calls.neededInputs)
        }
        let array = try NPYArray(body: request.body)
        let call = try self.call(for: name, calls)
        for feed in call.callable.feeds { try workspace.feeds.add(array, as: feed.dtype, name: name) }
        return call
    }

    /// Reads a file, or a form of files, as the model's only input.
    private func readFiles(_ request: HTTPRequest, _ calls: VersionCalls) throws(RequestError) -> PreparedCall {
        guard calls.neededInputs.count == 1, let name = calls.neededInputs.first else {
            throw FileBody.needsOneString(of: calls.model.name, calls.neededInputs)
        }
        let call = try self.call(for: name, calls)
        try FileBody.read(request, for: call, of: calls.model.name, into: &workspace.feeds)
        return call
    }

    /// The call that feeds one input.
    private func call(for name: String, _ calls: VersionCalls) throws(RequestError) -> PreparedCall {
        var name = name
        workspace.signature.append(PreparedCall.Kind.predict.rawValue)
        name.withUTF8 { PreparedCall.append(name: UnsafeRawBufferPointer($0), to: workspace.signature) }
        return try calls.call(for: workspace.signature) {
            PreparedCall.Names(feeds: [name], fetches: nil, signature: calls.model.defaultSignature)
        }
    }

    override func write(
        _ outputs: UnsafeBufferPointer<TensorView>, of call: PreparedCall, to response: inout HTTPResponse
    ) throws(RequestError) {
        let top = parts?.top
        if top == nil, let exchange, NPYResponse.write(outputs, for: exchange.request, to: &response) { return }
        var writer = JSONWriter(response.body)
        writer.beginObject()
        writer.key("outputs")
        var outputWriter = OutputWriter(writer, policy: route.options.nanPolicy)
        if let top {
            try outputWriter.writeTop(top, of: outputs, call)
        } else {
            try outputWriter.writeObject(outputs, keys: call.keys)
        }
        writer = outputWriter.rest
        writer.key("model")
        if let calls { calls._withUnsafeGuaranteedRef { writer.json($0.tail) } } else { writer.null() }
        writer.endObject()
    }
}
