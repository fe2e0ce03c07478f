internal import HTTPMessages
public import Serving

extension FeedValue {
    /// Reads a value as JSON: numbers, Booleans, strings, `{"b64": "..."}` for bytes, and lists. A text that is not JSON is a string.
    ///
    /// - Parameter text: The value.
    public init(text: String) {
        let bytes = Array(text.utf8) + [UInt8](repeating: 0, count: HTTPRequest.bodyPadding)
        let parser = JSONParser()
        let value = bytes.withUnsafeBytes { bytes in
            let body = UnsafeRawBufferPointer(rebasing: bytes[..<text.utf8.count])
            return (try? parser?.parse(body)).flatMap { Self.value($0) }
        }
        self = value ?? FeedValue(stringLiteral: text)
    }

    /// The value; nil for null and for other objects. The parser limits JSON's nesting.
    private static func value(_ json: JSONValue) -> FeedValue? {
        switch json.kind {
        case .int64: return FeedValue(json.int64)
        case .uint64: return FeedValue(Double(json.uint64))
        case .double: return FeedValue(json.double)
        case .truth: return true
        case .falsehood: return false
        case .string: return FeedValue(stringLiteral: json.text)
        case .null: return nil
        case .object:
            let value = json.first.next
            guard json.count == 1, json.first.equals("b64"), value.kind == .string else { return nil }
            let text = value.string
            return Base64.decode(inPlace: text).map { FeedValue(bytes: Array(text[..<$0])) }
        case .list:
            var elements: [FeedValue] = []
            var element = json.first
            while element.index < json.endIndex {
                guard let value = value(element) else { return nil }
                elements.append(value)
                element = element.next
            }
            return FeedValue(elements)
        }
    }
}
