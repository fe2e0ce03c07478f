internal import Execution
internal import HTTPMessages
package import Tensors

/// JSON as text, for programs that compose requests.
public enum JSONText {
    /// A string as JSON.
    public static func quoted(_ text: String) -> String {
        let buffer = ResponseBuffer()
        var writer = JSONWriter(buffer)
        writer.string(text)
        return String(decoding: buffer.bytes, as: UTF8.self)
    }

    /// A string tensor's element as JSON: as a string if the bytes are text, otherwise as `{"b64": "..."}`.
    public static func bytes(_ bytes: [UInt8]) -> String {
        if let text = String(validating: bytes, as: UTF8.self) { return quoted(text) }
        let encoded = bytes.withUnsafeBufferPointer { Base64.encode($0) }
        return "{\"b64\":\"\(String(decoding: encoded, as: UTF8.self))\"}"
    }

    /// A tensor as nested lists, as a request has it.
    ///
    /// - Parameter tensor: The tensor.
    /// - Returns: JSON; nil for a dtype without a JSON form.
    package static func value(of tensor: Tensor) -> String? {
        let buffer = ResponseBuffer()
        return TensorView.withViews(of: [tensor]) { views in
            var output = OutputWriter(JSONWriter(buffer), policy: .string)
            guard let view = views.first, (try? output.writeValue(view, of: [])) != nil else { return nil }
            return String(decoding: buffer.bytes, as: UTF8.self)
        }
    }

    /// The fault of an invalid JSON value, and its place; nil for a valid one.
    public static func fault(in text: String) -> String? {
        let bytes = Array(text.utf8) + [UInt8](repeating: 0, count: HTTPRequest.bodyPadding)
        guard !text.isEmpty else { return "it is empty" }
        guard let parser = JSONParser() else { return "not enough memory" }
        return bytes.withUnsafeBytes { bytes in
            let body = UnsafeRawBufferPointer(rebasing: bytes[..<text.utf8.count])
            do throws(RequestError) { _ = try parser.parse(body) } catch {
                return JSONFault.first(in: body)?.description ?? error.message
            }
            return nil
        }
    }
}
