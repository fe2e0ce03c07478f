import API
import ArgumentParser
import Foundation
import HTTPServer
import Logging
import Memory
import Planning
import Serving
import Settings
import Tensors
import Threads

/// `metaserve serve`
struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve models until SIGINT or SIGTERM.",
        discussion: """
            Each PATH is a model folder, a file of a model, or a folder of model folders. A
            model folder contains a checkpoint of tf.train.Saver, a SavedModel, a frozen
            graph, or numbered versions. To send requests:

              curl localhost:8501/               lists the models, with an example request
              curl localhost:8501/models/NAME    lists a model's inputs and outputs
              curl -d '{"feeds": {...}}' localhost:8501/models/NAME/predict
            """)

    @Argument(help: "Model folders, files of models, or folders of model folders.")
    var paths: [String] = []

    @Option(
        help: ArgumentHelp(
            "Settings file; flags take precedence over it. See docs/configuration.md.", valueName: "file"))
    var config: String?

    @OptionGroup var flags: ServeFlags

    func run() throws {
        let settings = try flags.settings(file: config)
        guard !paths.isEmpty || !settings.models.isEmpty else {
            throw ValidationError("give the path of a model folder, or of a folder of model folders, or --config FILE")
        }
        let levels = LogLevels(settings.logLevel, models: settings.modelLogLevels)
        let logger = Logger(label: "metaserve") { _ in LogLines(levels, format: settings.logFormat) }
        let signals = try StopSignals { logger.info("stopped before serving", metadata: ["signal": "\($0)"]) }
        logger.debug("starting", metadata: ["version": "\(Metaserve.version)"])
        let memory = MemoryAccount()
        settings.apply(to: memory)
        var options = try settings.serviceOptions(logger, memory)
        // The options are made before the server.
        let listening = Locked<HTTPServer?>(nil)
        options.address = { settings.address(port: listening.withLock { $0?.port } ?? settings.port) }
        options.openConnections = { listening.withLock { $0?.openConnectionCount } }
        options.lostLogLines = { StandardErrorLog.shared.lostCount }
        if options.accessLog?.isUnread == true {
            logger.warning(
                "no process reads the named pipe of the access log: lines are lost until one does",
                metadata: ["path": "\(settings.accessLog ?? "")"])
        }
        if !settings.isLocal, settings.tokenFile == nil {
            logger.warning(
                "the server listens on \(settings.host) without a token file: restrict access with --token-file FILE")
        }
        let scheduler = Service.scheduler(options)
        options.scheduler = scheduler
        let registry = try load(settings, memory, logger, scheduler)
        let service = Service(registry, options: options)
        signals.beginServing()
        let server = try HTTPServer(settings.serverConfiguration(logger, service, memory)) { service.handle($0) }
        listening.withLock { $0 = server }
        let live = LiveSettings(
            settings,
            LiveSettings.Source(file: config, flags: { [flags] in try flags.settings(file: $0) }, paths: paths),
            LiveSettings.Parts(
                registry: registry, access: options.access, accessLog: options.accessLog, server: server,
                memory: memory,
                levels: levels, logger: logger))
        try live.follow(signals.hangUps)
        try IdleMemory.follow(memory)
        logger.info("listening", metadata: settings.listeningMetadata(port: server.port))
        let signal = signals.wait()
        let ending = Ending(within: live.current.drainTimeoutSeconds)
        logger.info("stopping", metadata: ["signal": "\(signal)"])
        guard stop(server, options.readiness, live.current, ending) else {
            logger.error("stopped before all requests were completed: raise --drain-timeout")
            options.accessLog?.flush(milliseconds: 20)
            // The process does not wait for runs that have not ended, and does not free the objects that they use.
            _exit(ExitCode.failure.rawValue)
        }
        ending.allResponsesSent()
        logger.info("stopped")
    }

    /// Stops the server. First only readiness changes, so that load balancers send their requests elsewhere.
    ///
    /// - Returns: Whether all requests were answered.
    private func stop(
        _ server: HTTPServer, _ readiness: Readiness, _ settings: ServerSettings, _ ending: Ending
    ) -> Bool {
        readiness.beginDraining()
        server.beginDraining()
        Thread.sleep(forTimeInterval: settings.drainDelaySeconds)
        return server.stop(drainSeconds: ending.remainingSeconds)
    }

    private func load(
        _ settings: ServerSettings, _ memory: MemoryAccount, _ logger: Logger, _ scheduler: Scheduler
    ) throws -> ModelRegistry {
        var configuration = settings.registryConfiguration(logger, memory)
        configuration.helpers = scheduler.helpers
        let registry = try ModelRegistry(settings.servedPaths(paths), configuration)
        let served = ServedModels(registry)
        let problems = served.problems(of: settings)
        guard problems.isEmpty else { throw SettingsError(problems) }
        if let (name, nearest) = served.unknownDefault(in: settings) {
            throw ValidationError("--default \(name): no model has this placeholder\(nearest)")
        }
        return registry
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
        if value.hasPrefix("[") || value.hasPrefix("{") || value.hasPrefix("\""), let fault = JSONText.fault(in: value)
        {
            throw ValidationError("\"\(text)\" is not NAME=VALUE: its value is not JSON: \(fault)")
        }
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

    /// The value of `--variables`.
    static func variablesMode(_ text: String) throws -> VariablesMode {
        try choice(text, VariablesMode.allCases.map { ($0.rawValue, $0) })
    }

    /// The value of `--precision`.
    static func precision(_ text: String) throws -> Precision {
        try choice(text, Precision.allCases.map { ($0.rawValue, $0) })
    }

    /// The value of `--disable-pass`.
    static func pass(_ text: String) throws -> String {
        if let fault = fault(ofPass: text) { throw ValidationError(fault) }
        return text
    }

    /// The error for an unknown name of a pass; nil for a known name.
    static func fault(ofPass text: String) -> String? {
        PassList.names.contains(text)
            ? nil : "expected one of \(PassList.names.joined(separator: ", ")), found \"\(text)\""
    }

    private static func choice<Value>(_ text: String, _ choices: [(name: String, value: Value)]) throws -> Value {
        guard let match = choices.first(where: { $0.name == text }) else {
            throw ValidationError("\"\(text)\" is none of \(choices.map(\.name).joined(separator: ", "))")
        }
        return match.value
    }
}
