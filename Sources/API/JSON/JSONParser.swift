internal import HTTPMessages
internal import Memory

/// Parses JSON, one document at a time.
final class JSONParser {
    private let tape: JSONTape
    /// Whether the last text contained integers of more than 64 bits, or unquoted NaN and infinities.
    private(set) var wasAmended = false

    /// The maximum depth of a document.
    static let deepestNesting = 100

    /// - Parameter account: The account that counts the memory; nil for none.
    init(_ account: MemoryAccount? = nil) { tape = JSONTape(account) }

    /// Frees memory after a long text. The parsed document becomes invalid.
    func reset() { tape.reset() }

    /// Parses a text. ``HTTPRequest/bodyPadding`` more bytes must be readable after it.
    ///
    /// A byte order mark is skipped. Unquoted NaN, Infinity and -Infinity are read as if they were quoted, because Python's json and TensorFlow
    /// Serving write them unquoted.
    ///
    /// - Parameter text: The text.
    /// - Returns: The root, valid until the next call.
    /// - Throws: ``RequestError`` 400 with the fault and its place; 503 if memory is short.
    func parse(_ text: UnsafeRawBufferPointer) throws(RequestError) -> JSONValue {
        let text = Self.withoutMark(text)
        guard text.count > 0 else { throw .badRequest("the body is empty; expected a JSON object with \"feeds\"") }
        wasAmended = false
        do throws(JSONTape.Fault) { return try tape.read(text) } catch {
            guard error == .malformed, let amended = JSONFault.amended(text) else { throw message(error, text) }
            return try parseAmended(amended, text)
        }
    }

    /// Parses an amended text.
    ///
    /// - Parameters:
    ///   - amended: The text as the tape accepts it, with padding.
    ///   - text: The text as sent, for messages.
    /// - Returns: The root.
    /// - Throws: The errors of ``parse(_:)``.
    private func parseAmended(_ amended: [UInt8], _ text: UnsafeRawBufferPointer) throws(RequestError) -> JSONValue {
        wasAmended = true
        let result = amended.withUnsafeBytes { amended in
            // The tape points into its own memory, not into the text.
            Result { () throws(JSONTape.Fault) in
                try tape.read(UnsafeRawBufferPointer(rebasing: amended.dropLast(HTTPRequest.bodyPadding)))
            }
        }
        do throws(JSONTape.Fault) { return try result.get() } catch { throw message(error, text) }
    }

    /// The text without a byte order mark.
    private static func withoutMark(_ text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard text.count >= 3, text[0] == 0xef, text[1] == 0xbb, text[2] == 0xbf else { return text }
        return UnsafeRawBufferPointer(rebasing: text[3...])
    }

    private func message(_ fault: JSONTape.Fault, _ text: UnsafeRawBufferPointer) -> RequestError {
        switch fault {
        case .withoutMemory:
            if let refusal = tape.refusal { return RequestError(refusal, "the request") }
            return RequestError(503, "not enough memory for the request: try again later")
        case .tooDeep: return .badRequest("the body is nested deeper than \(Self.deepestNesting)")
        case .notUTF8, .malformed:
            let found = JSONFault.invalidUTF8(in: text) ?? JSONFault.first(in: text)
            return .badRequest("the body is not JSON: \(found?.description ?? "it is malformed")")
        }
    }
}
