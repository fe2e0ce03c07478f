internal import Glibc

/// A body of type `multipart/form-data` (RFC 7578), and its parts in place.
// Safety: the parts refer to the body, which outlives them; every place is found within it.
struct MultipartForm {
    struct Part {
        /// The field's name; nil if the part has none.
        fileprivate(set) var name: UnsafeRawBufferPointer?
        /// Whether its header says that it is a file.
        fileprivate(set) var hasFileName = false
        fileprivate(set) var content = UnsafeRawBufferPointer(start: nil, count: 0)

        func isNamed(_ name: String) -> Bool { self.name?.elementsEqual(name.utf8) ?? false }

        /// For messages.
        var shownName: String { name.map { String(decoding: $0.prefix(100), as: UTF8.self) } ?? "" }
    }

    /// The parts, at least one.
    let parts: [Part]

    private static let maxParts = 1000
    private static let maxHeaderBytes = 8 << 10
    private static let maxBoundaryBytes = 70

    /// - Throws: ``RequestError`` 400 for a body that is not a form, or has no parts, or more than 1000.
    init(_ body: UnsafeRawBufferPointer, contentType: UnsafeRawBufferPointer) throws(RequestError) {
        guard let boundary = FieldParameters(contentType)["boundary"],
            (1...Self.maxBoundaryBytes).contains(boundary.count)
        else { throw Self.malformed("its Content-Type has no boundary of 1 to \(Self.maxBoundaryBytes) bytes") }
        var reader = Reader(body: body, delimiter: Array("\r\n--".utf8) + boundary)
        try reader.skipPreamble()
        var parts: [Part] = []
        while try reader.beginPart() {
            guard parts.count < Self.maxParts else { throw Self.malformed("it has more than \(Self.maxParts) parts") }
            parts.append(try reader.readPart())
        }
        guard !parts.isEmpty else { throw Self.malformed("it has no parts") }
        self.parts = parts
    }

    private static func malformed(_ reason: String) -> RequestError { .badRequest("the body is not a form: \(reason)") }

    private struct Reader {
        let body: UnsafeRawBufferPointer
        /// The line end before a boundary belongs to it.
        let delimiter: [UInt8]
        /// The position, after a boundary except before ``skipPreamble()``.
        private var position = 0

        init(body: UnsafeRawBufferPointer, delimiter: [UInt8]) {
            self.body = body
            self.delimiter = delimiter
        }

        /// Advances past the first boundary. Text before it is ignored.
        mutating func skipPreamble() throws(RequestError) {
            let first = delimiter.dropFirst(2)
            if body.starts(with: first) {
                position = first.count
            } else if let place = find(delimiter, from: 0) {
                position = place + delimiter.count
            } else {
                throw malformed("the boundary of its Content-Type does not occur in it")
            }
        }

        /// Reads the bytes after a boundary: a line end before a part, two hyphens at the end.
        mutating func beginPart() throws(RequestError) -> Bool {
            let rest = body[position...]
            if rest.starts(with: "--".utf8) { return false }
            let space = rest.prefix { $0 == 0x20 || $0 == 0x09 }.count
            guard rest.dropFirst(space).starts(with: "\r\n".utf8) else {
                throw malformed("a boundary at byte \(position) does not end its line")
            }
            position += space + 2
            return true
        }

        /// Reads a part, and advances past the boundary that ends it.
        mutating func readPart() throws(RequestError) -> Part {
            var part = Part()
            var headerBytes = 0
            while true {
                guard let end = find(Array("\r\n".utf8), from: position) else {
                    throw malformed("it ends within the headers of a part")
                }
                let line = UnsafeRawBufferPointer(rebasing: body[position..<end])
                headerBytes += line.count
                guard headerBytes <= maxHeaderBytes else {
                    throw malformed("a part has more than \(maxHeaderBytes) bytes of headers")
                }
                position = end + 2
                guard !line.isEmpty else { break }
                try read(header: line, of: &part)
            }
            // Without content, the line end of the empty line belongs to the boundary.
            guard let end = find(delimiter, from: position - 2) else {
                throw malformed("a part has no closing boundary")
            }
            part.content = UnsafeRawBufferPointer(rebasing: body[position..<max(position, end)])
            position = end + delimiter.count
            return part
        }

        private func read(header line: UnsafeRawBufferPointer, of part: inout Part) throws(RequestError) {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else {
                throw malformed("a part has a header without a colon")
            }
            let name = UnsafeRawBufferPointer(rebasing: line[..<colon])
            let value = UnsafeRawBufferPointer(rebasing: line[(colon + 1)...])
            if FieldParameters.areEqual(name, "Content-Disposition") {
                let parameters = FieldParameters(value)
                part.name = parameters["name"]
                part.hasFileName = parameters["filename"] != nil || parameters["filename*"] != nil
            } else if FieldParameters.areEqual(name, "Content-Transfer-Encoding") {
                let encoding = FieldParameters(value).value
                let isPlain = ["binary", "8bit", "7bit"].contains { FieldParameters.areEqual(encoding, $0) }
                guard isPlain else {
                    let shown = String(decoding: encoding.prefix(40), as: UTF8.self)
                    throw malformed("a part has the Content-Transfer-Encoding \(shown): send its bytes unencoded")
                }
            }
        }

        /// The position of bytes that begin with a carriage return, of which most files contain few.
        private func find(_ bytes: [UInt8], from start: Int) -> Int? {
            guard let base = body.baseAddress, let first = bytes.first, start >= 0 else { return nil }
            var place = start
            while place <= body.count - bytes.count {
                guard let found = memchr(base + place, Int32(first), body.count - place) else { return nil }
                place = UnsafeRawPointer(found) - base
                guard place <= body.count - bytes.count else { return nil }
                if bytes.withUnsafeBytes({ $0.baseAddress.map { memcmp(base + place, $0, bytes.count) == 0 } ?? false })
                {
                    return place
                }
                place += 1
            }
            return nil
        }
    }
}

/// The value of a header field, and its parameters: `form-data; name="image"`.
// Safety: refers to the field, which outlives it; places are found within it.
struct FieldParameters {
    /// The text before the first semicolon, without surrounding spaces.
    let value: UnsafeRawBufferPointer
    private let rest: UnsafeRawBufferPointer

    init(_ field: UnsafeRawBufferPointer) {
        let end = field.firstIndex(of: UInt8(ascii: ";")) ?? field.count
        value = Self.trimmed(UnsafeRawBufferPointer(rebasing: field[..<end]))
        rest = UnsafeRawBufferPointer(rebasing: field[end...])
    }

    /// The value of a parameter, without its quotes; nil if there is none. Backslashes are kept.
    subscript(name: StaticString) -> UnsafeRawBufferPointer? {
        var position = 0
        while position < rest.count {
            // At a semicolon.
            position += 1
            let start = position
            while position < rest.count, rest[position] != UInt8(ascii: "="), rest[position] != UInt8(ascii: ";") {
                position += 1
            }
            let key = Self.trimmed(UnsafeRawBufferPointer(rebasing: rest[start..<position]))
            guard position < rest.count, rest[position] == UInt8(ascii: "=") else { continue }
            position += 1
            let value = readValue(&position)
            if Self.areEqual(key, name) { return value }
        }
        return nil
    }

    /// Reads a token or a quoted string, up to the next semicolon.
    private func readValue(_ position: inout Int) -> UnsafeRawBufferPointer {
        while position < rest.count, rest[position] == 0x20 || rest[position] == 0x09 { position += 1 }
        let start = position
        if position < rest.count, rest[position] == UInt8(ascii: "\"") {
            position += 1
            while position < rest.count, rest[position] != UInt8(ascii: "\"") {
                position += rest[position] == UInt8(ascii: "\\") ? 2 : 1
            }
            let end = min(position, rest.count)
            position = end
            while position < rest.count, rest[position] != UInt8(ascii: ";") { position += 1 }
            return UnsafeRawBufferPointer(rebasing: rest[min(start + 1, end)..<end])
        }
        while position < rest.count, rest[position] != UInt8(ascii: ";") { position += 1 }
        return Self.trimmed(UnsafeRawBufferPointer(rebasing: rest[start..<position]))
    }

    private static func trimmed(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let start = bytes.firstIndex { $0 != 0x20 && $0 != 0x09 } ?? bytes.count
        let end = bytes.lastIndex { $0 != 0x20 && $0 != 0x09 }.map { $0 + 1 } ?? start
        return UnsafeRawBufferPointer(rebasing: bytes[start..<end])
    }

    /// Whether texts are equal, ignoring case.
    static func areEqual(_ bytes: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
        guard bytes.count == text.utf8CodeUnitCount else { return false }
        return bytes.indices.allSatisfy { index in
            let byte = bytes[index]
            let other = text.utf8Start[index]
            func lower(_ byte: UInt8) -> UInt8 { (65...90).contains(byte) ? byte | 0x20 : byte }
            return lower(byte) == lower(other)
        }
    }
}
