import ArgumentParser
import Serving
import Settings

/// The settings that `metaserve serve` takes as flags. ``ServerSettings/settings`` has their names, types and descriptions.
struct ServeFlags: ParsableArguments {
    @Option("host") var host: String?
    @Option("port") var port: String?
    @Option("max-connections") var maxConnections: String?
    @Option("max-body") var maxBody: String?
    @Option("idle-timeout") var idleTimeout: String?
    @Option("tls-cert", "FILE") var tlsCert: String?
    @Option("tls-key", "FILE") var tlsKey: String?
    @Option("threads") var threads: String?
    @Option("max-queue") var maxQueue: String?
    @Option("max-batch") var maxBatch: String?
    @Option("batch-delay") var batchDelay: String?
    @Option("cache-memory") var cacheMemory: String?
    @Option("timeout") var timeout: String?
    @Option("memory-limit") var memoryLimit: String?
    @Option("run-memory") var runMemory: String?
    @Option("nan") var nan: String?
    @Option("default-model", "NAME") var defaultModel: String?
    @Option(
        name: .customLong("default"),
        help: ArgumentHelp(
            "Value of a placeholder that a request does not feed, for all models that have it; repeatable.",
            valueName: "NAME=VALUE"),
        transform: Parse.defaultValue)
    var defaults: [NamedDefault] = []
    @Option("versions") var versions: String?
    @Option("variables") var variables: String?
    @Option("precision") var precision: String?
    @Option("poll-interval") var pollInterval: String?
    @Flag("wait-for-models") var waitForModels = false
    @Flag("follow-paths") var followPaths = false
    @Option("release-weights", "true|false") var releaseWeights: String?
    @Option("token-file", "FILE") var tokenFile: String?
    @Option("admin-token-file", "FILE", alias: "admin-token") var adminTokenFile: String?
    @Option("cors-origin", "ORIGIN") var corsOrigin: [String] = []
    @Option("disable-pass", "NAME") var disablePass: [String] = []
    @Option("log-level") var logLevel: String?
    @Option("log-format") var logFormat: String?
    @Option("access-log", "FILE") var accessLog: String?
    @Option("drain-delay") var drainDelay: String?
    @Option("drain-timeout") var drainTimeout: String?

    /// The given flags, by the settings' keys, without `default`.
    var given: [(key: String, texts: [String])] {
        let single: [(String, String?)] = [
            ("host", host), ("port", port), ("max-connections", maxConnections), ("max-body", maxBody),
            ("idle-timeout", idleTimeout), ("tls-cert", tlsCert), ("tls-key", tlsKey), ("threads", threads),
            ("max-queue", maxQueue), ("max-batch", maxBatch), ("batch-delay", batchDelay),
            ("cache-memory", cacheMemory), ("timeout", timeout), ("memory-limit", memoryLimit),
            ("run-memory", runMemory), ("nan", nan), ("default-model", defaultModel), ("versions", versions),
            ("variables", variables), ("precision", precision),
            ("poll-interval", pollInterval),
            ("wait-for-models", waitForModels ? "true" : nil), ("follow-paths", followPaths ? "true" : nil),
            ("release-weights", releaseWeights),
            ("token-file", tokenFile),
            ("admin-token-file", adminTokenFile), ("log-level", logLevel), ("log-format", logFormat),
            ("access-log", accessLog), ("drain-delay", drainDelay), ("drain-timeout", drainTimeout),
        ]
        return single.map { (key: $0, texts: $1.map { [$0] } ?? []) }
            + [(key: "cors-origin", texts: corsOrigin), (key: "disable-pass", texts: disablePass)]
    }

    /// The settings of a file, overridden by these flags.
    ///
    /// - Throws: ``SettingsError``; `ValidationError` if a default is given twice.
    func settings(file: String?) throws -> ServerSettings {
        var settings = try ServerSettings(file: file, flags: given)
        settings.defaults.values.merge(try Parse.values(of: defaults)) { $1 }
        return settings
    }
}

extension ArgumentHelp {
    fileprivate static func setting(_ key: String, _ valueName: String?) -> ArgumentHelp {
        guard let setting = ServerSettings.setting(key) else { return ArgumentHelp(stringLiteral: key) }
        return ArgumentHelp("\(setting.help) (default: \(setting.standard))", valueName: valueName?.lowercased())
    }
}

extension Option {
    /// A setting that takes one value.
    fileprivate init(_ key: String, _ valueName: String? = nil, alias: String? = nil) where Value == String? {
        let names = NameSpecification([.customLong(key)] + (alias.map { [.customLong($0)] } ?? []))
        self.init(name: names, help: .setting(key, valueName))
    }

    /// A setting that takes several.
    fileprivate init(wrappedValue: [String], _ key: String, _ valueName: String? = nil) where Value == [String] {
        self.init(wrappedValue: wrappedValue, name: .customLong(key), help: .setting(key, valueName))
    }
}

extension Flag where Value == Bool {
    /// A setting that is on or off.
    fileprivate init(wrappedValue: Bool, _ key: String) {
        self.init(wrappedValue: wrappedValue, name: .customLong(key), help: .setting(key, nil))
    }
}
