internal import HTTPMessages

/// What makes a text not JSON (RFC 8259), and where: for messages, after the parser has refused it.
struct JSONFault: Error, CustomStringConvertible {
    /// Where, from the beginning of the text.
    let offsetBytes: Int
    let reason: String

    var description: String { "\(reason) at byte \(offsetBytes)" }

    /// The first fault of a text's grammar; nil if none is found.
    static func first(in text: UnsafeRawBufferPointer) -> JSONFault? {
        var scanner = JSONScanner(text)
        do throws(JSONFault) { try scanner.scan() } catch { return error }
        return nil
    }

    /// Where a text is not UTF-8; nil if it is.
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

    /// The text with `.0` behind all integers that do not fit in 64 bits, and padding behind it.
    ///
    /// simdjson refuses such integers, but they are JSON, and JavaScript writes floats so from 2^64 up to 10^21.
    ///
    /// - Returns: nil if there is no such integer, or something is wrong.
    static func withPointsInLongIntegers(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        var scanner = JSONScanner(text)
        do throws(JSONFault) { try scanner.scan() } catch { return nil }
        guard !scanner.longIntegerEnds.isEmpty else { return nil }
        var result: [UInt8] = []
        result.reserveCapacity(text.count + 2 * scanner.longIntegerEnds.count + HTTPRequest.bodyPadding)
        var start = 0
        for end in scanner.longIntegerEnds {
            result += text[start..<end]
            result += ".0".utf8
            start = end
        }
        result += text[start...]
        result += repeatElement(0, count: HTTPRequest.bodyPadding)
        return result
    }
}
