internal import HTTPMessages

/// The two parts of a body with binary tensors: the JSON, and the bytes after it.
struct V2Body {
    /// The JSON; empty if the body is a single tensor.
    let json: UnsafeRawBufferPointer
    /// The remaining bytes of tensors.
    private(set) var tensors: UnsafeRawBufferPointer
    /// Whether the body has no JSON.
    let isRaw: Bool

    /// - Throws: ``RequestError`` 400 if the header does not fit the body; 415.
    init(_ request: HTTPRequest) throws(RequestError) {
        let body = request.body
        guard let header = request.headers[.inferenceHeaderContentLength] else {
            try MediaType.requireJSON(request.headers[.contentType])
            guard body.count > 0 else {
                throw .badRequest("the body is empty; expected a JSON object with \"inputs\"")
            }
            json = body
            tensors = UnsafeRawBufferPointer(rebasing: body[body.count...])
            isRaw = false
            return
        }
        guard let length = Self.number(header) else {
            throw .badRequest(
                "Inference-Header-Content-Length is \"\(String(decoding: header.prefix(200), as: UTF8.self))\"; "
                    + "expected the length of the JSON in bytes")
        }
        guard length <= body.count else {
            throw .badRequest("Inference-Header-Content-Length is \(length), but the body has \(body.count) bytes")
        }
        json = UnsafeRawBufferPointer(rebasing: body[..<length])
        tensors = UnsafeRawBufferPointer(rebasing: body[length...])
        isRaw = length == 0
    }

    /// The next bytes, for one tensor; nil if there are fewer.
    mutating func take(_ count: Int) -> UnsafeRawBufferPointer? {
        guard count <= tensors.count else { return nil }
        defer { tensors = UnsafeRawBufferPointer(rebasing: tensors[count...]) }
        return UnsafeRawBufferPointer(rebasing: tensors[..<count])
    }

    /// A number in digits; nil for anything else.
    private static func number(_ text: UnsafeRawBufferPointer) -> Int? {
        guard !text.isEmpty else { return nil }
        var number = 0
        for byte in text {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            let (shifted, overflow) = number.multipliedReportingOverflow(by: 10)
            let (sum, carry) = shifted.addingReportingOverflow(Int(byte - UInt8(ascii: "0")))
            guard !overflow, !carry else { return nil }
            number = sum
        }
        return number
    }
}
