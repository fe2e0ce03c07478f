internal import CJSON

/// Reads the numbers of a JSON text: each the nearest double, or an integer of 64 bits if it has neither point nor exponent.
enum JSONNumber {
    /// Any integer of this many digits fits in 64 bits with a sign.
    private static let safeIntegerDigits = 18
    /// Any number of this many digits fits in 64 bits without a sign.
    private static let safeDigits = 19
    /// No larger exponent makes a difference.
    private static let largestExponent = 100_000

    /// Reads a number, and writes its two words of the tape.
    ///
    /// - Parameters:
    ///   - start: Its sign or first digit.
    ///   - end: The end of the text.
    ///   - words: The place of the words.
    /// - Returns: The position behind it.
    /// - Throws: ``JSONTape/Fault`` for a malformed number, one that is too large for a double, and an integer of more than 64 bits.
    @inline(__always)
    static func read(
        _ start: JSONTape.Position, _ end: JSONTape.Position, to words: UnsafeMutablePointer<UInt64>
    ) throws(JSONTape.Fault) -> JSONTape.Position {
        let isNegative = start.pointee == UInt8(ascii: "-")
        let first = isNegative ? start + 1 : start
        var position = first
        var digits: UInt64 = 0
        readDigits(&position, end, &digits)
        guard position > first, first.pointee != UInt8(ascii: "0") || position == first + 1 else { throw .malformed }
        var digitCount = position - first
        guard position < end, isFraction(position.pointee) else {
            guard digitCount <= safeIntegerDigits else {
                return try readInteger(first, position, isNegative, to: words)
            }
            words[0] = UInt64(JSONValue.Kind.int64.rawValue) << 56
            words[1] = isNegative ? 0 &- digits : digits
            return position
        }
        var exponent = 0
        if position.pointee == UInt8(ascii: ".") {
            position += 1
            let fraction = position
            while end - position >= 8 {
                let bytes = UInt64(littleEndian: UnsafeRawPointer(position).loadUnaligned(as: UInt64.self))
                guard areDigits(bytes) else { break }
                digits = digits &* 100_000_000 &+ value(of: bytes)
                position += 8
            }
            readDigits(&position, end, &digits)
            guard position > fraction else { throw .malformed }
            exponent = fraction - position
            digitCount -= exponent
        }
        if position < end, position.pointee | 0x20 == UInt8(ascii: "e") {
            exponent += try readExponent(&position, end)
        }
        var number = 0.0
        if digitCount > safeDigits || digits != 0 && !cjson_double(digits, Int64(exponent), &number) {
            guard cjson_read_double(first, position - first, &number) else { throw .malformed }
        }
        words[0] = UInt64(JSONValue.Kind.double.rawValue) << 56
        words[1] = number.bitPattern | (isNegative ? 1 << 63 : 0)
        return position
    }

    @inline(__always)
    private static func readDigits(
        _ position: inout JSONTape.Position, _ end: JSONTape.Position, _ digits: inout UInt64
    ) {
        while position < end {
            let digit = position.pointee &- UInt8(ascii: "0")
            guard digit < 10 else { break }
            digits = digits &* 10 &+ UInt64(digit)
            position += 1
        }
    }

    @inline(__always)
    private static func isFraction(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ".") || byte | 0x20 == UInt8(ascii: "e")
    }

    /// Reads an exponent from its letter on.
    private static func readExponent(
        _ position: inout JSONTape.Position, _ end: JSONTape.Position
    ) throws(JSONTape.Fault) -> Int {
        position += 1
        var isNegative = false
        if position < end, position.pointee == UInt8(ascii: "-") || position.pointee == UInt8(ascii: "+") {
            isNegative = position.pointee == UInt8(ascii: "-")
            position += 1
        }
        let start = position
        var exponent = 0
        while position < end {
            let digit = position.pointee &- UInt8(ascii: "0")
            guard digit < 10 else { break }
            exponent = min(exponent * 10 + Int(digit), largestExponent)
            position += 1
        }
        guard position > start else { throw .malformed }
        return isNegative ? -exponent : exponent
    }

    /// Reads an integer of many digits.
    private static func readInteger(
        _ start: JSONTape.Position, _ end: JSONTape.Position, _ isNegative: Bool, to words: UnsafeMutablePointer<UInt64>
    ) throws(JSONTape.Fault) -> JSONTape.Position {
        var magnitude: UInt64 = 0
        for byte in UnsafeBufferPointer(start: start, count: end - start) {
            let (tenfold, isTooMuch) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, isStill) = tenfold.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
            guard !isTooMuch, !isStill else { throw .malformed }
            magnitude = sum
        }
        let limit = UInt64(Int64.max) + (isNegative ? 1 : 0)
        guard magnitude <= limit || !isNegative else { throw .malformed }
        let kind: JSONValue.Kind = magnitude <= limit ? .int64 : .uint64
        words[0] = UInt64(kind.rawValue) << 56
        words[1] = isNegative ? 0 &- magnitude : magnitude
        return end
    }

    /// Whether eight bytes are digits.
    @inline(__always)
    private static func areDigits(_ bytes: UInt64) -> Bool {
        let high: UInt64 = 0xf0f0_f0f0_f0f0_f0f0
        return (bytes & high) | (((bytes &+ 0x0606_0606_0606_0606) & high) >> 4) == 0x3333_3333_3333_3333
    }

    /// The value of eight digits, the first in the lowest byte: neighbours are joined to pairs, pairs to fours, and these to the number.
    @inline(__always)
    private static func value(of bytes: UInt64) -> UInt64 {
        let digits = bytes &- 0x3030_3030_3030_3030
        let pairs = (digits &* 10) &+ (digits >> 8)
        let mask: UInt64 = 0x0000_00ff_0000_00ff
        return ((pairs & mask) &* 0x000f_4240_0000_0064 &+ ((pairs >> 16) & mask) &* 0x0000_2710_0000_0001) >> 32
    }
}
