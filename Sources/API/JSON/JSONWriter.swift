internal import CJSON
internal import HTTPMessages

/// Writes JSON, piece by piece, without a tree.
struct JSONWriter {
    private let buffer: ResponseBuffer
    /// Whether the next element of the open list or object needs a comma before it.
    private var needsComma = false

    /// The longest text of a number.
    private static let numberBytes = 40

    init(_ buffer: ResponseBuffer) { self.buffer = buffer }

    mutating func beginObject() { open(UInt8(ascii: "{")) }
    mutating func endObject() { close(UInt8(ascii: "}")) }
    /// Writes an object. `body` writes its pairs.
    mutating func object(_ body: (inout JSONWriter) -> Void) {
        beginObject()
        body(&self)
        endObject()
    }

    mutating func beginList() { open(UInt8(ascii: "[")) }
    mutating func endList() { close(UInt8(ascii: "]")) }

    /// Writes an object's key. Its value must follow.
    mutating func key(_ name: String) {
        string(name)
        colon()
    }

    /// Writes a key that is already escaped and quoted.
    mutating func key(escaped: [UInt8]) {
        separate()
        escaped.withUnsafeBytes { buffer.append($0) }
        colon()
    }

    private mutating func colon() {
        buffer.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// Writes a word that is not JSON.
    mutating func token(_ word: StaticString) { raw(word) }

    mutating func null() { raw("null") }

    mutating func bool(_ value: Bool) { raw(value ? "true" : "false") }

    /// Writes an integer.
    mutating func integer(_ value: some FixedWidthInteger) {
        separate()
        guard let room = buffer.reserve(Self.numberBytes) else { return }
        buffer.commit(Self.digits(of: value, at: room.assumingMemoryBound(to: UInt8.self)))
    }

    /// Writes a finite number in its shortest exact form.
    mutating func number(_ value: Float) {
        separate()
        guard let room = buffer.reserve(Self.numberBytes) else { return }
        let text = room.assumingMemoryBound(to: CChar.self)
        buffer.commit(Self.withPoint(text, cjson_format_float(value, text)))
    }

    /// Writes a finite number in its shortest exact form.
    mutating func number(_ value: Double) {
        separate()
        guard let room = buffer.reserve(Self.numberBytes) else { return }
        let text = room.assumingMemoryBound(to: CChar.self)
        buffer.commit(Self.withPoint(text, cjson_format_double(value, text)))
    }

    /// Writes a string.
    mutating func string(_ text: String) {
        var text = text
        text.withUTF8 { string($0) }
    }

    /// Writes a string of UTF-8 bytes.
    mutating func string(_ bytes: UnsafeBufferPointer<UInt8>) {
        separate()
        buffer.append(UInt8(ascii: "\""))
        var start = 0
        for (index, byte) in bytes.enumerated()
        where byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
            buffer.append(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[start..<index])))
            escape(byte)
            start = index + 1
        }
        buffer.append(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[start...])))
        buffer.append(UInt8(ascii: "\""))
    }

    /// Writes a value that is already JSON.
    mutating func json(_ bytes: [UInt8]) {
        separate()
        bytes.withUnsafeBytes { buffer.append($0) }
    }

    private mutating func raw(_ text: StaticString) {
        separate()
        buffer.append(text)
    }

    private mutating func separate() {
        if needsComma { buffer.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    private mutating func open(_ bracket: UInt8) {
        separate()
        buffer.append(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        buffer.append(bracket)
        needsComma = true
    }

    private func escape(_ byte: UInt8) {
        buffer.append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\n"): buffer.append(UInt8(ascii: "n"))
        case UInt8(ascii: "\r"): buffer.append(UInt8(ascii: "r"))
        case UInt8(ascii: "\t"): buffer.append(UInt8(ascii: "t"))
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): buffer.append(byte)
        default:
            buffer.append("u00")
            buffer.append(Hexadecimal.digit(byte >> 4))
            buffer.append(Hexadecimal.digit(byte & 15))
        }
    }

    /// Adds a point to a number that looks like an integer, so that it stays a float for the reader.
    private static func withPoint(_ text: UnsafeMutablePointer<CChar>, _ count: Int) -> Int {
        for index in 0..<count {
            switch UInt8(bitPattern: text[index]) {
            case UInt8(ascii: "."), UInt8(ascii: "e"): return count
            default: continue
            }
        }
        text[count] = CChar(bitPattern: UInt8(ascii: "."))
        text[count + 1] = CChar(bitPattern: UInt8(ascii: "0"))
        return count + 2
    }

    private static func digits<Value: FixedWidthInteger>(of value: Value, at text: UnsafeMutablePointer<UInt8>) -> Int {
        var magnitude = UInt64(truncatingIfNeeded: value.magnitude)
        var count = 0
        repeat {
            text[count] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: magnitude % 10)
            magnitude /= 10
            count += 1
        } while magnitude > 0
        if value < 0 {
            text[count] = UInt8(ascii: "-")
            count += 1
        }
        var written = UnsafeMutableBufferPointer(start: text, count: count)[...]
        written.reverse()
        return count
    }
}
