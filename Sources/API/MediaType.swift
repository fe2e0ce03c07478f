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

    private static func hasPrefix(_ bytes: Slice<UnsafeRawBufferPointer>, _ prefix: StaticString) -> Bool {
        guard bytes.count >= prefix.utf8CodeUnitCount else { return false }
        return zip(bytes, UnsafeBufferPointer(start: prefix.utf8Start, count: prefix.utf8CodeUnitCount))
            .allSatisfy { ($0 | 0x20) == ($1 | 0x20) }
    }
}
