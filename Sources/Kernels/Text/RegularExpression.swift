internal import CRegex

/// A compiled regular expression, as RE2 understands it.
// Safety: RE2 objects may be used by many threads at once; the handle is made in `init` and freed in `deinit` only.
package final class RegularExpression: @unchecked Sendable {
    private let handle: OpaquePointer

    /// Why a pattern was refused.
    package struct Refusal: Error {
        /// In RE2's words.
        package let reason: String
        /// Whether the pattern might do with more room.
        package let isTooLarge: Bool
    }

    /// How much memory an expression may take: for its program, for that of matches from the end, and for what matching keeps.
    package enum Room: Int, CaseIterable, Sendable {
        case small = 1
        case large = 8

        /// What RE2 is told, which it heeds for each of two programs.
        fileprivate var budgetBytes: Int { rawValue << 20 }
        /// The most that is taken, as measured, besides what it takes to read the pattern.
        package var byteCount: Int { self == .small ? 2 << 20 : 40 << 20 }
    }

    /// The most that it takes to read a pattern, as measured: a class of characters may be a thousand ranges, and ``\w`` is some.
    package static func readingBytes(_ pattern: UnsafeBufferPointer<UInt8>) -> Int {
        var result = 0
        var last: UInt8 = 0
        for byte in pattern {
            let isEscape = last == UInt8(ascii: "\\")
            let isClass = byte == UInt8(ascii: "[") || isEscape && (byte | 0x20) == UInt8(ascii: "p")
            result += isClass ? 32 << 10 : isEscape ? 512 : 64
            last = byte
        }
        return result
    }

    /// - Throws: ``Refusal`` where the pattern is none.
    package init(_ pattern: UnsafeBufferPointer<UInt8>, _ room: Room = .large) throws(Refusal) {
        guard let handle = cregex_create(pattern.baseAddress, pattern.count, Int64(room.budgetBytes)) else {
            throw Refusal(reason: "not enough memory", isTooLarge: false)
        }
        self.handle = handle
        if let error = cregex_error(handle) {
            throw Refusal(reason: String(cString: error), isTooLarge: cregex_is_too_large(handle))
        }
    }

    deinit { cregex_destroy(handle) }

    /// Whether the pattern matches all of the text.
    package func matchesAll(of text: UnsafeBufferPointer<UInt8>) -> Bool {
        cregex_matches_all(handle, text.baseAddress, text.count)
    }

    /// Writes the text with the first match, or each one, rewritten (`\1` is what the first group matched).
    ///
    /// - Parameters:
    ///   - text: What is looked through.
    ///   - rewrite: What matches become.
    ///   - all: Whether each match is rewritten.
    ///   - output: Gets the result, as far as it has room for it.
    ///   - isOver: Asked now and then whether to stop.
    /// - Returns: How many bytes the result has, which may be more than there is room for; nil where it was stopped.
    package func replace(
        in text: UnsafeBufferPointer<UInt8>, with rewrite: UnsafeBufferPointer<UInt8>, all: Bool,
        into output: UnsafeMutableBufferPointer<UInt8>, isOver: () -> Bool
    ) -> Int? {
        withoutActuallyEscaping(isOver) { isOver in
            // Safety: the library calls back during this call only.
            withUnsafePointer(to: isOver) { context in
                let count = cregex_replace(
                    handle, text.baseAddress, text.count, rewrite.baseAddress, rewrite.count, all, output.baseAddress,
                    output.count, { $0?.assumingMemoryBound(to: (() -> Bool).self).pointee() ?? false }, context)
                return count == .max ? nil : Int(count)
            }
        }
    }
}
