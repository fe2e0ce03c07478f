internal import Execution
internal import HTTPMessages
internal import LockFree
internal import Operations
internal import Serving
internal import Tensors

/// Answers predict requests: bytes, tensors, plan, bytes.
struct Predict: Sendable {
    private let models: [ServedModel]
    private let defaultModel: ServedModel?
    private let nanPolicy: NaNPolicy
    private let workspaces: ObjectPool<Workspace>

    init(_ set: ModelSet, nanPolicy: NaNPolicy, threadCount: Int) {
        let served = set.models.map { ServedModel($0) }
        models = served
        defaultModel = served.first { $0.model === set.defaultModel }
        self.nanPolicy = nanPolicy
        workspaces = ObjectPool(count: threadCount)
    }

    /// Answers one request.
    ///
    /// - `name`: The model that the path names; nil to take that of the body, or the default.
    func respond(
        to request: HTTPRequest, model name: String?, _ response: inout HTTPResponse
    ) throws(RequestError) {
        try requireJSON(request.contentType)
        guard let workspace = workspaces.take() ?? Workspace() else {
            throw RequestError(503, "not enough memory for the request: try again later")
        }
        defer {
            workspace.reset()
            workspaces.give(workspace)
        }
        let parts = try PredictRequest(try workspace.parser.parse(request.body))
        let served = try model(named: name, parts.model)
        let call = try served.call(for: parts, workspace)
        try decodeFeeds(parts, call, workspace)
        let body = response.body
        try workspace.feeds.withFeeds { feeds throws(RequestError) in try run(call, feeds, served, body) }
        guard !body.hasFailed else { throw RequestError(503, "not enough memory for the answer: fetch less at once") }
    }

    private func decodeFeeds(
        _ parts: PredictRequest, _ call: PreparedCall, _ workspace: Workspace
    ) throws(RequestError) {
        guard let feeds = parts.feeds else { return }
        var key = feeds.first
        for (index, argument) in call.callable.feeds.enumerated() {
            try workspace.feeds.add(key.next, as: FeedDecoder(name: call.feedNames[index], dtype: argument.dtype))
            key = key.next.next
        }
    }

    private func run(
        _ call: PreparedCall, _ feeds: UnsafeBufferPointer<TensorView>, _ served: ServedModel, _ body: ResponseBuffer
    ) throws(RequestError) {
        var failure: RequestError?
        do throws(CompileError) {
            try call.callable.run(feeds) { outputs in
                do throws(RequestError) { try write(outputs, call, served, body) } catch { failure = error }
            }
        } catch { throw RequestError(ModelError(error)) }
        if let failure { throw failure }
    }

    private func write(
        _ outputs: UnsafeBufferPointer<TensorView>, _ call: PreparedCall, _ served: ServedModel, _ body: ResponseBuffer
    ) throws(RequestError) {
        var writer = JSONWriter(body)
        writer.beginObject()
        writer.key("outputs")
        writer.beginObject()
        var answer = AnswerWriter(writer, policy: nanPolicy)
        for (index, output) in outputs.enumerated() { try answer.write(output, key: call.keys[index]) }
        writer = answer.rest
        writer.endObject()
        writer.key("model")
        writer.json(served.tail)
        writer.endObject()
    }

    /// Refuses media types that cannot be JSON; curl's own default for `-d`, plain text and none at all pass.
    private func requireJSON(_ contentType: UnsafeRawBufferPointer?) throws(RequestError) {
        guard let contentType else { return }
        let type = contentType.prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ") }
        for refused in Self.refusedTypes where Self.hasPrefix(type, refused) {
            throw RequestError(
                415, "a body of type \(String(decoding: type, as: UTF8.self)) is not JSON: send application/json")
        }
    }

    private static let refusedTypes: [StaticString] = [
        "multipart/", "image/", "audio/", "video/", "application/octet-stream", "application/x-npy",
        "application/x-protobuf",
        "application/protobuf", "application/zip", "application/gzip", "application/pdf",
    ]

    private static func hasPrefix(_ bytes: Slice<UnsafeRawBufferPointer>, _ prefix: StaticString) -> Bool {
        guard bytes.count >= prefix.utf8CodeUnitCount else { return false }
        return zip(bytes, UnsafeBufferPointer(start: prefix.utf8Start, count: prefix.utf8CodeUnitCount))
            .allSatisfy { ($0 | 0x20) == ($1 | 0x20) }
    }

    private func model(named path: String?, _ body: JSONValue?) throws(RequestError) -> ServedModel {
        if let path {
            if let body, body.text != path {
                throw .badRequest("the path names model \"\(path)\", the body \"\(body.text)\"")
            }
            return try model(named: path)
        }
        if let body { return try model(named: body.text) }
        if let defaultModel { return defaultModel }
        throw .badRequest(
            "several models are served: name one of \(Self.list(models.map(\.model.name))) in \"model\", "
                + "or post to /models/NAME/predict")
    }

    private func model(named name: String) throws(RequestError) -> ServedModel {
        if let found = models.first(where: { $0.model.name == name }) { return found }
        throw Self.unknownModel(name, models.map(\.model.name))
    }

    static func unknownModel(_ name: String, _ names: [String]) -> RequestError {
        RequestError(404, "there is no model \"\(name)\"; served are \(list(names))")
    }

    private static func list(_ names: [String]) -> String { names.map { "\"\($0)\"" }.joined(separator: ", ") }
}
