import API
import ArgumentParser
import Foundation
import HTTPServer
import Logging
import Serving
import Settings
import Threads

/// `metaserve serve`
struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve models until SIGINT or SIGTERM.",
        discussion: """
            Each PATH is a model folder (what a Saver left, a SavedModel, numbered versions, a frozen graph), a file
            of one, or a folder of model folders. Then:

              curl localhost:8501/                     what is served, and a line to copy
              curl localhost:8501/models/NAME          a model's inputs, outputs and variables
              curl -d '{"feeds": {...}}' localhost:8501/models/NAME/predict
            """)

    @Argument(help: "A model folder, or a folder of model folders.")
    var paths: [String] = []

    @Option(help: ArgumentHelp("A file of settings; flags win over it. See docs/configuration.md.", valueName: "file"))
    var config: String?

    @OptionGroup var flags: ServeFlags

    func run() throws {
        let settings = try flags.settings(file: config)
        guard !paths.isEmpty || !settings.models.isEmpty else {
            throw ValidationError("give the path of a model folder, or of a folder of model folders, or --config FILE")
        }
        let logger = settings.logger()
        ThreadBudget.apply()
        let signals = try StopSignals { logger.info("ended before serving", metadata: ["signal": "\($0)"]) }
        logger.debug("starting", metadata: ["version": "\(Metaserve.version)"])
        var options = try settings.serviceOptions(logger)
        // A free port is known once the server listens.
        let port = Locked(settings.port)
        options.address = { settings.address(port: port.withLock { $0 }) }
        if !settings.isLocal, settings.tokenFile == nil {
            logger.warning("whoever reaches \(settings.host) may ask: give --token-file FILE to admit only some")
        }
        let registry = try load(settings, logger)
        let service = Service(registry, options: options)
        signals.beginServing()
        let server = try HTTPServer(settings.serverConfiguration(logger)) { service.handle($0) }
        port.withLock { $0 = server.port }
        logger.info(
            "listening",
            metadata: ["address": "\(settings.address(port: server.port))", "threads": "\(settings.threadCount)"])
        let signal = signals.wait()
        logger.info("stopping", metadata: ["signal": "\(signal)"])
        guard stop(server, options.readiness, settings) else {
            logger.error("stopped, but not all requests were answered: raise --drain-timeout")
            throw ExitCode.failure
        }
        logger.info("stopped")
    }

    /// Ends: first only says so, so that balancers send their requests elsewhere.
    ///
    /// - Returns: Whether all requests were answered.
    private func stop(_ server: HTTPServer, _ readiness: Readiness, _ settings: ServerSettings) -> Bool {
        readiness.beginDraining()
        server.beginDraining()
        Thread.sleep(forTimeInterval: settings.drainDelaySeconds)
        let rest = settings.drainTimeoutSeconds - settings.drainDelaySeconds
        return server.stop(drainSeconds: Int(rest.rounded(.up)))
    }

    private func load(_ settings: ServerSettings, _ logger: Logger) throws -> ModelRegistry {
        let registry = try ModelRegistry(settings.servedPaths(paths), settings.registryConfiguration(logger))
        let served = registry.catalog.models
        for (name, own) in settings.models.sorted(by: { $0.key < $1.key }) {
            guard let model = served.first(where: { $0.name == name }) else {
                // Of a path that is waited for it is not known what it holds.
                if own.path != nil || settings.waitsForModels { continue }
                throw SettingsError([
                    settings.problem(
                        "models", "model \"\(name)\" has no path, and none of the given paths has it: add path")
                ])
            }
            let models = model.versions.versions.map(\.model)
            guard !models.isEmpty, let (placeholder, nearest) = unknownPlaceholder(in: own.defaults, models) else {
                continue
            }
            throw SettingsError([
                own.problem("defaults", "model \"\(name)\" has no placeholder \"\(placeholder)\"\(nearest)")
            ])
        }
        let models = served.flatMap(\.versions.versions).map(\.model)
        if !models.isEmpty, let (name, nearest) = unknownPlaceholder(in: settings.defaults, models) {
            throw ValidationError("--default \(name): no model has such a placeholder\(nearest)")
        }
        return registry
    }

    /// A default for a placeholder that is nowhere, with the nearest.
    private func unknownPlaceholder(in defaults: DefaultValues, _ models: [Model]) -> (name: String, nearest: String)? {
        let names = defaults.values.keys.sorted()
        guard let name = names.first(where: { name in !models.contains { $0.hasPlaceholder(name) } }) else {
            return nil
        }
        return (name, DefaultValues.nearest(to: name, among: Set(models.flatMap(\.placeholderNames)).sorted()))
    }
}

/// A placeholder's name and its value.
struct NamedDefault {
    let name: String
    let value: FeedValue
}

/// Reads options.
enum Parse {
    /// A value of `--default`.
    static func defaultValue(_ text: String) throws -> NamedDefault {
        guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
            throw ValidationError("\"\(text)\" is not NAME=VALUE, such as keep_prob:0=1")
        }
        let value = String(text[text.index(after: equals)...])
        return NamedDefault(name: String(text[..<equals]), value: FeedValue(text: value))
    }

    /// The values by name.
    static func values(of defaults: [NamedDefault]) throws -> [String: FeedValue] {
        var values: [String: FeedValue] = [:]
        for item in defaults where values.updateValue(item.value, forKey: item.name) != nil {
            throw ValidationError("--default \(item.name) is given twice")
        }
        return values
    }

    /// The value of `--nan`.
    static func nanPolicy(_ text: String) throws -> NaNPolicy {
        try choice(text, NaNPolicy.allCases.map { ($0.rawValue, $0) })
    }

    private static func choice<Value>(_ text: String, _ choices: [(name: String, value: Value)]) throws -> Value {
        guard let match = choices.first(where: { $0.name == text }) else {
            throw ValidationError("\"\(text)\" is none of \(choices.map(\.name).joined(separator: ", "))")
        }
        return match.value
    }
}
