internal import HTTPMessages

/// The media type of a request's body.
enum MediaType {
    private static let refusedTypes: [StaticString] = [
        "multipart/", "image/", "audio/", "video/", "application/octet-stream", "application/x-npy",
        "application/x-protobuf",
        "application/protobuf", "application/zip", "application/gzip", "application/pdf",
    ]

    /// Refuses media types that cannot be JSON. curl's default for `-d`, plain text, and no media type are accepted.
    static func requireJSON(_ contentType: UnsafeRawBufferPointer?) throws(RequestError) {
        guard let contentType, !isPlainJSON(contentType), !hasPrefix(contentType, "application/json") else { return }
        for refused in refusedTypes where hasPrefix(contentType, refused) {
            let type = contentType.prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ") }
            throw RequestError(
                415,
                "the media type \(String(decoding: type, as: UTF8.self)) is not supported here: send application/json")
        }
    }

    /// Whether a response's type is JSON.
    static func isJSON(_ type: StaticString) -> Bool {
        let type = UnsafeRawBufferPointer(start: type.utf8Start, count: type.utf8CodeUnitCount)
        return isPlainJSON(type) || hasPrefix(type, "application/json")
    }

    /// Whether a type is `application/json` in small letters and without parameters, as most are. No other prefix fits then.
    private static func isPlainJSON(_ type: UnsafeRawBufferPointer) -> Bool {
        // The letters as two numbers, the first letter in the lowest byte.
        type.count == 16 && UInt64(littleEndian: type.loadUnaligned(as: UInt64.self)) == 0x7461_6369_6c70_7061
            && UInt64(littleEndian: type.loadUnaligned(fromByteOffset: 8, as: UInt64.self)) == 0x6e6f_736a_2f6e_6f69
    }

    private static let npy: StaticString = "application/x-npy"
    private static let form: StaticString = "multipart/form-data"
    private static let fileTypes: [StaticString] = ["image/", "audio/", "application/octet-stream"]

    /// Whether a body is a file, whose bytes are the value of an input.
    static func isFile(_ contentType: UnsafeRawBufferPointer?) -> Bool {
        guard let contentType, !isPlainJSON(contentType) else { return false }
        return fileTypes.contains { hasPrefix(contentType, $0) }
    }

    /// Whether a body is a form, whose parts may be files.
    static func isForm(_ contentType: UnsafeRawBufferPointer?) -> Bool {
        contentType.map { !isPlainJSON($0) && hasPrefix($0, form) } ?? false
    }

    /// Whether a body is a NumPy array.
    static func isNPY(_ contentType: UnsafeRawBufferPointer?) -> Bool {
        contentType.map { !isPlainJSON($0) && hasPrefix($0, npy) } ?? false
    }

    /// Whether an `Accept` header lists NumPy arrays.
    static func acceptsNPY(_ accept: UnsafeRawBufferPointer?) -> Bool { accepts(npy, accept) }

    /// Whether the client wants text for a person: by `Accept: text/plain`, or because it is curl without an `Accept` header of its own.
    static func prefersText(_ headers: HTTPHeaders) -> Bool {
        if accepts("application/json", headers[.accept]) { return false }
        if accepts("text/plain", headers[.accept]) { return true }
        guard let agent = headers[.userAgent], hasPrefix(agent, "curl/") else { return false }
        return headers[.accept].map { $0.elementsEqual("*/*".utf8) } ?? true
    }

    /// Whether an `Accept` header lists a type.
    private static func accepts(_ type: StaticString, _ accept: UnsafeRawBufferPointer?) -> Bool {
        guard let accept else { return false }
        return accept.split(separator: UInt8(ascii: ",")).contains { item in
            hasPrefix(UnsafeRawBufferPointer(rebasing: item.drop { $0 == UInt8(ascii: " ") }), type)
        }
    }

    /// Whether bytes begin with a prefix, ignoring case. The rest, usually a parameter, is ignored.
    private static func hasPrefix(_ bytes: UnsafeRawBufferPointer, _ prefix: StaticString) -> Bool {
        guard bytes.count >= prefix.utf8CodeUnitCount else { return false }
        for index in 0..<prefix.utf8CodeUnitCount where (bytes[index] | 0x20) != (prefix.utf8Start[index] | 0x20) {
            return false
        }
        return true
    }
}
