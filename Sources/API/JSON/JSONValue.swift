internal import CJSON
internal import Glibc

/// A value in a parsed document: a position on simdjson's tape.
///
/// A word of the tape has its type in the highest byte and a payload in the others: for a list or object the index after its end and,
/// above that, the number of its elements; for a string its offset among the strings. A number is in the next word.
// Safety: made by JSONParser over a tape that simdjson has checked: types, ends and places are consistent. Valid until the
// parser parses again.
struct JSONValue {
    private let tape: UnsafePointer<UInt64>
    private let strings: UnsafeMutablePointer<UInt8>
    let index: Int

    enum Kind: UInt8 {
        case object = 0x7b
        case list = 0x5b
        case string = 0x22
        case int64 = 0x6c
        case uint64 = 0x75
        case double = 0x64
        case truth = 0x74
        case falsehood = 0x66
        case null = 0x6e
    }

    /// The largest count that the tape can store. The actual count may be larger.
    private static let saturatedCount = 0xff_ffff
    private static let excerptBytes = 200

    init(tape: UnsafePointer<UInt64>, strings: UnsafeMutablePointer<UInt8>, index: Int) {
        self.tape = tape
        self.strings = strings
        self.index = index
    }

    private var word: UInt64 { tape[index] }

    var kind: Kind { Kind(rawValue: UInt8(truncatingIfNeeded: word >> 56)) ?? .null }

    /// Whether the value has that kind. Cheaper than comparing ``kind``.
    @inline(__always)
    func isOf(_ kind: Kind) -> Bool { word >> 56 == UInt64(kind.rawValue) }

    /// The value after this one.
    var next: JSONValue {
        if isOf(.double) || isOf(.int64) || isOf(.uint64) { return at(index + 2) }
        return isOf(.list) || isOf(.object) ? at(Int(word & 0xffff_ffff)) : at(index + 1)
    }

    /// The first element of a list or object; its end if it is empty.
    var first: JSONValue { at(index + 1) }

    /// The end of a list or object: ``next`` of its last element.
    var endIndex: Int { Int(word & 0xffff_ffff) - 1 }

    /// The number of elements of a list, or of pairs of an object.
    var count: Int {
        let count = Int((word >> 32) & 0xff_ffff)
        guard count == Self.saturatedCount else { return count }
        var element = first
        var result = 0
        while element.index < endIndex {
            element = element.next
            result += 1
        }
        return kind == .object ? result / 2 : result
    }

    /// The number of words of the value, which is larger than its number of elements.
    var extent: Int { next.index - index }

    var int64: Int64 { Int64(bitPattern: tape[index + 1]) }
    var uint64: UInt64 { tape[index + 1] }
    var double: Double { Double(bitPattern: tape[index + 1]) }

    /// Converts this element of a list and those after it to float32, as long as they are numbers of at most 63 bits that stay finite.
    ///
    /// - Parameters:
    ///   - end: The end of the list.
    ///   - next: The place of this element, with room for all of the list; afterwards that of the first other one.
    /// - Returns: The first other element, or the end.
    func copyFloats(before end: Int, to next: inout UnsafeMutablePointer<Float>) -> JSONValue {
        let stop = cjson_copy_floats(tape, index, end, next)
        next += (stop - index) / 2
        return at(stop)
    }

    /// The same for elements that are lists of `size` such numbers each.
    func copyFloatRows(of size: Int, before end: Int, to next: inout UnsafeMutablePointer<Float>) -> JSONValue {
        let stop = cjson_copy_float_rows(tape, index, end, size, next)
        next += (stop - index) / (2 * size + 2) * size
        return at(stop)
    }

    /// The bytes of a string. They may be changed in place, but not become longer.
    var string: UnsafeMutableBufferPointer<UInt8> {
        let start = strings + Int(word & 0xff_ffff_ffff_ffff)
        let count = UnsafeRawPointer(start).loadUnaligned(as: UInt32.self)
        return UnsafeMutableBufferPointer(start: start + 4, count: Int(count))
    }

    /// The string as text. JSON's strings are UTF-8.
    var text: String { String(decoding: string, as: UTF8.self) }

    /// The string's beginning, for messages.
    var excerpt: String {
        let bytes = string
        guard bytes.count > Self.excerptBytes else { return text }
        return String(decoding: bytes.prefix(Self.excerptBytes), as: UTF8.self) + "..."
    }

    /// A number as text, another value by its kind; for messages.
    var shown: String {
        switch kind {
        case .int64: "\(int64)"
        case .uint64: "\(uint64)"
        case .double: "\(double)"
        default: kindName
        }
    }

    /// Whether it is a string with these bytes.
    func equals(_ other: [UInt8]) -> Bool {
        guard isOf(.string) else { return false }
        let mine = string
        guard mine.count == other.count else { return false }
        return other.withUnsafeBytes { bytes in
            guard let left = bytes.baseAddress, let right = mine.baseAddress else { return true }
            return memcmp(left, right, bytes.count) == 0
        }
    }

    /// Whether it is a string with these bytes.
    func equals(_ other: some Collection<UInt8>) -> Bool {
        kind == .string && string.count == other.count && string.elementsEqual(other)
    }

    /// Whether it is that string.
    func equals(_ other: StaticString) -> Bool {
        guard kind == .string else { return false }
        let mine = string
        return mine.count == other.utf8CodeUnitCount
            && (0..<mine.count).allSatisfy { mine[$0] == other.utf8Start[$0] }
    }

    /// The kind, for messages.
    var kindName: String {
        switch kind {
        case .object: "an object"
        case .list: "a list"
        case .string: "a string"
        case .int64, .uint64, .double: "a number"
        case .truth, .falsehood: "a boolean"
        case .null: "null"
        }
    }

    private func at(_ index: Int) -> JSONValue { JSONValue(tape: tape, strings: strings, index: index) }
}
