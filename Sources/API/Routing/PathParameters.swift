/// The segments of a path that are in braces in a route's pattern, in order. Valid during the request.
struct PathParameters {
    /// The maximum number of parameters of a pattern.
    static let maxCount = 4

    private var segments = InlineArray<4, UnsafeRawBufferPointer>(
        repeating: UnsafeRawBufferPointer(start: nil, count: 0))
    private var count = 0

    mutating func append(_ segment: UnsafeRawBufferPointer) {
        segments[count] = segment
        count += 1
    }

    subscript(index: Int) -> PathParameter { PathParameter(encoded: segments[index]) }
}

/// A segment of a path.
struct PathParameter {
    /// The segment as sent, percent-encoded.
    let encoded: UnsafeRawBufferPointer

    /// The decoded text.
    ///
    /// - Throws: ``RequestError`` 400 for a `%` without two digits, a NUL, and invalid UTF-8.
    func text() throws(RequestError) -> String {
        guard let decoded = decoded(), let text = String(validating: decoded, as: UTF8.self) else {
            let shown = String(decoding: encoded.prefix(200), as: UTF8.self)
            throw .badRequest("\"\(shown)\" is not a percent-encoded name")
        }
        return text
    }

    private func decoded() -> [UInt8]? {
        var result: [UInt8] = []
        var index = 0
        while index < encoded.count {
            if encoded[index] != UInt8(ascii: "%") {
                result.append(encoded[index])
                index += 1
                continue
            }
            guard index + 2 < encoded.count, let high = Hexadecimal.value(of: encoded[index + 1]),
                let low = Hexadecimal.value(of: encoded[index + 2]), high | low != 0
            else { return nil }
            result.append(high << 4 | low)
            index += 3
        }
        return result
    }
}
