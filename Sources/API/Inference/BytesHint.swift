internal import Execution
internal import Tensors

/// A hint for clients that sent base64 text instead of bytes.
enum BytesHint {
    private static let maxElements = 16

    /// The hint for the error of a failed run; empty if no string of the feeds looks like base64.
    static func text(for feeds: UnsafeBufferPointer<TensorView>, names: [String]) -> String {
        for (feed, name) in zip(feeds, names) where feed.dtype == .string {
            let strings = UnsafeBufferPointer(
                start: feed.elements.assumingMemoryBound(to: TensorString.self),
                count: min(feed.elementCount, maxElements))
            guard strings.contains(where: { Base64.isLikely($0.bytes) }) else { continue }
            return "\"\(name)\" received text that looks like base64: to feed the bytes, send {\"b64\": \"...\"}"
        }
        return ""
    }
}
