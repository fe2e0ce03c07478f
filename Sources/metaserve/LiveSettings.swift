import API
import Files
import Glibc
import HTTPServer
import Logging
import Memory
import Serving
import Settings
import Threads

/// The settings in effect. A thread updates them when ``Source/file`` has changed, and at SIGHUP.
///
/// SIGHUP also reads tokens, certificates and the models' own settings again, and reopens the access log. Invalid settings change nothing, and
/// are logged.
final class LiveSettings: Sendable {
    /// The sources of settings.
    struct Source: Sendable {
        /// `--config`; nil without one.
        var file: String?
        /// Reads the settings of a file and the flags, which take precedence.
        var flags: @Sendable (_ file: String?) throws -> ServerSettings
        /// The paths of the command line.
        var paths: [String]
    }

    /// The parts of the server that apply settings.
    struct Parts: Sendable {
        let registry: ModelRegistry
        let access: AccessRules
        let accessLog: AccessLog?
        let server: HTTPServer
        let memory: MemoryAccount
        let levels: LogLevels
        let logger: Logger
    }

    private let source: Source
    private let parts: Parts
    private let settings: Locked<ServerSettings>

    /// The interval at which the file is checked.
    private static let lookMilliseconds: Int32 = 250

    init(_ settings: ServerSettings, _ source: Source, _ parts: Parts) {
        self.settings = Locked(settings)
        self.source = source
        self.parts = parts
    }

    /// The current settings.
    var current: ServerSettings { settings.withLock { $0 } }

    /// Starts the thread, which lives as long as the process.
    ///
    /// - Parameter hangUps: Rings at a SIGHUP.
    /// - Throws: `SystemThread.Failure`.
    func follow(_ hangUps: Alarm) throws(SystemThread.Failure) {
        // Changes count from here on. The first check detects changes since the file was read.
        let first = source.file.map { SettledFile($0) }
        try SystemThread { [self] in
            var file = first
            if file != nil { reload(isQuiet: true) }
            while true {
                if hangUps.wait(milliseconds: file == nil ? nil : Self.lookMilliseconds) {
                    file?.accept()
                    rereadAll()
                } else if file?.hasChanged(at: .now) == true {
                    reload()
                }
            }
        }.detach()
    }

    /// Performs the actions of SIGHUP.
    private func rereadAll() {
        parts.logger.notice("SIGHUP: reading settings, tokens and certificates again")
        do throws(AccessLog.Failure) { try parts.accessLog?.reopen() } catch {
            parts.logger.error("the access log is not reopened, and continues in the previous file: \(error)")
        }
        parts.access.reread()
        parts.server.rereadCertificates()
        if source.file != nil { reload() }
        parts.registry.rereadSettings()
    }

    /// Reads the file, and applies its settings.
    ///
    /// - Parameter isQuiet: Whether nothing is logged if nothing has changed.
    private func reload(isQuiet: Bool = false) {
        let old = current
        do {
            var new = try source.flags(source.file)
            let problems = ServedModels(parts.registry).problems(of: new, after: old)
            guard problems.isEmpty else { throw SettingsError(problems) }
            let files =
                old.tokenFile == new.tokenFile && old.adminTokenFile == new.adminTokenFile
                ? nil : try parts.access.read(tokenFile: new.tokenFile, adminTokenFile: new.adminTokenFile)
            let changes = log(old, new)
            new.keep(.restart, of: old)
            if !changes { return isQuiet ? () : parts.logger.info("settings unchanged") }
            if let files { parts.access.use(files) }
            take(new)
        } catch let error as SettingsError {
            for problem in error.problems { parts.logger.error("settings not applied: \(problem)") }
        } catch { parts.logger.error("settings not applied: \(error)") }
    }

    private func take(_ new: ServerSettings) {
        settings.withLock { $0 = new }
        new.apply(to: parts.memory)
        parts.levels.set(new.logLevel, models: new.modelLogLevels)
        parts.registry.reconfigure(new.servedPaths(source.paths), new.registryConfiguration(parts.logger, parts.memory))
    }

    /// Logs the changes.
    ///
    /// - Returns: Whether a setting has changed that can change while the server runs.
    private func log(_ old: ServerSettings, _ new: ServerSettings) -> Bool {
        var isChanged = false
        for change in old.changes(to: new) where change.key != "models" {
            isChanged = log(change) || isChanged
        }
        for name in Set(old.models.keys).union(new.models.keys).sorted() {
            switch (old.models[name], new.models[name]) {
            case (let old?, let new?):
                for change in old.changes(to: new) { isChanged = log(change, model: name) || isChanged }
            case (nil, _?):
                parts.logger.notice("model added to the settings", metadata: ["model": "\(name)"])
                isChanged = true
            case (_?, nil):
                parts.logger.notice("model removed from the settings", metadata: ["model": "\(name)"])
                isChanged = true
            case (nil, nil): break
            }
        }
        return isChanged
    }

    private func log(_ change: SettingChange, model: String? = nil) -> Bool {
        var metadata: Logger.Metadata = [
            "key": "\(change.key)", "old": "\(change.old)", "new": "\(change.new)",
        ]
        if let model { metadata["model"] = "\(model)" }
        guard change.effect != .restart else {
            parts.logger.warning("setting changed, effective after a restart of the server", metadata: metadata)
            return false
        }
        parts.logger.notice("setting changed", metadata: metadata)
        return true
    }
}
