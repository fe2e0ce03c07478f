import API
import Foundation
import Logging
import Threads

/// The levels of log lines, which may change while the program runs.
final class LogLevels: Sendable {
    private struct Levels {
        var shared: Logger.Level
        var models: [String: Logger.Level]
    }

    private let levels: Locked<Levels>

    /// - Parameters:
    ///   - shared: The level of lines about no model, and of models without a level of their own.
    ///   - models: The levels by the model's name.
    init(_ shared: Logger.Level, models: [String: Logger.Level] = [:]) {
        levels = Locked(Levels(shared: shared, models: models))
    }

    /// Replaces the levels.
    func set(_ shared: Logger.Level, models: [String: Logger.Level]) {
        levels.withLock { $0 = Levels(shared: shared, models: models) }
    }

    /// The lowest level.
    var lowest: Logger.Level { levels.withLock { $0.models.values.reduce($0.shared) { min($0, $1) } } }

    /// The level of lines about a model; nil for lines about no model.
    func level(ofModel model: String?) -> Logger.Level {
        levels.withLock { levels in model.flatMap { levels.models[$0] } ?? levels.shared }
    }
}

/// Log lines on the standard error, as text or as JSON; models may have a level of their own, by the metadata `model`.
///
/// A line of text is the time, the level, the message, and `key=value` for each key of the metadata.
struct LogLines: LogHandler {
    var metadata: Logger.Metadata = [:]
    private let format: LogFormat
    private let levels: LogLevels
    private let write: @Sendable (String) -> Void

    /// - Parameters:
    ///   - levels: The levels of lines to write.
    ///   - format: The format of lines.
    ///   - write: Gets each line, with a newline.
    init(
        _ levels: LogLevels, format: LogFormat,
        write: @escaping @Sendable (String) -> Void = { StandardErrorLog.shared.write($0) }
    ) {
        self.levels = levels
        self.format = format
        self.write = write
    }

    /// The lowest level of all models; ``log(event:)`` applies the level of each. A logger cannot set a level of its own.
    var logLevel: Logger.Level {
        get { levels.lowest }
        set {}
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var metadata = metadata.merging(event.metadata ?? [:]) { $1 }
        if let error = event.error { metadata["error"] = "\(error)" }
        guard event.level >= levels.level(ofModel: metadata["model"].map { "\($0)" }) else { return }
        let fields = metadata.sorted { $0.key < $1.key }
        switch format {
        case .text:
            let pairs = fields.map { " \($0.key)=\(Self.text($0.value))" }.joined()
            write("\(Timestamp.now()) \(event.level) \(Self.line("\(event.message)"))\(pairs)\n")
        case .json:
            let pairs =
                [
                    ("time", JSONText.quoted(Timestamp.now())), ("level", JSONText.quoted("\(event.level)")),
                    ("message", JSONText.quoted("\(event.message)")),
                ] + fields.map { ($0.key, Self.json($0.value)) }
            let members = pairs.map { "\(JSONText.quoted($0.0)):\($0.1)" }
            write("{\(members.joined(separator: ","))}\n")
        }
    }

    private static func text(_ value: Logger.MetadataValue) -> String {
        switch value {
        case .string, .stringConvertible: text("\(value)")
        case .array, .dictionary: text(json(value))
        }
    }

    /// A value, quoted if it consists of several words.
    private static func text(_ value: String) -> String {
        let isWord =
            !value.isEmpty && value.unicodeScalars.allSatisfy { $0.value > 0x20 && $0 != "\"" && !isControl($0) }
        return isWord ? value : quoted(value)
    }

    /// A message without newlines, which names of files may contain.
    private static func line(_ message: String) -> String {
        guard message.unicodeScalars.contains(where: isControl) else { return message }
        return String(quoted(message).dropFirst().dropLast())
    }

    /// Whether a scalar ends a line or moves a terminal's cursor, including scalars above ASCII.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.generalCategory == .control || scalar == "\u{2028}" || scalar == "\u{2029}"
    }

    /// A quoted text without control characters.
    private static func quoted(_ text: String) -> String {
        var result = ""
        for scalar in JSONText.quoted(text).unicodeScalars {
            if isControl(scalar) {
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// A value as JSON. Numbers and Booleans are not quoted.
    private static func json(_ value: Logger.MetadataValue) -> String {
        switch value {
        case .string(let text): JSONText.quoted(text)
        case .stringConvertible(let value as any BinaryInteger): "\(value)"
        case .stringConvertible(let value as Double) where value.isFinite: "\(value)"
        case .stringConvertible(let value as Bool): "\(value)"
        case .stringConvertible(let value): JSONText.quoted("\(value)")
        case .array(let values): "[\(values.map(json).joined(separator: ","))]"
        case .dictionary(let values):
            "{\(values.sorted { $0.key < $1.key }.map { "\(JSONText.quoted($0.key)):\(json($0.value))" }.joined(separator: ","))}"
        }
    }
}
