internal import Execution
internal import HTTPMessages
internal import LockFree
internal import Operations
internal import Serving
internal import Tensors

/// Answers predict requests: bytes, tensors, plan, bytes.
struct Predict: Sendable {
    private let set: ModelSet
    private let models: [ServedModel]
    private let defaultModel: ServedModel?
    private let nanPolicy: NaNPolicy
    private let timeoutSeconds: Double?
    private let workspaces: ObjectPool<Workspace>

    init(_ set: ModelSet, _ options: Service.Options) {
        let served = set.models.map { ServedModel($0) }
        self.set = set
        models = served
        defaultModel = served.first { $0.model === set.defaultModel }
        nanPolicy = options.nanPolicy
        timeoutSeconds = options.timeoutSeconds
        workspaces = ObjectPool(count: options.threadCount)
    }

    /// Answers one request.
    ///
    /// - `name`: The model that the path names; nil to take that of the body, or the default.
    func respond(
        to request: HTTPRequest, model name: PathParameter?, _ response: inout HTTPResponse
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
        if body.isTooLong {
            throw .badRequest("the answer is longer than \(ResponseBuffer.mostBytes) bytes: fetch less")
        }
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
            try call.callable.run(feeds, deadline: timeoutSeconds.map { Deadline(after: $0) }) { outputs in
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

    private func model(named path: PathParameter?, _ body: JSONValue?) throws(RequestError) -> ServedModel {
        if let path {
            let served = try model(named: path)
            if let body, !body.equals(served.name) {
                throw .badRequest("the path names model \"\(served.model.name)\", the body \"\(body.excerpt)\"")
            }
            return served
        }
        if let body {
            if let found = models.first(where: { body.equals($0.name) }) { return found }
            throw Self.unknownModel(body.excerpt, set)
        }
        if let defaultModel { return defaultModel }
        throw .badRequest(
            "several models are served: name one of \(Self.names(set)) in \"model\", or post to /models/NAME/predict")
    }

    private func model(named path: PathParameter) throws(RequestError) -> ServedModel {
        if let found = models.first(where: { $0.name.elementsEqual(path.encoded) }) { return found }
        let name = try path.text()
        if let found = models.first(where: { $0.model.name == name }) { return found }
        throw Self.unknownModel(name, set)
    }

    /// Tells what is served, and of many models the nearest.
    static func unknownModel(_ name: String, _ set: ModelSet) -> RequestError {
        let nearest = set.models.count > mostListed ? set.nearestNames(to: name) : []
        guard nearest.isEmpty else {
            return RequestError(404, "there is no model \"\(name)\"; the nearest are \(list(nearest))")
        }
        return RequestError(404, "there is no model \"\(name)\"; served are \(names(set))")
    }

    private static let mostListed = 20

    private static func names(_ set: ModelSet) -> String {
        let left = set.models.count - mostListed
        return list(set.models.prefix(mostListed).map(\.name)) + (left > 0 ? " and \(left) more" : "")
    }

    private static func list(_ names: [String]) -> String { names.map { "\"\($0)\"" }.joined(separator: ", ") }
}
