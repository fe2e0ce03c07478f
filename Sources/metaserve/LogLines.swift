import API
import Foundation
import Logging

/// Log lines on the standard error, as text or as JSON; models may have a level of their own.
struct LogLines: LogHandler {
    /// What all lines pass; ``log(event:)`` looks closer.
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    private let format: LogFormat
    private let level: Logger.Level
    /// By the model's name, which is the metadata `model`.
    private let modelLevels: [String: Logger.Level]
    private let write: @Sendable (String) -> Void

    /// - Parameters:
    ///   - level: That of lines about no model, and of models that have none of their own.
    ///   - modelLevels: By the model's name.
    ///   - format: How they are written.
    ///   - write: Gets each line, with its end.
    init(
        _ level: Logger.Level, modelLevels: [String: Logger.Level], format: LogFormat,
        write: @escaping @Sendable (String) -> Void = { FileHandle.standardError.write(Data($0.utf8)) }
    ) {
        self.level = level
        self.modelLevels = modelLevels
        self.format = format
        self.write = write
        logLevel = modelLevels.values.reduce(level) { min($0, $1) }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var metadata = metadata.merging(event.metadata ?? [:]) { $1 }
        if let error = event.error { metadata["error"] = "\(error)" }
        let own = metadata["model"].flatMap { modelLevels["\($0)"] }
        guard event.level >= (own ?? level) else { return }
        let fields = metadata.sorted { $0.key < $1.key }
        switch format {
        case .text:
            let pairs = fields.map { " \($0.key)=\($0.value)" }.joined()
            write("\(Timestamp.now()) \(event.level) metaserve:\(pairs) [\(event.source)] \(event.message)\n")
        case .json:
            let pairs =
                [("time", Timestamp.now()), ("level", "\(event.level)"), ("message", "\(event.message)")]
                + fields.map { ($0.key, "\($0.value)") }
            let members = pairs.map { "\(JSONText.quoted($0.0)):\(JSONText.quoted($0.1))" }
            write("{\(members.joined(separator: ","))}\n")
        }
    }
}
