import HTTPMessages

@testable import HTTPServer

/// A request's first line and headers, in the form in which libmicrohttpd leaves them. The first byte is the number of headers that it
/// counted.
struct HeadReader: FuzzReader {
    static let name = "head"
    static let words = Seeds.words(
        "\r\n", ": ", "HTTP/1.1", "http://", "https://", "Transfer-Encoding", "\r", "\n ", "\t")

    static func seeds() throws -> [[UInt8]] {
        let requests = [
            "POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n",
            "GET http://host/path?query HTTP/1.1\r\nHost: host\r\n\r\n",
            "GET https://host HTTP/1.0\r\nA:b\r\nC : d\r\n folded\r\n\r\n",
        ]
        return requests.enumerated().map { [UInt8($0 + 1)] + Array($1.utf8) }
    }

    init() throws {}

    func read(_ bytes: UnsafeRawBufferPointer) {
        var parts = InputParts(bytes)
        let headerCount = parts.choice(8)
        var head = Array(parts.rest)
        guard let first = head.split(separator: 0x0d, maxSplits: 1).first, !first.contains(0), !first.isEmpty else {
            return
        }
        let words = first.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        let version = words.count == 3 ? words[2].startIndex : first.endIndex
        if words.count == 3 {
            head[words[1].startIndex..<words[1].endIndex].withUnsafeBytes { _ = RequestTarget.path(of: $0) }
        }
        // Line ends and the first colon of each line become zeros.
        var isName = false
        for index in head.indices {
            if head[index] == 0x0d, index + 1 < head.count, head[index + 1] == 0x0a {
                head[index] = 0
                head[index + 1] = 0
                isName = true
            } else if isName, head[index] == UInt8(ascii: ":") {
                head[index] = 0
                isName = false
            }
        }
        // The server's memory continues after the head.
        let count = head.count
        head.append(0)
        head.withUnsafeBufferPointer { memory in
            memory.withMemoryRebound(to: CChar.self) { memory in
                guard let start = memory.baseAddress else { return }
                let head = RequestHead(method: start, version: start + version, byteCount: count)
                _ = head?.isWellFormed(headerCount: headerCount)
            }
        }
    }
}
