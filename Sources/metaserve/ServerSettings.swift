import API
import Logging
import Memory
import Serving
import Settings
import Tensors

/// The settings of the server, from its flags and its file.
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
    var precision = Precision.fp32
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
    var releasesWeights = true
    var disabledPasses: [String] = []
    var tokenFile: String?
    var adminTokenFile: String?
    var tlsCertificate: String?
    var tlsKey: String?
    var models: [String: ModelSettings] = [:]
    var places: [String: String] = [:]
}

/// The format of log lines.
enum LogFormat: String, CaseIterable, Sendable {
    case text, json
}

extension ServerSettings {
    static let settings: [Setting<ServerSettings>] = listening + responding + serving + access + stopping

    private static let path = SettingType<String>.text("a path")

    private static let listening: [Setting<ServerSettings>] = [
        Setting(
            "host", \.host, .text("an address, a host name of this machine or unix:/PATH"), effect: .restart,
            "Address to listen on; 0.0.0.0 for all addresses, unix:/PATH for a Unix socket."),
        Setting("port", \.port, .whole(0...65535), effect: .restart, "Port to listen on; 0 for any free port."),
        Setting(
            "max-connections", \.maxConnections, .whole(1...1_000_000), effect: .restart,
            "Maximum number of open connections; further connections wait to be accepted."),
        Setting(
            "max-body", \.maxBodyBytes, .whole(1...(1 << 40)), effect: .restart,
            "Maximum size of a request body in bytes, after decompression."),
        Setting(
            "idle-timeout", \.idleTimeoutSeconds, .whole(1...86_400), effect: .restart,
            "Seconds without traffic after which a connection is closed."),
        Setting(
            "tls-cert", \.tlsCertificate, path.optional, effect: .restart,
            "Certificate chain in PEM format; enables HTTPS."),
        Setting("tls-key", \.tlsKey, path.optional, effect: .restart, "Private key of the certificate in PEM format."),
    ]

    private static let responding: [Setting<ServerSettings>] = [
        Setting(
            "threads", \.threads, SettingType.whole(1...1024).optional, absent: "one per processor",
            effect: .restart,
            "Number of requests that run at once."),
        Setting("max-queue", \.maxQueue, ModelSettings.Limits.maxQueue, "Maximum number of queued requests per model."),
        Setting(
            "max-batch", \.maxBatch, ModelSettings.Limits.maxBatch,
            "Maximum number of requests in a batch; 1 disables batching."),
        Setting(
            "batch-delay", \.batchDelayMilliseconds, ModelSettings.Limits.batchDelay,
            "Milliseconds that a request may wait for others to form a batch."),
        Setting(
            "cache-memory", \.cacheBytes, .whole(0...(1 << 40)),
            "Bytes for data that is cached between requests, such as programs for shapes; the least recently used entries are evicted."
        ),
        Setting(
            "timeout", \.timeoutSeconds, ModelSettings.Limits.timeout,
            "Seconds after which a request ends with status 504; 0 for no limit."),
        Setting(
            "memory-limit", \.memoryLimit, .memory(atLeast: .bytes(64 << 20)),
            "Memory for models, requests, runs, responses and caches together; a percentage refers to the control group's limit, or to the machine."
        ),
        Setting(
            "run-memory", \.runMemory, SettingType.memory(atLeast: .bytes(1 << 20)).optional,
            absent: "4GiB, or memory-limit if that is less",
            "Maximum memory of one run; a percentage refers to memory-limit."),
        Setting(
            "nan", \.nan, .choice(NaNPolicy.allCases.map { ($0.rawValue, $0) }), effect: .restart,
            "Form in which responses contain NaN and infinities."),
    ]

    private static let serving: [Setting<ServerSettings>] = [
        Setting(
            "models", \.models, modelsType, absent: "those of the command line",
            "Models by name: a path, or the settings of a model."),
        Setting(
            "default-model", \.defaultModel, SettingType.text("a model's name").optional, absent: "the only one",
            "Model for requests to /predict that do not name one."),
        Setting(
            "defaults", \.defaults, DefaultValues.type, effect: .reload,
            "Values of placeholders that a request does not feed, for all models that have them."),
        Setting(
            "versions", \.versions, VersionPolicy.Selection.type,
            "Versions of each model to load: the newest, the N newest, all, or the listed numbers."),
        Setting(
            "variables", \.variables, VariablesMode.type.optional,
            absent: "read-only if a training switch decides what is assigned, otherwise session", effect: .reload,
            "Whether requests may assign variables: read-only refuses such requests; with session, later requests see the assigned values."
        ),
        Setting(
            "precision", \.precision, Precision.type, effect: .reload,
            "Numbers that products keep their weights in: bf16 halves the memory and changes responses a little."),
        Setting(
            "poll-interval", \.pollIntervalSeconds, .number(0...3600, "seconds"),
            "Seconds between two polls of the models' folders, in addition to inotify; 0 disables polling."
        ),
        Setting(
            "wait-for-models", \.waitsForModels, .truth, effect: .restart,
            "Start even if models are missing or cannot be loaded, and serve them as soon as they can be."),
        Setting(
            "follow-paths", \.followsPaths, .truth, effect: .restart,
            "Follow paths in a checkpoint file that lead to other folders; otherwise only files of its own folder are read."
        ),
        Setting(
            "release-weights", \.releasesWeights, .truth, effect: .restart,
            "Give the memory of weights that runs do not read as they are in the checkpoint back to the system; they are read from the checkpoint again if a request needs one. The checkpoint's files stay open."
        ),
        Setting(
            "disable-pass", \.disabledPasses, .list(of: .text("a pass of the planner")), isList: true, effect: .restart,
            "Pass of the planner that does not run; repeatable."),
    ]

    private static let access: [Setting<ServerSettings>] = [
        Setting(
            "token-file", \.tokenFile, path.optional, absent: "none: every client is admitted",
            "File of bearer tokens for requests, one per line."),
        Setting(
            "admin-token-file", \.adminTokenFile, path.optional, absent: "none: no client may load or unload models",
            "File of bearer tokens for loading and unloading models, one per line."),
        Setting(
            "cors-origin", \.corsOrigins, .list(of: .text("an origin, such as https://example.com, or *")),
            isList: true, effect: .restart,
            "Web origin whose pages may send requests; repeatable, * for all."),
    ]

    private static let stopping: [Setting<ServerSettings>] = [
        Setting(
            "log-level", \.logLevel, .choice(Logger.Level.allCases.map { ($0.rawValue, $0) }),
            "Minimum level of log lines."),
        Setting(
            "log-format", \.logFormat, .choice(LogFormat.allCases.map { ($0.rawValue, $0) }), effect: .restart,
            "Format of log lines."),
        Setting(
            "access-log", \.accessLog, SettingType.text("a path, or - for standard output").optional, effect: .restart,
            "File for the access log, with one line of JSON per request."),
        Setting(
            "drain-delay", \.drainDelaySeconds, .number(0...3600, "seconds"),
            "Seconds after a stop signal during which the server reports that it is not ready, but still accepts connections."
        ),
        Setting(
            "drain-timeout", \.drainTimeoutSeconds, .number(0...3600, "seconds"),
            "Maximum number of seconds from a stop signal to the end of the process, including drain-delay."),
    ]

    private static let modelsType = SettingType<[String: ModelSettings]>(
        expected: "model names, each with a path or settings",
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
                            entry.place,
                            "expected a model name that is not empty and has no \"/\", found \"\(entry.name)\""))
                }
                if model.places["classes"] != nil {
                    problems.append(
                        model.problem(
                            "classes",
                            "class names belong to the model's folder: write classes into metaserve.yaml there")
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

    /// The settings that contradict each other.
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
                    "run-memory \(MemorySize.bytes(run).text) is more than memory-limit \(memoryLimit.text), which includes it"
                ))
        }
        if host.hasPrefix("unix:"), !host.hasPrefix("unix:/") {
            problems.append(problem("host", "expected unix:/PATH with a full path, found \(host)"))
        }
        for pass in disabledPasses {
            if let fault = Parse.fault(ofPass: pass) { problems.append(problem("disable-pass", fault)) }
        }
        for origin in corsOrigins where !CORSRules.isOrigin(origin) {
            problems.append(
                problem("cors-origin", "expected an origin, such as https://example.com, or *, found \"\(origin)\""))
        }
        return problems
    }

    /// Reads a file, then flags, which take precedence.
    ///
    /// - Throws: ``SettingsError`` with all problems.
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

    /// The path of the Unix socket to listen on, if there is one.
    var socketPath: String? { host.hasPrefix("unix:") ? String(host.dropFirst("unix:".count)) : nil }

    /// Whether the server listens on all addresses of this machine.
    var isEverywhere: Bool { host == "0.0.0.0" || host == "::" }

    /// The address that the server listens on, for messages. A wildcard address is shown as it is.
    func listeningAddress(port: Int) -> ServerAddress {
        guard isEverywhere else { return address(port: port) }
        let scheme = tlsCertificate == nil ? "http" : "https"
        return ServerAddress(url: "\(scheme)://\(host == "::" ? "[::]" : host):\(port)")
    }

    /// The address for clients of the server.
    ///
    /// - Parameters:
    ///   - port: The port.
    ///   - everywhere: The name of this machine, if the server listens on all addresses.
    /// - Returns: The address.
    func address(port: Int, name everywhere: String = "localhost") -> ServerAddress {
        let scheme = tlsCertificate == nil ? "http" : "https"
        if let socketPath { return ServerAddress(url: "\(scheme)://localhost", socketPath: socketPath) }
        let name = isEverywhere ? everywhere : host.contains(":") ? "[\(host)]" : host
        return ServerAddress(url: "\(scheme)://\(name):\(port)")
    }
}
