import API
import Logging
import Memory
import Serving
import Settings

/// What the server is told by its flags and its file.
struct ServerSettings: SettingsGroup {
    var host = "127.0.0.1"
    var port = 8501
    var threads: Int?
    var defaultModel: String?
    var defaults = DefaultValues(isShared: true)
    var maxBodyBytes = 64 << 20
    var idleTimeoutSeconds = 30
    var timeoutSeconds = 60.0
    var maxConnections = 10_000
    var nan = NaNPolicy.string
    var drainTimeoutSeconds = 30.0
    var drainDelaySeconds = 0.0
    var logLevel = Logger.Level.info
    var logFormat = LogFormat.text
    var accessLog: String?
    var versions = VersionPolicy.Selection.latest(1)
    var variables: VariablesMode?
    var pollIntervalSeconds = 1.0
    var waitsForModels = false
    var followsPaths = false
    var maxQueue = ModelQueue.Limits().waiting
    var maxBatch = ModelQueue.Limits().batch
    var batchDelayMilliseconds = 0.0
    var memoryLimit = MemorySize.percent(80)
    var runMemory: MemorySize?
    var cacheBytes = CacheBudget.standardBytes
    var corsOrigins: [String] = []
    var tokenFile: String?
    var adminTokenFile: String?
    var tlsCertificate: String?
    var tlsKey: String?
    var models: [String: ModelSettings] = [:]
    var places: [String: String] = [:]
}

/// How log lines are written.
enum LogFormat: String, CaseIterable, Sendable {
    case text, json
}

extension ServerSettings {
    static let settings: [Setting<ServerSettings>] = listening + responding + serving + access + stopping

    private static let path = SettingType<String>.text("a path")

    private static let listening: [Setting<ServerSettings>] = [
        Setting(
            "host", \.host, .text("an address, a name of this machine or unix:/PATH"), effect: .restart,
            "Where to listen: an address, 0.0.0.0 for all, or unix:/PATH for a socket in the file system."),
        Setting("port", \.port, .whole(0...65535), effect: .restart, "The port; 0 for a free one."),
        Setting(
            "max-connections", \.maxConnections, .whole(1...1_000_000), effect: .restart,
            "The most connections at once; more wait to be accepted."),
        Setting(
            "max-body", \.maxBodyBytes, .whole(1...(1 << 40)), effect: .restart,
            "The largest body of a request, in bytes, inflated."),
        Setting(
            "idle-timeout", \.idleTimeoutSeconds, .whole(1...86_400), effect: .restart,
            "Cut connections on which nothing moves for so many seconds."),
        Setting(
            "tls-cert", \.tlsCertificate, path.optional, effect: .restart,
            "A certificate chain, PEM; with it, HTTPS is spoken."),
        Setting("tls-key", \.tlsKey, path.optional, effect: .restart, "The certificate's private key, PEM."),
    ]

    private static let responding: [Setting<ServerSettings>] = [
        Setting(
            "threads", \.threads, SettingType.whole(1...1024).optional, absent: "one a processor",
            effect: .restart,
            "Threads that answer requests."),
        Setting("max-queue", \.maxQueue, ModelSettings.Limits.maxQueue, "The most requests that wait for a model."),
        Setting(
            "max-batch", \.maxBatch, ModelSettings.Limits.maxBatch,
            "The most requests that are run as one; 1 for no batches."),
        Setting(
            "batch-delay", \.batchDelayMilliseconds, ModelSettings.Limits.batchDelay,
            "The milliseconds that a request may wait for others to be run with."),
        Setting(
            "cache-memory", \.cacheBytes, .whole(0...(1 << 40)),
            "The bytes for what is kept from request to request, such as programs for shapes; what was unused longest goes."
        ),
        Setting(
            "timeout", \.timeoutSeconds, ModelSettings.Limits.timeout,
            "End a request after so many seconds, with status 504; 0 for never."),
        Setting(
            "memory-limit", \.memoryLimit, .memory(atLeast: .bytes(64 << 20)),
            "The memory for models, requests, runs, answers and caches together; a percentage is of the control group's limit, or of the machine."
        ),
        Setting(
            "run-memory", \.runMemory, SettingType.memory(atLeast: .bytes(1 << 20)).optional,
            absent: "4GiB, or memory-limit if that is less",
            "The most memory that one run may take; a percentage is of memory-limit."),
        Setting(
            "nan", \.nan, .choice(NaNPolicy.allCases.map { ($0.rawValue, $0) }), effect: .restart,
            "How NaN and infinities are written."),
    ]

    private static let serving: [Setting<ServerSettings>] = [
        Setting(
            "models", \.models, modelsType, absent: "those of the command line",
            "Models by name: a path, or what the table below lists."),
        Setting(
            "default-model", \.defaultModel, SettingType.text("a model's name").optional, absent: "the only one",
            "The model for requests to /predict that name none."),
        Setting(
            "defaults", \.defaults, DefaultValues.type, effect: .reload,
            "What placeholders are when a request does not feed them, for all models that have them."),
        Setting(
            "versions", \.versions, VersionPolicy.Selection.type,
            "Which versions of a model are loaded: the newest, so many of the newest, all, or these."),
        Setting(
            "variables", \.variables, VariablesMode.type.optional,
            absent: "read-only where a training switch decides what is assigned, else session", effect: .reload,
            "Whether requests may assign variables: read-only refuses those that would; in a session, later requests see what was assigned."
        ),
        Setting(
            "poll-interval", \.pollIntervalSeconds, .number(0...3600, "seconds"),
            "The seconds between two looks at the models' folders, beside what the system tells of changes; 0 for none."
        ),
        Setting(
            "wait-for-models", \.waitsForModels, .truth, effect: .restart,
            "Start without models, or with some that do not load, and serve them when they can be."),
        Setting(
            "follow-paths", \.followsPaths, .truth, effect: .restart,
            "Serve what a checkpoint file names in other folders; otherwise only files of its own folder are read."),
    ]

    private static let access: [Setting<ServerSettings>] = [
        Setting(
            "token-file", \.tokenFile, path.optional, absent: "none: everybody may ask",
            "Bearer tokens for requests, one a line."),
        Setting(
            "admin-token-file", \.adminTokenFile, path.optional, absent: "none: nobody may",
            "Bearer tokens for loading and unloading models, one a line."),
        Setting(
            "cors-origin", \.corsOrigins, .list(of: .text("an origin, such as https://example.com, or *")),
            isList: true, effect: .restart,
            "A web origin whose pages may ask; repeatable, * for all."),
    ]

    private static let stopping: [Setting<ServerSettings>] = [
        Setting(
            "log-level", \.logLevel, .choice(Logger.Level.allCases.map { ($0.rawValue, $0) }),
            "Log lines of this level and above."),
        Setting(
            "log-format", \.logFormat, .choice(LogFormat.allCases.map { ($0.rawValue, $0) }), effect: .restart,
            "How log lines are written."),
        Setting(
            "access-log", \.accessLog, SettingType.text("a path, or - for standard output").optional, effect: .restart,
            "Write a line of JSON for each request."),
        Setting(
            "drain-delay", \.drainDelaySeconds, .number(0...3600, "seconds"),
            "When stopping, say for so many seconds that the server is not ready, and answer still, before no more connections are taken."
        ),
        Setting(
            "drain-timeout", \.drainTimeoutSeconds, .number(0...3600, "seconds"),
            "When stopping, end after so many seconds at the latest, drain-delay included."),
    ]

    private static let modelsType = SettingType<[String: ModelSettings]>(
        expected: "names of models, and a path or settings for each",
        read: { node, problems in
            var models: [String: ModelSettings] = [:]
            for entry in node.entries(&problems) {
                var model = ModelSettings()
                if case .scalar(let path, _) = entry.value.content {
                    model.path = path
                    model.places["path"] = entry.value.place
                } else {
                    model.apply(entry.value, &problems)
                }
                if entry.name.isEmpty || entry.name.contains("/") {
                    problems.append(
                        SettingsProblem(
                            entry.place, "a model's name is not empty and has no \"/\", found \"\(entry.name)\""))
                }
                if model.places["classes"] != nil {
                    problems.append(
                        model.problem(
                            "classes", "class names lie in the model's folder: write classes into metaserve.yaml there")
                    )
                }
                problems += model.problems
                models[entry.name] = model
            }
            return models
        },
        text: { models in
            guard !models.isEmpty else { return nil }
            return models.sorted { $0.key < $1.key }.map { name, model in
                let lines = model.yaml(isComplete: false).split(separator: "\n").map { "\n    \($0)" }.joined()
                return "\n  \(YAMLText.quoted(name)):\(lines)"
            }.joined()
        })

    /// What does not fit together.
    var problems: [SettingsProblem] {
        var problems: [SettingsProblem] = []
        if tlsCertificate != nil, tlsKey == nil { problems.append(problem("tls-cert", "tls-cert needs tls-key")) }
        if tlsKey != nil, tlsCertificate == nil { problems.append(problem("tls-key", "tls-key needs tls-cert")) }
        if drainDelaySeconds > drainTimeoutSeconds {
            problems.append(
                problem(
                    "drain-delay",
                    "drain-delay \(YAMLText.number(drainDelaySeconds)) is longer than drain-timeout "
                        + "\(YAMLText.number(drainTimeoutSeconds)), which includes it"))
        }
        if case .bytes(let limit) = memoryLimit, case .bytes(let run)? = runMemory, run > limit {
            problems.append(
                problem(
                    "run-memory",
                    "run-memory \(MemorySize.bytes(run).text) is more than memory-limit \(memoryLimit.text), of which it is a part"
                ))
        }
        if host.hasPrefix("unix:"), !host.hasPrefix("unix:/") {
            problems.append(problem("host", "expected unix:/PATH with a full path, found \(host)"))
        }
        for origin in corsOrigins where !CORSRules.isOrigin(origin) {
            problems.append(
                problem("cors-origin", "expected an origin, such as https://example.com, or *, found \"\(origin)\""))
        }
        return problems
    }

    /// Reads a file, then flags, which win.
    ///
    /// - Throws: ``SettingsError`` with all that is wrong.
    init(file: String?, flags: [(key: String, texts: [String])] = []) throws(SettingsError) {
        self.init()
        var problems: [SettingsProblem] = []
        if let file {
            do throws(SettingsError) { apply(try SettingsNode(file: file), &problems) } catch {
                problems += error.problems
            }
            defaults.isShared = true
        }
        for flag in flags { apply(flag: flag.key, flag.texts, &problems) }
        problems += self.problems
        guard problems.isEmpty else { throw SettingsError(problems) }
    }
}

extension ServerSettings {
    /// Whether only programs on this machine can connect.
    var isLocal: Bool { socketPath != nil || host == "localhost" || host == "::1" || host.hasPrefix("127.") }

    /// The path of the socket to listen on, if it is one in the file system.
    var socketPath: String? { host.hasPrefix("unix:") ? String(host.dropFirst("unix:".count)) : nil }

    /// Whether the server listens on all addresses of this machine.
    var isEverywhere: Bool { host == "0.0.0.0" || host == "::" }

    /// Where the server listens, for people: an address that stands for all of this machine's is that, and no name of it.
    func listeningAddress(port: Int) -> ServerAddress {
        guard isEverywhere else { return address(port: port) }
        let scheme = tlsCertificate == nil ? "http" : "https"
        return ServerAddress(url: "\(scheme)://\(host == "::" ? "[::]" : host):\(port)")
    }

    /// Where a client finds the server.
    ///
    /// - Parameters:
    ///   - port: The port.
    ///   - everywhere: What the client calls this machine, where the server listens on all addresses.
    /// - Returns: The address.
    func address(port: Int, name everywhere: String = "localhost") -> ServerAddress {
        let scheme = tlsCertificate == nil ? "http" : "https"
        if let socketPath { return ServerAddress(url: "\(scheme)://localhost", socketPath: socketPath) }
        let name = isEverywhere ? everywhere : host.contains(":") ? "[\(host)]" : host
        return ServerAddress(url: "\(scheme)://\(name):\(port)")
    }
}
