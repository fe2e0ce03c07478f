internal import HTTPMessages
internal import Memory

/// Reads a JSON text (RFC 8259) in one pass, without a tree.
///
/// The tape has a word for each item in the order of the text, with the item's type in the highest byte: see ``JSONValue``. Strings are beside
/// it, each after four bytes of its length. The memory is kept from text to text.
// Safety: the text is read only before its end, and at most HTTPRequest.bodyPadding bytes behind it, where every number and string is checked to
// end before the text does; the tape and the strings are written only where makeRoom(_:) has made room.
final class JSONTape {
    /// The reason why a text cannot be read.
    enum Fault: Error {
        case withoutMemory, tooDeep, notUTF8, malformed
    }

    private let tapeMemory: ResponseBuffer
    private let stringMemory: ResponseBuffer

    typealias Position = UnsafePointer<UInt8>

    /// - Parameter account: The account that counts the memory; nil for none.
    init(_ account: MemoryAccount?) {
        tapeMemory = ResponseBuffer(account, for: .requests)
        stringMemory = ResponseBuffer(account, for: .requests)
    }

    /// Frees memory after a long text. What was read becomes invalid.
    func reset() {
        tapeMemory.clear()
        stringMemory.clear()
    }

    /// The reason why the account had no memory for the last text.
    var refusal: MemoryRefusal? { tapeMemory.refusal ?? stringMemory.refusal }

    /// Reads a text. ``HTTPRequest/bodyPadding`` more bytes must be readable after it.
    ///
    /// - Returns: The root, valid until the next call.
    /// - Throws: ``Fault``, not necessarily the first one.
    func read(_ text: UnsafeRawBufferPointer) throws(Fault) -> JSONValue {
        guard let start = text.assumingMemoryBound(to: UInt8.self).baseAddress else { throw .malformed }
        reset()
        var tape = Growing<UInt64>(tapeMemory)
        var strings = Growing<UInt8>(stringMemory)
        try Self.read(start, start + text.count, &tape, &strings)
        return JSONValue(tape: UnsafePointer(tape.base), strings: strings.base, index: 0)
    }

    /// Memory that is extended while it is written.
    struct Growing<Element> {
        private let memory: ResponseBuffer
        private(set) var base: UnsafeMutablePointer<Element>
        /// The number of written elements.
        var count = 0
        private var capacity = 0

        init(_ memory: ResponseBuffer) {
            self.memory = memory
            // Not used before there is room.
            base = UnsafeMutablePointer(bitPattern: MemoryLayout<Element>.alignment).unsafelyUnwrapped
        }

        @inline(__always)
        mutating func makeRoom(_ more: Int) throws(Fault) { if count + more > capacity { try grow(more) } }

        @inline(never)
        private mutating func grow(_ more: Int) throws(Fault) {
            let wanted = max(count + more, capacity + capacity / 2, 128)
            // The memory has no bytes of its own count, so this returns its beginning.
            guard let room = memory.reserve(wanted * MemoryLayout<Element>.stride) else { throw .withoutMemory }
            base = room.bindMemory(to: Element.self, capacity: wanted)
            capacity = wanted
        }
    }

    /// The list or object that is being read.
    private struct Container {
        /// The place of its first word, where the container around it is noted meanwhile.
        var start = 0
        var isObject = false
        /// The number of its elements, or pairs.
        var count = 0
        var depth = 0

        private static let objectBit: UInt64 = 1 << 63

        /// The container in a word, without its depth.
        var word: UInt64 { UInt64(start) | UInt64(count) << 32 | (isObject ? Self.objectBit : 0) }

        init() {}

        init(_ word: UInt64, depth: Int) {
            start = Int(word & 0xffff_ffff)
            count = Int(word >> 32 & 0x7fff_ffff)
            isObject = word & Self.objectBit != 0
            self.depth = depth
        }

        /// The byte that ends it.
        var end: UInt8 { isObject ? UInt8(ascii: "}") : UInt8(ascii: "]") }
    }

    private static func read(
        _ start: Position, _ end: Position, _ tape: inout Growing<UInt64>, _ strings: inout Growing<UInt8>
    ) throws(Fault) {
        var current = Container()
        var position = start
        while true {
            position = skipSpace(position, end)
            guard position < end else { throw .malformed }
            try tape.makeRoom(4)
            let byte = position.pointee
            switch byte {
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                position = try JSONNumber.read(position, end, to: tape.base + tape.count)
                tape.count += 2
            case UInt8(ascii: "\""): position = try string(position, end, &tape, &strings)
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                guard current.depth < JSONParser.deepestNesting - 1 else { throw .tooDeep }
                tape.base[tape.count] = current.word
                current = Container(UInt64(tape.count), depth: current.depth + 1)
                current.isObject = byte == UInt8(ascii: "{")
                tape.count += 1
                position = skipSpace(position + 1, end)
                guard position < end else { throw .malformed }
                if position.pointee != current.end {
                    if current.isObject { position = try key(position, end, &tape, &strings) }
                    continue
                }
                position += 1
                close(&current, &tape)
            default:
                position = try literal(position, end, to: tape.base + tape.count)
                tape.count += 1
            }
            // A value has ended, and perhaps containers with it.
            while true {
                position = skipSpace(position, end)
                guard current.depth > 0 else {
                    guard position == end else { throw .malformed }
                    return
                }
                guard position < end else { throw .malformed }
                current.count += 1
                let byte = position.pointee
                position += 1
                if byte == UInt8(ascii: ",") { break }
                guard byte == current.end else { throw .malformed }
                try tape.makeRoom(1)
                close(&current, &tape)
            }
            guard current.isObject else { continue }
            position = try key(skipSpace(position, end), end, &tape, &strings)
        }
    }

    /// Ends a container, and returns to the one around it.
    private static func close(_ current: inout Container, _ tape: inout Growing<UInt64>) {
        let outer = tape.base[current.start]
        let kind: JSONValue.Kind = current.isObject ? .object : .list
        tape.base[tape.count] = UInt64(current.end) << 56
        tape.count += 1
        tape.base[current.start] =
            UInt64(kind.rawValue) << 56 | UInt64(min(current.count, JSONValue.saturatedCount)) << 32
            | UInt64(tape.count)
        current = Container(outer, depth: current.depth - 1)
    }

    @inline(__always)
    private static func skipSpace(_ start: Position, _ end: Position) -> Position {
        var position = start
        while position.pointee <= 0x20, position < end, isSpace(position.pointee) { position += 1 }
        return position
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 }

    /// Reads a key and its colon.
    private static func key(
        _ start: Position, _ end: Position, _ tape: inout Growing<UInt64>, _ strings: inout Growing<UInt8>
    ) throws(Fault) -> Position {
        guard start < end, start.pointee == UInt8(ascii: "\"") else { throw .malformed }
        try tape.makeRoom(1)
        let position = skipSpace(try string(start, end, &tape, &strings), end)
        guard position < end, position.pointee == UInt8(ascii: ":") else { throw .malformed }
        return position + 1
    }

    private static func literal(
        _ start: Position, _ end: Position, to word: UnsafeMutablePointer<UInt64>
    ) throws(Fault) -> Position {
        let (kind, name): (JSONValue.Kind, StaticString) =
            switch start.pointee {
            case UInt8(ascii: "t"): (.truth, "true")
            case UInt8(ascii: "f"): (.falsehood, "false")
            case UInt8(ascii: "n"): (.null, "null")
            default: throw .malformed
            }
        let count = name.utf8CodeUnitCount
        guard count <= end - start, (0..<count).allSatisfy({ start[$0] == name.utf8Start[$0] }) else {
            throw .malformed
        }
        word.pointee = UInt64(kind.rawValue) << 56
        return start + count
    }

    /// Reads a string, and notes it on the tape.
    private static func string(
        _ start: Position, _ end: Position, _ tape: inout Growing<UInt64>, _ strings: inout Growing<UInt8>
    ) throws(Fault) -> Position {
        let offset = strings.count
        let lengthBytes = MemoryLayout<UInt32>.size
        try strings.makeRoom(lengthBytes)
        strings.count += lengthBytes
        let position = try JSONString.read(start + 1, end, to: &strings)
        let count = UInt32(truncatingIfNeeded: strings.count - offset - lengthBytes)
        UnsafeMutableRawPointer(strings.base + offset).storeBytes(of: count, as: UInt32.self)
        tape.base[tape.count] = UInt64(JSONValue.Kind.string.rawValue) << 56 | UInt64(offset)
        tape.count += 1
        return position
    }
}
