internal import HTTPMessages

/// The header `Request-Timeout`: the seconds that the client waits for its response.
enum RequestTimeout {
    /// The maximum number of digits.
    private static let maxDigits = 15

    /// The time limit of a request in seconds.
    ///
    /// - Parameters:
    ///   - value: The header's value, if there is one: a decimal number above 0, such as `2` or `0.25`.
    ///   - limit: The server's limit; nil for none.
    /// - Returns: The limit; nil for none.
    /// - Throws: ``RequestError`` 400 for an invalid number.
    static func seconds(_ value: UnsafeRawBufferPointer?, limit: Double?) throws(RequestError) -> Double? {
        guard let value else { return limit }
        guard let seconds = decimal(value), seconds > 0 else {
            let text = String(decoding: value.prefix(40), as: UTF8.self)
            throw .badRequest(
                "header \(HTTPHeader.requestTimeout.name): expected seconds above 0, such as 2.5, found \"\(text)\"")
        }
        return limit.map { min($0, seconds) } ?? seconds
    }

    private static func decimal(_ bytes: UnsafeRawBufferPointer) -> Double? {
        guard bytes.count <= maxDigits + 1 else { return nil }
        var digits = 0
        var digitCount = 0
        var scale: Int?
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                guard digitCount < maxDigits else { return nil }
                digits = digits * 10 + Int(byte - UInt8(ascii: "0"))
                digitCount += 1
                scale = scale.map { $0 * 10 }
            case UInt8(ascii: ".") where scale == nil: scale = 1
            default: return nil
            }
        }
        return digitCount > 0 ? Double(digits) / Double(scale ?? 1) : nil
    }
}
