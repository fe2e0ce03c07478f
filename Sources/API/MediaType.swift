internal import HTTPMessages

/// What a request says of its body's kind.
enum MediaType {
    private static let refusedTypes: [StaticString] = [
        "multipart/", "image/", "audio/", "video/", "application/octet-stream", "application/x-npy",
        "application/x-protobuf",
        "application/protobuf", "application/zip", "application/gzip", "application/pdf",
    ]

    /// Refuses media types that cannot be JSON; curl's own default for `-d`, plain text and none at all pass.
    static func requireJSON(_ contentType: UnsafeRawBufferPointer?) throws(RequestError) {
        guard let contentType else { return }
        let type = contentType.prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ") }
        for refused in refusedTypes where hasPrefix(type, refused) {
            throw RequestError(
                415, "a body of type \(String(decoding: type, as: UTF8.self)) is not JSON: send application/json")
        }
    }

    private static let npy: StaticString = "application/x-npy"

    /// Whether a body is a NumPy array.
    static func isNPY(_ contentType: UnsafeRawBufferPointer?) -> Bool {
        contentType.map { hasPrefix($0[...], npy) } ?? false
    }

    /// Whether an `Accept` header has NumPy arrays in its list.
    static func acceptsNPY(_ accept: UnsafeRawBufferPointer?) -> Bool {
        guard let accept else { return false }
        return accept.split(separator: UInt8(ascii: ",")).contains { hasPrefix($0.drop { $0 == 0x20 }, npy) }
    }

    private static func hasPrefix(_ bytes: Slice<UnsafeRawBufferPointer>, _ prefix: StaticString) -> Bool {
        guard bytes.count >= prefix.utf8CodeUnitCount else { return false }
        return zip(bytes, UnsafeBufferPointer(start: prefix.utf8Start, count: prefix.utf8CodeUnitCount))
            .allSatisfy { ($0 | 0x20) == ($1 | 0x20) }
    }
}
