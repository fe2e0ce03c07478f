internal import Glibc

/// The lines of a request's head as libmicrohttpd leaves them in its memory: line ends and the first colon of each line are zeros, all else
/// is as received.
///
/// libmicrohttpd joins folded lines, accepts a name that ends with a blank, ends a value at a zero and a line at a bare CR. Other servers
/// parse such requests differently, so a second request could hide in the body (RFC 9112, 5.1, 5.2 and 2.2).
struct RequestHead {
    private let lines: UnsafeRawBufferPointer

    /// Returns nil if the first line does not end with CR and LF, or contains another CR.
    ///
    /// - Parameters:
    ///   - method: The beginning of the request.
    ///   - version: The end of its first line, in the same memory.
    ///   - byteCount: The number of bytes from `method` to the body.
    init?(method: UnsafePointer<CChar>, version: UnsafePointer<CChar>, byteCount: Int) {
        // Safety: libmicrohttpd keeps the first part of a request whole, in the memory of its connection, until it is answered.
        let start = UnsafeRawPointer(method)
        let lineCount = UnsafeRawPointer(version) - start + strlen(version)
        guard lineCount > 0, lineCount + Self.endBytes <= byteCount else { return nil }
        let end = UnsafeRawBufferPointer(start: start + lineCount, count: Self.endBytes)
        guard end.allSatisfy({ $0 == 0 }), memchr(start, 0x0d, lineCount) == nil else { return nil }
        lines = UnsafeRawBufferPointer(
            start: start + lineCount + Self.endBytes, count: byteCount - lineCount - Self.endBytes)
    }

    private static let endBytes = 2

    /// Whether the lines are this number of headers and an empty line. Each header has a name, a colon and a value, and ends with CR and LF.
    func isWellFormed(headerCount: Int) -> Bool {
        guard let start = lines.baseAddress, memchr(start, 0x0d, lines.count) == nil,
            memchr(start, 0x0a, lines.count) == nil
        else { return false }
        var position = 0
        for _ in 0..<headerCount {
            guard let next = header(at: position) else { return false }
            position = next
        }
        return lines.count - position == Self.endBytes && isEnd(at: position)
    }

    /// The beginning of the line after a header; nil if it is not a header.
    private func header(at start: Int) -> Int? {
        guard let bytes = lines.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return nil }
        let count = lines.count
        var position = start
        // Safety: below the count, as all that follows. A loop over the buffer takes twice as many instructions.
        while position < count, Self.isToken(bytes[position]) { position += 1 }
        guard position > start, position < count, bytes[position] == 0 else { return nil }
        position += 1
        guard let valueEnd = memchr(bytes + position, 0, count - position) else { return nil }
        position = UnsafeRawPointer(valueEnd) - UnsafeRawPointer(bytes)
        return isEnd(at: position) ? position + Self.endBytes : nil
    }

    private func isEnd(at position: Int) -> Bool {
        position + Self.endBytes <= lines.count && lines[position] == 0 && lines[position + 1] == 0
    }

    /// Whether a byte may be in a header's name: a letter, a digit or one of ``!#$%&'*+-.^_`|~`` (RFC 9110, 5.6.2).
    private static func isToken(_ byte: UInt8) -> Bool {
        // Most are letters.
        if (byte | 0x20) &- UInt8(ascii: "a") < 26 { return true }
        // A bit for each of the bytes 0 to 63, and 64 to 127.
        let tokens: UInt64 = byte < 0x40 ? 0x03ff_6cfa_0000_0000 : 0x57ff_ffff_c7ff_fffe
        return byte < 0x80 && tokens >> UInt64(byte & 0x3f) & 1 == 1
    }
}
