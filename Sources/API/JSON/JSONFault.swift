internal import HTTPMessages

/// The first fault of an invalid JSON text (RFC 8259, with unquoted NaN and infinities allowed), and its place. It is determined for messages,
/// after the parser has refused the text.
struct JSONFault: Error, CustomStringConvertible {
    /// The offset from the beginning of the text.
    let offsetBytes: Int
    let reason: String

    var description: String { "\(reason) at byte \(offsetBytes)" }

    /// The first syntax error of a text; nil if none is found.
    static func first(in text: UnsafeRawBufferPointer) -> JSONFault? {
        var scanner = JSONScanner(text)
        do throws(JSONFault) { try scanner.scan() } catch { return error }
        return nil
    }

    /// The first place where a text is not valid UTF-8; nil if it is valid.
    static func invalidUTF8(in text: UnsafeRawBufferPointer) -> JSONFault? {
        var parser = Unicode.UTF8.ForwardParser()
        var bytes = text.makeIterator()
        var offset = 0
        while true {
            switch parser.parseScalar(from: &bytes) {
            case .valid(let scalar): offset += scalar.count
            case .emptyInput: return nil
            case .error: return JSONFault(offsetBytes: offset, reason: "invalid UTF-8")
            }
        }
    }

    /// The text in a form that simdjson accepts, with padding: with `.0` after all integers that do not fit in 64 bits, and with quoted NaN and
    /// infinities.
    ///
    /// simdjson refuses such integers, but they are valid JSON, and JavaScript writes floats from 2^64 to 10^21 in this form.
    ///
    /// - Returns: nil if there are none, or the text has another fault.
    static func amended(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        var scanner = JSONScanner(text)
        do throws(JSONFault) { try scanner.scan() } catch { return nil }
        guard !scanner.amendments.isEmpty else { return nil }
        var result: [UInt8] = []
        result.reserveCapacity(text.count + 2 * scanner.amendments.count + HTTPRequest.bodyPadding)
        var start = 0
        for amendment in scanner.amendments.map(Int.init) {
            result += text[start..<amendment]
            start = amendment
            guard let length = wordLength(amendment < text.count ? text[amendment] : 0) else {
                result += ".0".utf8
                continue
            }
            result.append(UInt8(ascii: "\""))
            result += text[start..<start + length]
            result.append(UInt8(ascii: "\""))
            start += length
        }
        result += text[start...]
        result += repeatElement(0, count: HTTPRequest.bodyPadding)
        return result
    }

    /// The length of NaN, Infinity or -Infinity by the first letter; nil for the end of a number.
    private static func wordLength(_ first: UInt8) -> Int? {
        switch first {
        case UInt8(ascii: "N"): 3
        case UInt8(ascii: "I"): 8
        case UInt8(ascii: "-"): 9
        default: nil
        }
    }
}
