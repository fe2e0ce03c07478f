internal import CJSON
internal import HTTPMessages
internal import Memory

/// Parses JSON, one document at a time.
///
/// A reader of our own is faster than simdjson for long lists of numbers. It knows no faults: simdjson parses what it leaves, such as malformed
/// texts, and short ones. Both write the same tape.
// Safety: owns the handle, and frees it in deinit; belongs to one thread at a time.
final class JSONParser {
    private let handle: OpaquePointer
    /// Whether the last text contained integers of more than 64 bits, or unquoted NaN and infinities.
    private(set) var wasAmended = false

    /// The maximum depth of a document.
    static let deepestNesting = 100
    /// simdjson's limit, which is larger than any accepted body.
    private static let largestBytes = 0xffff_ffff
    /// The maximum length of a text whose memory is kept. (The memory is about fourteen times the length.)
    private static let keptBytes = 1 << 20

    /// Shorter texts are left to simdjson, which starts faster.
    private let fewestReadBytes: Int

    /// The memory for each byte of text. Our own reader needs less.
    private static let bytesPerByte = 14
    /// The maximum length of texts that are not counted.
    private static let uncountedBytes = 4 << 10
    private let account: MemoryAccount?
    private var countedBytes = 0

    /// Returns nil if there is not enough memory.
    ///
    /// - Parameters:
    ///   - account: The account that counts the memory; nil for none.
    ///   - fewestReadBytes: The minimum length of texts for our own reader.
    init?(_ account: MemoryAccount? = nil, fewestReadBytes: Int = 512) {
        self.account = account
        self.fewestReadBytes = fewestReadBytes
        guard let handle = cjson_create(Self.largestBytes, Self.deepestNesting) else { return nil }
        self.handle = handle
    }

    deinit {
        cjson_destroy(handle)
        account?.give(countedBytes, for: .requests)
    }

    /// Frees memory after a long text. The parsed document becomes invalid.
    func reset() {
        if cjson_capacity(handle) > Self.keptBytes { cjson_release(handle) }
        if cjson_read_memory(handle) > Self.keptBytes * Self.bytesPerByte { cjson_release_read(handle) }
        guard countedBytes > 0 else { return }
        let kept = heldBytes
        guard kept < countedBytes else { return }
        account?.give(countedBytes - kept, for: .requests)
        countedBytes = kept
    }

    /// The memory of both readers.
    var heldBytes: Int { cjson_capacity(handle) * Self.bytesPerByte + cjson_read_memory(handle) }

    /// Counts the memory for parsing a text.
    private func reserve(_ text: UnsafeRawBufferPointer) throws(RequestError) {
        guard let account, text.count > Self.uncountedBytes else { return }
        let needed = text.count * Self.bytesPerByte
        guard needed > countedBytes else { return }
        guard account.take(needed - countedBytes, for: .requests) else {
            throw RequestError(short: needed - countedBytes, of: account)
        }
        countedBytes = needed
    }

    /// Parses a text. ``HTTPRequest/bodyPadding`` more bytes must be readable after it.
    ///
    /// A byte order mark is skipped. Unquoted NaN, Infinity and -Infinity are read as if they were quoted, because Python's json and TensorFlow
    /// Serving write them unquoted.
    ///
    /// - Parameter text: The text.
    /// - Returns: The root, valid until the next call.
    /// - Throws: ``RequestError`` 400 with the fault and its place; 503 if memory is short.
    func parse(_ text: UnsafeRawBufferPointer) throws(RequestError) -> JSONValue {
        let text = text.starts(with: [0xef, 0xbb, 0xbf]) ? UnsafeRawBufferPointer(rebasing: text[3...]) : text
        guard text.count > 0 else { throw .badRequest("the body is empty; expected a JSON object with \"feeds\"") }
        try reserve(text)
        var document = document(text)
        wasAmended = false
        let mayBeAmended = document.outcome == CJSON_BAD_NUMBER || document.outcome == CJSON_MALFORMED
        if mayBeAmended, let amended = JSONFault.amended(text) {
            wasAmended = true
            // The tape points into the parser's memory, not into the text.
            document = amended.withUnsafeBytes {
                self.document(UnsafeRawBufferPointer(rebasing: $0.dropLast(HTTPRequest.bodyPadding)))
            }
        }
        guard document.outcome == CJSON_PARSED, let tape = document.tape, let strings = document.strings else {
            throw error(document, text)
        }
        return JSONValue(tape: tape, strings: strings, index: 1)
    }

    private func document(_ text: UnsafeRawBufferPointer) -> cjson_document {
        let bytes = text.assumingMemoryBound(to: UInt8.self).baseAddress
        if text.count >= fewestReadBytes {
            let document = cjson_read(handle, bytes, text.count)
            if document.outcome == CJSON_PARSED {
                // The memory that is counted is our reader's now.
                if text.count > Self.uncountedBytes, cjson_capacity(handle) > Self.uncountedBytes {
                    cjson_release(handle)
                }
                return document
            }
            // The memory that is counted is simdjson's now.
            if text.count > Self.uncountedBytes { cjson_release_read(handle) }
        }
        return cjson_parse(handle, bytes, text.count)
    }

    /// Parses a text of any length with our own reader only.
    ///
    /// - Parameter text: The text, with padding.
    /// - Returns: The root; nil for a text that is left to simdjson.
    func read(_ text: UnsafeRawBufferPointer) -> JSONValue? {
        let document = cjson_read(handle, text.assumingMemoryBound(to: UInt8.self).baseAddress, text.count)
        return document.tape.flatMap { tape in
            document.strings.map { JSONValue(tape: tape, strings: $0, index: 1) }
        }
    }

    private func error(_ document: cjson_document, _ text: UnsafeRawBufferPointer) -> RequestError {
        switch document.outcome {
        case CJSON_WITHOUT_MEMORY: RequestError(503, "not enough memory for the request: try again later")
        case CJSON_TOO_DEEP: .badRequest("the body is nested deeper than \(Self.deepestNesting)")
        case CJSON_NOT_UTF8: malformed(JSONFault.invalidUTF8(in: text), document)
        default: malformed(JSONFault.first(in: text), document)
        }
    }

    private func malformed(_ fault: JSONFault?, _ document: cjson_document) -> RequestError {
        let reason = fault?.description ?? document.error.map { String(cString: $0) } ?? "it is malformed"
        return .badRequest("the body is not JSON: \(reason)")
    }
}
