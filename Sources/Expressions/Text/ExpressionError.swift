/// The reason why an expression cannot be compiled, and the place in its text.
public struct ExpressionError: Error, Hashable, Sendable {
    /// The problem, with the names and numbers that matter.
    public let reason: String
    /// The expression.
    public let text: String
    /// The place of the problem, in bytes from the text's beginning.
    public let offset: Int

    package init(_ reason: String, in text: String = "", at offset: Int) {
        self.reason = reason
        self.text = text
        self.offset = offset
    }

    /// The same error in that text.
    func located(in text: String) -> ExpressionError { ExpressionError(reason, in: text, at: offset) }

    /// The number of the character at the place, from 1.
    public var column: Int { String(decoding: text.utf8.prefix(offset), as: UTF8.self).count + 1 }

    /// The part of the text around the place, and a line below it with a caret at the place.
    public var excerpt: String {
        let characters = Array(text.map { $0.isNewline ? " " : $0 })
        let place = min(column - 1, characters.count)
        let first = max(0, place - Self.excerptLength / 2)
        let shown = characters[first..<min(characters.count, first + Self.excerptLength)]
        return String(shown) + "\n" + String(repeating: " ", count: place - first) + "^"
    }

    private static let excerptLength = 72
}

extension ExpressionError: CustomStringConvertible {
    /// The reason, and the place: `unknown function "sofmax"; the nearest are "softmax" (character 5 of "2 * sofmax(x)")`.
    public var description: String {
        let characters = text.prefix(Self.quotedLength)
        let quoted = characters.endIndex == text.endIndex ? String(characters) : "\(characters)..."
        return "\(reason) (character \(column) of \"\(quoted)\")"
    }

    private static let quotedLength = 200
}
