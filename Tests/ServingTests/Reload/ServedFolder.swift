import Foundation
import Logging
import ServerSupport
import Synchronization
import Tensors
import VectorSupport

@testable import Serving

/// Lines of a log, kept.
final class LogBook: Sendable {
    private let kept = Mutex<[String]>([])

    /// `LEVEL: MESSAGE`, the oldest first.
    var lines: [String] { kept.withLock { $0 } }

    /// The lines that say that something is wrong.
    var complaints: [String] { lines.filter { $0.hasPrefix("warning") || $0.hasPrefix("error") } }

    var logger: Logger { Logger(label: "test") { _ in Handler(book: self) } }

    private struct Handler: LogHandler {
        let book: LogBook
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.debug

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { book.kept.withLock { $0.append("\(event.level): \(event.message)") } }
    }
}

/// A folder that a test writes to, and what is served of it.
final class ServedFolder {
    private final class Nothing: Sendable {}

    let path: String
    let saves: RecordedSaves
    let log = LogBook()
    private(set) var registry: ModelRegistry?

    /// Makes an empty folder.
    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("metaserve-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        saves = try RecordedSaves()
    }

    deinit {
        registry?.stop()
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Waits are short, so that the tests are.
    static var configuration: ModelRegistry.Configuration {
        var configuration = ModelRegistry.Configuration { _ in Nothing() }
        configuration.threadCount = 2
        configuration.pollInterval = .milliseconds(50)
        configuration.timing.quiet = .milliseconds(10)
        configuration.timing.copyQuiet = .milliseconds(60)
        configuration.timing.grace = .milliseconds(150)
        return configuration
    }

    /// Serves the folder, or some paths.
    func serve(
        _ paths: [String]? = nil, _ change: (inout ModelRegistry.Configuration) -> Void = { _ in }
    ) throws {
        var configuration = Self.configuration
        configuration.logger = log.logger
        change(&configuration)
        registry = try ModelRegistry((paths ?? [path]).map { ModelRegistry.ServedPath($0, name: nil) }, configuration)
    }

    /// The only model, or that of a name.
    func model(_ name: String? = nil) -> ServedModel? {
        guard let catalog = registry?.catalog else { return nil }
        return name.map { catalog.model(named: $0) } ?? catalog.defaultModel
    }

    /// What a request is answered: the step, if all variables are of one step; nil where nothing serves.
    func answer(_ name: String? = nil, _ choice: VersionChoice = .any) throws -> Int? {
        guard let version = model(name)?.versions.version(choice) else { return nil }
        let answer = try version.model.run(feeds: ["x:0": 0], fetches: ["all:0"])
        let values = Set(answer["all:0"]?.scalars(as: Float.self) ?? [])
        guard values.count == 1, let value = values.first else { throw Mixed(values: values) }
        return Int(value)
    }

    /// An answer of two steps at once.
    struct Mixed: Error {
        let values: Set<Float>
    }

    /// Waits until something is so; what is not so for ages never will be.
    func wait(until isSo: () throws -> Bool) throws -> Bool {
        for _ in 0..<6000 {
            if try isSo() { return true }
            usleep(5000)
        }
        return false
    }

    /// Waits until the step answers.
    func wait(for step: Int, _ name: String? = nil) throws -> Bool { try wait { try answer(name) == step } }

    func state(_ name: String? = nil) -> [String] {
        model(name)?.versions.states.map { "\($0.number) \($0.phase.rawValue)" } ?? []
    }

    /// Makes a folder within the folder, with a save.
    func makeModel(_ name: String, step: Int) throws {
        try FileManager.default.createDirectory(atPath: "\(path)/\(name)", withIntermediateDirectories: true)
        try saves.copy(step: step, to: "\(path)/\(name)")
    }
}
