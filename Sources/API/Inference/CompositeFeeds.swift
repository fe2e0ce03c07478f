internal import Execution
internal import Serving

/// Reads feeds with sparse or ragged tensors: `{"sparse": {"indices", "values", "shape"}}`,
/// `{"ragged": {"values", "row_splits"}}`.
struct CompositeFeeds {
    private let call: PreparedCall

    init(_ call: PreparedCall) { self.call = call }

    /// Adds all feeds of a request, in the order of the text.
    ///
    /// - Throws: ``RequestError`` 400.
    func add(_ feeds: JSONValue, to memory: inout FeedMemory) throws(RequestError) {
        var key = feeds.first
        var index = 0
        for composite in call.composites {
            if let composite {
                for part in try Self.parts(key.next, composite) {
                    try add(part, index, &memory)
                    index += 1
                }
            } else {
                try add(key.next, index, &memory)
                index += 1
            }
            key = key.next.next
        }
    }

    private func add(_ value: JSONValue, _ index: Int, _ memory: inout FeedMemory) throws(RequestError) {
        try memory.add(
            value, as: FeedDecoder(name: call.feedNames[index], dtype: call.callable.feeds[index].dtype))
    }

    /// The parts of a composite tensor's value, in the order of its tensors.
    private static func parts(
        _ value: JSONValue, _ composite: CompositeTensor
    ) throws(RequestError) -> [JSONValue] {
        let names = composite.partNames.map { "\"\($0)\"" }.joined(separator: ", ")
        guard composite.kind != .composite else {
            throw .badRequest("feed \"\(composite.name)\" consists of several tensors: feed \(names)")
        }
        let expected =
            composite.kind == .sparse
            ? #"{"sparse": {"indices": ..., "values": ..., "shape": ...}}"#
            : #"{"ragged": {"values": ..., "row_splits": ...}}"#
        func misfit(_ found: String) -> RequestError {
            .badRequest("feed \"\(composite.name)\": expected \(expected), or feeds for \(names); got \(found)")
        }
        guard value.kind == .object else { throw misfit(value.kindName) }
        guard value.count == 1, value.first.equals(composite.kind.rawValue.utf8), value.first.next.kind == .object
        else {
            throw misfit("other keys")
        }
        let content = value.first.next
        let keys = composite.kind == .sparse ? ["indices", "values", "shape"] : ["values", "row_splits"]
        var found = [JSONValue?](repeating: nil, count: keys.count)
        try PredictRequest.forEachPair(of: content, in: "feed \"\(composite.name)\"") {
            key, value throws(RequestError) in
            guard let place = keys.firstIndex(where: { key.equals($0.utf8) }) else {
                throw misfit("the key \"\(key.excerpt)\"")
            }
            found[place] = value
        }
        var parts: [JSONValue] = []
        for (key, value) in zip(keys, found) {
            guard let value else { throw misfit("no \"\(key)\"") }
            parts.append(value)
        }
        guard composite.kind == .ragged, composite.partNames.count > 2 else { return parts }
        return [parts[0]] + (try rowSplits(parts[1], composite))
    }

    /// The row splits of a ragged tensor with several ragged dimensions, outermost first.
    private static func rowSplits(
        _ value: JSONValue, _ composite: CompositeTensor
    ) throws(RequestError) -> [JSONValue] {
        let count = composite.partNames.count - 1
        guard value.kind == .list, value.count == count else {
            throw .badRequest(
                "feed \"\(composite.name)\": \"row_splits\" is \(value.kindName); expected a list of \(count) lists")
        }
        var splits: [JSONValue] = []
        var element = value.first
        while element.index < value.endIndex {
            splits.append(element)
            element = element.next
        }
        return splits
    }
}
