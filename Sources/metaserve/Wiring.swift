import API
import Foundation
import HTTPServer
import Logging
import Serving
import Settings

// What the settings mean to the parts of the server: one function a part.
extension ServerSettings {
    var threadCount: Int { threads ?? ThreadBudget.processors }

    /// Writes log lines.
    func logger() -> Logger {
        let levels = models.compactMapValues { $0.logLevel.flatMap(Logger.Level.init(rawValue:)) }
        return Logger(label: "metaserve") { _ in LogLines(logLevel, modelLevels: levels, format: logFormat) }
    }

    /// What the service gets.
    ///
    /// - Throws: `SettingsProblem` for a file of tokens that cannot be used, `AccessLog.Failure`.
    func serviceOptions(_ logger: Logger) throws -> Service.Options {
        var options = Service.Options()
        options.nanPolicy = nan
        options.threadCount = threadCount
        options.timeoutSeconds = timeoutSeconds > 0 ? timeoutSeconds : nil
        options.version = Metaserve.version
        options.address = address(port: port)
        options.maxBodyBytes = maxBodyBytes
        options.accessLog = try accessLog.map { try AccessLog(path: $0) }
        options.cors = CORSRules(origins: corsOrigins)
        options.access = try AccessRules(tokenFile: tokenFile, adminTokenFile: adminTokenFile) { message, isProblem in
            logger.log(level: isProblem ? .error : .notice, "\(message)")
        }
        return options
    }

    /// What the HTTP server gets.
    func serverConfiguration() -> HTTPServer.Configuration {
        var configuration = HTTPServer.Configuration()
        configuration.host = host
        configuration.port = port
        configuration.threads = threadCount
        configuration.maxBodyBytes = maxBodyBytes
        configuration.idleTimeoutSeconds = idleTimeoutSeconds
        configuration.maxConnections = maxConnections
        return configuration
    }

    /// What the registry of models gets.
    func registryConfiguration() -> ModelRegistry.Configuration {
        var configuration = ModelRegistry.Configuration(attach: Service.attachment)
        configuration.threadCount = threadCount
        configuration.defaultModel = defaultModel
        configuration.defaults = defaults
        return configuration
    }
}

/// A model that is to be served.
struct ModelSource {
    let path: String
    /// The name; the path's own if nil.
    let name: String?
    let settings: ModelSettings
}

extension ServerSettings {
    /// The models of the command line and of the file.
    ///
    /// - Parameter paths: Those of the command line: models, or folders of models.
    /// - Returns: Those of the command line first.
    /// - Throws: `ModelError` for a path that is no model's; ``SettingsError`` for settings of a model that is nowhere.
    func sources(_ paths: [String]) throws -> [ModelSource] {
        let found = try paths.flatMap { try ModelFolders.find(in: $0) }
        var sources = found.map { path in
            let name = ModelFolders.name(of: path)
            return ModelSource(path: path, name: nil, settings: models[name] ?? ModelSettings())
        }
        for (name, settings) in models.sorted(by: { $0.key < $1.key }) {
            if let path = settings.path {
                sources.append(ModelSource(path: path, name: name, settings: settings))
            } else if !found.contains(where: { ModelFolders.name(of: $0) == name }) {
                throw SettingsError([
                    problem("models", "model \"\(name)\" has no path, and none of the given paths has it: add path")
                ])
            }
        }
        return sources
    }
}
