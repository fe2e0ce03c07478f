import Glibc

/// Reads a response of HTTP/1.1 in pieces, and keeps only its status. It allocates no memory, unless a line comes in
/// two pieces.
struct ResponseReader {
    /// What is known after a piece.
    enum Progress: Equatable {
        /// The response has not ended.
        case unfinished
        /// The response has ended after that many bytes of the piece.
        case complete(used: Int)
        /// It is not a response of HTTP/1.
        case malformed
    }

    private enum State {
        case statusLine, headers, body, chunkSize, chunk, chunkEnd, trailers, untilClose
    }

    /// The status; 0 if it is not known yet.
    private(set) var status = 0
    /// Whether the server closes the connection after the response.
    private(set) var closes = false
    /// Whether anything was received.
    private(set) var hasBegun = false
    private var state = State.statusLine
    private var line: [UInt8] = []
    /// The bytes of the body, or the chunk, that are missing.
    private var remaining = 0
    private var length: Int?
    private var isChunked = false

    private static let longestLine = 64 << 10

    init() { line.reserveCapacity(256) }

    /// Begins with another response.
    mutating func reset() {
        status = 0
        closes = false
        hasBegun = false
        state = .statusLine
        line.removeAll(keepingCapacity: true)
        remaining = 0
        length = nil
        isChunked = false
    }

    /// Whether the end of the connection ends the response.
    var endsWithConnection: Bool { state == .untilClose }

    /// Reads a piece.
    mutating func read(_ bytes: UnsafeRawBufferPointer) -> Progress {
        var place = 0
        while place < bytes.count {
            hasBegun = true
            switch state {
            case .untilClose: return .unfinished
            case .body, .chunk:
                let count = min(remaining, bytes.count - place)
                remaining -= count
                place += count
                guard remaining == 0 else { return .unfinished }
                if state == .body { return .complete(used: place) }
                state = .chunkEnd
            case .statusLine, .headers, .chunkSize, .chunkEnd, .trailers:
                let rest = UnsafeRawBufferPointer(rebasing: bytes[place...])
                guard let end = rest.firstIndexOfNewline else {
                    guard line.count + rest.count <= Self.longestLine else { return .malformed }
                    line.append(contentsOf: rest)
                    return .unfinished
                }
                place += end + 1
                let whole = UnsafeRawBufferPointer(rebasing: rest[..<end])
                guard let isEnd = line.isEmpty ? take(whole) : takeJoined(whole) else { return .malformed }
                if isEnd { return .complete(used: place) }
            }
        }
        return .unfinished
    }

    /// Takes a line that came in pieces.
    private mutating func takeJoined(_ rest: UnsafeRawBufferPointer) -> Bool? {
        line.append(contentsOf: rest)
        let joined = line
        line.removeAll(keepingCapacity: true)
        return joined.withUnsafeBytes { take($0) }
    }

    /// Takes a line without its newline.
    ///
    /// - Returns: Whether the response ends with it; nil if it is malformed.
    private mutating func take(_ line: UnsafeRawBufferPointer) -> Bool? {
        let line = line.last == UInt8(ascii: "\r") ? UnsafeRawBufferPointer(rebasing: line.dropLast()) : line
        switch state {
        case .statusLine: return takeStatus(line) ? false : nil
        case .headers: return line.isEmpty ? endHeaders() : takeHeader(line) ? false : nil
        case .chunkSize:
            guard let size = Self.number(line.prefix { $0 != UInt8(ascii: ";") }, radix: 16) else { return nil }
            remaining = size
            state = size == 0 ? .trailers : .chunk
            return false
        case .chunkEnd:
            state = .chunkSize
            return line.isEmpty ? false : nil
        case .trailers: return line.isEmpty
        case .body, .chunk, .untilClose: return nil
        }
    }

    /// `HTTP/1.1 200 OK`
    private mutating func takeStatus(_ line: UnsafeRawBufferPointer) -> Bool {
        guard line.count >= 12, line.hasPrefix("http/1."), line[8] == UInt8(ascii: " "),
            let number = Self.number(line[9..<12], radix: 10), number >= 100
        else { return false }
        status = number
        closes = line[7] == UInt8(ascii: "0")
        state = .headers
        return true
    }

    private mutating func takeHeader(_ line: UnsafeRawBufferPointer) -> Bool {
        if line.hasPrefix("content-length:") {
            length = Self.number(line[15...].lazy.filter { $0 != 0x20 }, radix: 10)
            return length != nil
        }
        if line.hasPrefix("transfer-encoding:") {
            isChunked = line.hasSuffix("chunked")
        } else if line.hasPrefix("connection:") {
            if line.hasSuffix("close") { closes = true }
            if line.hasSuffix("keep-alive") { closes = false }
        }
        return true
    }

    private mutating func endHeaders() -> Bool {
        if status < 200 {
            // The response proper follows.
            state = .statusLine
            return false
        }
        if status == 204 || status == 304 { return true }
        if isChunked {
            state = .chunkSize
            return false
        }
        guard let length else {
            state = .untilClose
            closes = true
            return false
        }
        remaining = length
        state = .body
        return length == 0
    }

    /// A number of ASCII digits; nil for anything else, and for one that is too large.
    private static func number(_ digits: some Sequence<UInt8>, radix: Int) -> Int? {
        var number = 0
        var count = 0
        for byte in digits {
            guard let digit = value(of: byte), digit < radix, count < 15 else { return nil }
            number = number * radix + digit
            count += 1
        }
        return count > 0 ? number : nil
    }

    /// The value of a hexadecimal digit.
    private static func value(of byte: UInt8) -> Int? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(byte - UInt8(ascii: "a")) + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(byte - UInt8(ascii: "A")) + 10
        default: nil
        }
    }
}

extension UnsafeRawBufferPointer {
    fileprivate var firstIndexOfNewline: Int? {
        guard let start = baseAddress, let found = memchr(start, 0x0a, count) else { return nil }
        return UnsafeRawPointer(found) - start
    }

    private static func lower(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte + 32 : byte
    }

    /// Whether it begins with a word of lower-case letters, in any case.
    fileprivate func hasPrefix(_ word: StaticString) -> Bool {
        count >= word.utf8CodeUnitCount
            && (0..<word.utf8CodeUnitCount).allSatisfy { Self.lower(self[$0]) == word.utf8Start[$0] }
    }

    /// Whether it ends with a word of lower-case letters, in any case.
    fileprivate func hasSuffix(_ word: StaticString) -> Bool {
        let start = count - word.utf8CodeUnitCount
        return start >= 0
            && (0..<word.utf8CodeUnitCount).allSatisfy { Self.lower(self[start + $0]) == word.utf8Start[$0] }
    }
}
