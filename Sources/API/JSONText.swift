internal import HTTPMessages

/// JSON as text, for who puts a request together.
public enum JSONText {
    /// A string as JSON.
    public static func quoted(_ text: String) -> String {
        let buffer = ResponseBuffer()
        var writer = JSONWriter(buffer)
        writer.string(text)
        return String(decoding: buffer.bytes, as: UTF8.self)
    }

    /// Whether a text is a JSON value.
    public static func isValue(_ text: String) -> Bool {
        let bytes = Array(text.utf8) + [UInt8](repeating: 0, count: HTTPRequest.bodyPadding)
        guard let parser = JSONParser() else { return false }
        return bytes.withUnsafeBytes { bytes in
            (try? parser.parse(UnsafeRawBufferPointer(rebasing: bytes[..<text.utf8.count]))) != nil
        }
    }
}
