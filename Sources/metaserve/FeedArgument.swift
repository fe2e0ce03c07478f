import API
import ArgumentParser
import Serving
import Settings
import Tensors

/// A value of `--feed`: a tensor's name, and the value to feed.
struct FeedArgument {
    let name: String
    private let value: String

    /// - Throws: `ValidationError` for a text that is not NAME=VALUE.
    init(_ text: String) throws {
        guard let equals = text.firstIndex(of: "=") else {
            throw ValidationError("--feed \(text) has no \"=\": write NAME=VALUE, such as w1:0=13")
        }
        name = String(text[..<equals])
        value = String(text[text.index(after: equals)...])
    }

    /// The value as JSON.
    ///
    /// - Parameter input: The model's input with that name, if there is one.
    /// - Returns: JSON.
    /// - Throws: `ValidationError` with the correct form, if the input does not accept the value.
    func json(for input: TensorDescription?) throws -> String {
        if value.hasPrefix("@") {
            return try FeedFile(path: String(value.dropFirst()), feed: name).json(for: input)
        }
        if input?.dtype == .string, !looksLikeJSON { return try text() }
        guard let fault = JSONText.fault(in: value) else { return value }
        if Self.numbers.contains(value) { return JSONText.quoted(value) }
        let isText = (input?.dtype ?? .string) == .string && !looksLikeJSON
        if isText || SmallFile.isRegular(value) { return try text() }
        let expected = input?.dtype.map { "; input \(name) takes \($0) \(input?.shape ?? .unknown)" } ?? ""
        throw ValidationError(
            "--feed \(name)=\(value): is not JSON: \(fault)\(expected). Write a number, true, false, \"text\" or lists "
                + "of them as JSON, or \(name)=@FILE")
    }

    /// The value for a call in this process. A `.npy` file stays as it is, which is much faster than JSON.
    ///
    /// - Parameter input: The model's input with that name, if there is one.
    /// - Returns: Where the value comes from.
    /// - Throws: As ``json(for:)``.
    func source(for input: TensorDescription?) throws -> FeedSource {
        guard value.hasPrefix("@") else { return .value(FeedValue(text: try json(for: input)), nil) }
        let path = String(value.dropFirst())
        let file = try FeedFile(path: path, feed: name)
        return file.isArray ? .array(file.bytes, path: path) : .value(FeedValue(text: try file.json(for: input)), nil)
    }

    /// Whether the value is unlikely to be an unquoted string.
    private var looksLikeJSON: Bool { value.first.map { "[{\"".contains($0) } ?? false }

    /// Numbers that JSON cannot represent.
    private static let numbers: Set<String> = ["NaN", "Infinity", "-Infinity"]

    /// The value as a string.
    ///
    /// - Throws: `ValidationError` if it is the name of a file.
    private func text() throws -> String {
        guard !SmallFile.isRegular(value) else {
            throw ValidationError(
                "--feed \(name)=\(value): a file of that name exists. To feed its contents, write \(name)=@\(value); "
                    + "to feed the text itself, write \(name)='\(JSONText.quoted(value))'")
        }
        return JSONText.quoted(value)
    }
}
