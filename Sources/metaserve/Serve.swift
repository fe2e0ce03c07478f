import API
import ArgumentParser
import HTTPServer
import Logging
import Serving

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
    var paths: [String]

    @Option(help: "The address to listen on; 0.0.0.0 for all.")
    var host = "127.0.0.1"

    @Option(help: "The port; 0 for a free one.")
    var port = 8501

    @Option(help: "Threads that answer requests; by default one a processor.")
    var threads: Int?

    @Option(help: "The model for requests to /predict that name none.")
    var defaultModel: String?

    @Option(
        name: .customLong("default"),
        help:
            "NAME=VALUE: what a placeholder is when a request does not feed it, for all models that have it; repeatable.",
        transform: Parse.defaultValue)
    var defaults: [NamedDefault] = []

    @Option(help: "The largest body of a request, in bytes.")
    var maxBody = 64 << 20

    @Option(help: "Cut connections on which nothing moves for so many seconds.")
    var idleTimeout = 30

    @Option(help: "End a request whose graph is still in a loop after so many seconds, with status 504; 0 for never.")
    var timeout = 60.0

    @Option(help: "The most connections at once.")
    var maxConnections = 10_000

    @Option(help: "Look at the files every so many seconds, where the kernel does not tell of changes; 0 for never.")
    var pollInterval = 1.0

    @Option(
        help: "The versions to load: latest, latest:N, all, or numbers such as 100,200.", transform: Parse.versions)
    var versions = VersionPolicy.Selection.latest(1)

    @Flag(help: "Begin without a model, and wait for one.")
    var waitForModels = false

    @Option(help: "How NaN and infinities are written: string, null or error.", transform: Parse.nanPolicy)
    var nan = NaNPolicy.string

    @Option(help: "Wait so many seconds for requests in flight when stopping.")
    var drainTimeout = 30

    @Option(help: "Log lines of this level and above: debug, info, notice, warning, error.", transform: Parse.logLevel)
    var logLevel = Logger.Level.info

    func validate() throws {
        func require(_ condition: Bool, _ message: String) throws { if !condition { throw ValidationError(message) } }
        try require(!paths.isEmpty, "give the path of a model folder, or of a folder of model folders")
        try require((0...65535).contains(port), "--port \(port) is not between 0 and 65535")
        try require((threads ?? 1) > 0, "--threads must be at least 1")
        try require(maxBody > 0, "--max-body must be at least 1")
        try require(idleTimeout > 0, "--idle-timeout must be at least 1")
        try require(timeout >= 0, "--timeout must not be negative")
        try require(maxConnections > 0, "--max-connections must be at least 1")
        try require(pollInterval >= 0, "--poll-interval must not be negative")
        try require(drainTimeout >= 0, "--drain-timeout must not be negative")
    }

    func run() throws {
        var logger = Logger(label: "metaserve", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = logLevel
        ThreadBudget.apply()
        // Before any thread is made: they inherit that the signals are left to this one.
        let signals = StopSignals()
        let threadCount = threads ?? ThreadBudget.processors
        let models = try load(threadCount, logger)
        let server = try start(models, threadCount)
        logger.info(
            "listening", metadata: ["address": "http://\(displayHost):\(server.port)", "threads": "\(threadCount)"])
        let signal = signals.wait()
        logger.info("stopping", metadata: ["signal": "\(signal)"])
        signals.exitOnNext()
        server.stop(drainSeconds: drainTimeout)
        logger.info("stopped")
    }

    /// An address that a client on this machine can use.
    private var displayHost: String {
        if host == "0.0.0.0" || host == "::" { return "localhost" }
        return host.contains(":") ? "[\(host)]" : host
    }

    private func load(_ threadCount: Int, _ logger: Logger) throws -> ModelRegistry {
        let given = DefaultValues(try Parse.values(of: defaults), isShared: true)
        var configuration = ModelRegistry.Configuration(attach: Service.attachment)
        configuration.threadCount = threadCount
        configuration.defaultModel = defaultModel
        configuration.defaults = given
        configuration.pollInterval = .seconds(pollInterval)
        configuration.settings.policy.selection = versions
        configuration.waits = waitForModels
        configuration.logger = logger
        let registry = try ModelRegistry(paths.map { ModelRegistry.ServedPath($0) }, configuration)
        let models = registry.catalog.models.flatMap(\.versions.versions).map(\.model)
        // Of models that are waited for it is not known what they have.
        guard !models.isEmpty else { return registry }
        for name in given.values.keys.sorted() where !models.contains(where: { $0.hasPlaceholder(name) }) {
            let nearest = DefaultValues.nearest(to: name, among: Set(models.flatMap(\.placeholderNames)).sorted())
            throw ValidationError("--default \(name): no model has such a placeholder\(nearest)")
        }
        return registry
    }

    private func start(_ models: ModelRegistry, _ threadCount: Int) throws -> HTTPServer {
        var options = Service.Options()
        options.nanPolicy = nan
        options.threadCount = threadCount
        options.timeoutSeconds = timeout > 0 ? timeout : nil
        options.version = Metaserve.version
        options.address = "\(displayHost):\(port)"
        let service = Service(models, options: options)
        var configuration = HTTPServer.Configuration()
        configuration.host = host
        configuration.port = port
        configuration.threads = threadCount
        configuration.maxBodyBytes = maxBody
        configuration.idleTimeoutSeconds = idleTimeout
        configuration.maxConnections = maxConnections
        return try HTTPServer(configuration) { service.handle($0) }
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

    /// The value of `--versions`.
    static func versions(_ text: String) throws -> VersionPolicy.Selection {
        if let selection = VersionPolicy.Selection(text) { return selection }
        throw ValidationError("\"\(text)\" is none of latest, latest:N, all, and no list of numbers such as 100,200")
    }

    /// The value of `--log-level`.
    static func logLevel(_ text: String) throws -> Logger.Level {
        try choice(text, Logger.Level.allCases.map { ($0.rawValue, $0) })
    }

    private static func choice<Value>(_ text: String, _ choices: [(name: String, value: Value)]) throws -> Value {
        guard let match = choices.first(where: { $0.name == text }) else {
            throw ValidationError("\"\(text)\" is none of \(choices.map(\.name).joined(separator: ", "))")
        }
        return match.value
    }
}
