internal import Execution
internal import HTTPMessages
internal import LockFree
internal import Serving

/// What a request's names mean to a model, found once and kept: the callable, and the keys of its answer.
final class PreparedCall: Sendable {
    /// The names as bytes; see ``PreparedCall/appendSignature(of:to:)``.
    let signature: [UInt8]
    let callable: Callable
    /// The feeds' names as the request has them, for messages.
    let feedNames: [String]
    /// The fetches' names as the request has them, quoted and escaped.
    let keys: [[UInt8]]

    init(signature: [UInt8], callable: Callable, feedNames: [String], fetchNames: [String]) {
        self.signature = signature
        self.callable = callable
        self.feedNames = feedNames
        keys = fetchNames.map(Self.escaped)
    }

    private static func escaped(_ name: String) -> [UInt8] {
        let buffer = ResponseBuffer()
        var writer = JSONWriter(buffer)
        writer.string(name)
        return Array(buffer.bytes)
    }

    /// Appends the names of feeds and fetches, so that different names never give the same bytes: a name is a 0, its length, and
    /// itself; a 1 stands between feeds and fetches.
    static func appendSignature(of request: PredictRequest, to signature: inout [UInt8]) {
        if let feeds = request.feeds {
            var key = feeds.first
            while key.index < feeds.endIndex {
                append(key, to: &signature)
                key = key.next.next
            }
        }
        guard let fetches = request.fetches else { return }
        signature.append(1)
        var name = fetches.first
        while name.index < fetches.endIndex {
            append(name, to: &signature)
            name = name.next
        }
    }

    private static func append(_ name: JSONValue, to signature: inout [UInt8]) {
        let bytes = name.string
        signature.append(0)
        withUnsafeBytes(of: UInt32(truncatingIfNeeded: bytes.count)) { signature.append(contentsOf: $0) }
        signature.append(contentsOf: bytes)
    }

    /// FNV-1a.
    static func hash(_ signature: [UInt8]) -> UInt {
        signature.withUnsafeBufferPointer { bytes in
            bytes.reduce(14_695_981_039_346_656_037) { ($0 ^ UInt($1)) &* 1_099_511_628_211 }
        }
    }
}

/// What the API keeps with a version of a model: the calls that were prepared for it.
final class VersionCalls: Sendable {
    let model: Model
    /// The model's name as bytes.
    let name: [UInt8]
    private let calls = AppendOnlyTable<PreparedCall>(limit: 256)
    /// What every answer ends with, from the end of the outputs on.
    let tail: [UInt8]

    init(_ model: Model) {
        self.model = model
        name = Array(model.name.utf8)
        let buffer = ResponseBuffer()
        var writer = JSONWriter(buffer)
        writer.beginObject()
        writer.key("name")
        writer.string(model.name)
        writer.key("step")
        if let step = model.step { writer.integer(step) } else { writer.null() }
        writer.endObject()
        tail = Array(buffer.bytes)
    }

    /// The call for a request's names; a table look-up for all but the first of its kind.
    func call(for request: PredictRequest, _ workspace: Workspace) throws(RequestError) -> PreparedCall {
        PreparedCall.appendSignature(of: request, to: &workspace.signature)
        let hash = PreparedCall.hash(workspace.signature)
        if let known = calls.find(hash: hash, where: { $0.signature == workspace.signature && !$0.callable.isOutdated })
        {
            return known
        }
        let feeds = try request.feedNames()
        let fetches = try request.fetchNames()
        do throws(ModelError) {
            let callable = try model.callable(feeds: feeds, fetches: fetches)
            let call = PreparedCall(
                signature: workspace.signature, callable: callable, feedNames: feeds,
                fetchNames: fetches ?? callable.fetches.map(\.name))
            calls.insert(call, hash: hash)
            return call
        } catch { throw RequestError(error) }
    }
}
