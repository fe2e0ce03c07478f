internal import HTTPMessages

/// The supported codings of compressed bodies.
enum ContentCoding: Int, CaseIterable, Sendable {
    // The first one is preferred among equals.
    case zstd, gzip, deflate

    var name: StaticString {
        switch self {
        case .zstd: "zstd"
        case .gzip: "gzip"
        case .deflate: "deflate"
        }
    }

    /// The coding of a request's body; nil if it is not compressed.
    ///
    /// - Throws: ``RequestError`` 415 with the supported codings.
    static func ofBody(_ header: UnsafeRawBufferPointer?) throws(RequestError) -> ContentCoding? {
        guard let header else { return nil }
        let name = trimmed(header[...])
        if name.isEmpty || isWord(name, "identity") { return nil }
        if let coding = named(name) { return coding }
        let known = allCases.map { "\($0.name)" }.joined(separator: ", ")
        throw RequestError(
            415,
            "the Content-Encoding \(String(decoding: name.prefix(100), as: UTF8.self)) is not supported: send "
                + "one of \(known), or none",
            headers: [("Accept-Encoding", known)])
    }

    /// The best coding that a client accepts; nil for none.
    static func best(in header: UnsafeRawBufferPointer) -> ContentCoding? {
        var qualities = InlineArray<3, Int?>(repeating: nil)
        var others = 0
        for part in header.split(separator: UInt8(ascii: ",")) {
            let fields = part.split(separator: UInt8(ascii: ";"), maxSplits: 1)
            guard let field = fields.first else { continue }
            let quality = fields.count > 1 ? Self.quality(trimmed(fields[1])) : 1000
            let name = trimmed(field)
            if isWord(name, "*") {
                others = quality
            } else if let coding = named(name) {
                qualities[coding.rawValue] = quality
            }
        }
        var best: (coding: ContentCoding, quality: Int)?
        for coding in allCases {
            let quality = qualities[coding.rawValue] ?? others
            if quality > (best?.quality ?? 0) { best = (coding, quality) }
        }
        return best?.coding
    }

    private static func named(_ name: Slice<UnsafeRawBufferPointer>) -> ContentCoding? {
        if isWord(name, "x-gzip") { return .gzip }
        return allCases.first { isWord(name, $0.name) }
    }

    /// The quality `q=0.5` in thousandths. An invalid quality counts as 0.
    private static func quality(_ text: Slice<UnsafeRawBufferPointer>) -> Int {
        guard text.count >= 3, (text[text.startIndex] | 0x20) == UInt8(ascii: "q"),
            text[text.startIndex + 1] == UInt8(ascii: "=")
        else { return 0 }
        var value = 0
        var digits = 0
        var hasPoint = false
        for byte in text.dropFirst(2).prefix(5) {
            if byte == UInt8(ascii: "."), !hasPoint {
                hasPoint = true
            } else if (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
                value = value * 10 + Int(byte - UInt8(ascii: "0"))
                if hasPoint { digits += 1 }
            } else {
                return 0
            }
        }
        for _ in digits..<max(3, digits) { value *= 10 }
        return min(value, 1000)
    }

    private static func trimmed(_ bytes: Slice<UnsafeRawBufferPointer>) -> Slice<UnsafeRawBufferPointer> {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
        var bytes = bytes.drop(while: isBlank)
        while let last = bytes.last, isBlank(last) { bytes.removeLast() }
        return bytes
    }

    private static func isWord(_ bytes: Slice<UnsafeRawBufferPointer>, _ word: StaticString) -> Bool {
        guard bytes.count == word.utf8CodeUnitCount else { return false }
        return zip(bytes, UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
            .allSatisfy { ((0x41...0x5a).contains($0) ? $0 | 0x20 : $0) == $1 }
    }
}
