internal import CRegex

/// A compiled regular expression, as RE2 understands it.
// Safety: RE2 objects may be used by many threads at once; the handle is made in `init` and freed in `deinit` only.
package final class RegularExpression: @unchecked Sendable {
    private let handle: OpaquePointer

    /// Why a pattern was refused.
    package struct Refusal: Error {
        /// In RE2's words.
        package let reason: String
    }

    /// - Throws: ``Refusal`` where the pattern is none.
    package init(_ pattern: [UInt8]) throws(Refusal) {
        guard let handle = cregex_create(pattern, pattern.count) else { throw Refusal(reason: "not enough memory") }
        self.handle = handle
        if let error = cregex_error(handle) { throw Refusal(reason: String(cString: error)) }
    }

    deinit { cregex_destroy(handle) }

    /// Whether the pattern matches all of the text.
    package func matchesAll(of text: [UInt8]) -> Bool { cregex_matches_all(handle, text, text.count) }

    /// The text with the first match, or each one, rewritten (`\1` is what the first group matched); nil without memory.
    package func replacing(in text: [UInt8], with rewrite: [UInt8], all: Bool) -> [UInt8]? {
        var count = 0
        guard let result = cregex_replace(handle, text, text.count, rewrite, rewrite.count, all, &count) else {
            return nil
        }
        defer { cregex_free(result) }
        return Array(UnsafeBufferPointer(start: result, count: count))
    }
}
