import API
import Execution
import Glibc
import HTTPServer
import Logging
import Memory
import Planning
import Serving
import Settings

// Configures the parts of the server from the settings, one function for each part.
extension ServerSettings {
    var threadCount: Int { threads ?? ThreadBudget.processors }

    /// The log levels of models with a level of their own.
    var modelLogLevels: [String: Logger.Level] {
        models.compactMapValues { $0.logLevel.flatMap(Logger.Level.init(rawValue:)) }
    }

    /// The memory limit, and the limit of one run.
    ///
    /// - Parameter total: The memory that the process may use; nil if unknown.
    /// - Returns: The limits in bytes for all uses together, and for one run.
    func memoryLimits(of total: Int?) -> (all: Int, run: Int) {
        let all = total.map { memoryLimit.bytes(of: $0) } ?? memoryLimit.bytes(of: Self.unknownMemory)
        return (all, min(all, runMemory?.bytes(of: all) ?? Session.defaultLimitBytes))
    }

    /// The assumed memory if the system does not report it.
    private static let unknownMemory = 8 << 30

    /// Sets the limits of the account.
    func apply(to memory: MemoryAccount) {
        let limits = memoryLimits(of: AvailableMemory.total())
        memory.limitBytes = limits.all
        memory.runLimitBytes = limits.run
    }

    /// The options of the service.
    ///
    /// - Throws: `SettingsProblem` for an unusable file of tokens, `AccessLog.Failure`.
    func serviceOptions(_ logger: Logger, _ memory: MemoryAccount? = nil) throws -> Service.Options {
        var options = Service.Options()
        options.nanPolicy = nan
        options.threadCount = threadCount
        options.timeoutSeconds = timeoutSeconds > 0 ? timeoutSeconds : nil
        options.memory = memory
        options.version = Metaserve.version
        options.maxBodyBytes = maxBodyBytes
        options.accessLog = try accessLog.map { try AccessLog(path: $0) }
        options.cors = CORSRules(origins: corsOrigins)
        options.access = try AccessRules(tokenFile: tokenFile, adminTokenFile: adminTokenFile) { message, isProblem in
            logger.log(level: isProblem ? .error : .notice, "\(message)")
        }
        return options
    }

    /// The configuration of the HTTP server.
    ///
    /// - Parameters:
    ///   - logger: The log for changes of certificates.
    ///   - service: The service that handles requests and admits bodies.
    ///   - memory: The account of the server's memory.
    /// - Returns: The configuration.
    func serverConfiguration(_ logger: Logger, _ service: Service, _ memory: MemoryAccount) -> HTTPServer.Configuration
    {
        var configuration = HTTPServer.Configuration()
        configuration.admit = { service.admit($0) }
        configuration.onRefusal = { service.noteRefusal($0) }
        configuration.memory = memory
        configuration.host = host
        configuration.port = port
        configuration.threads = threadCount
        configuration.maxBodyBytes = maxBodyBytes
        configuration.idleTimeoutSeconds = idleTimeoutSeconds
        configuration.maxConnections = maxConnections
        if let tlsCertificate, let tlsKey {
            configuration.tls = HTTPServer.TLS(certificatePath: tlsCertificate, keyPath: tlsKey)
        }
        configuration.onCertificate = { event in
            switch event {
            case .replaced: logger.notice("the certificate has changed and is in use")
            case .refused(let error):
                logger.error("the new certificate is not used, and the previous one stays in use: \(error)")
            }
        }
        return configuration
    }

    /// The configuration of the registry of models.
    func registryConfiguration(_ logger: Logger, _ memory: MemoryAccount? = nil) -> ModelRegistry.Configuration {
        var configuration = ModelRegistry.Configuration(attach: Service.attachment)
        configuration.threadCount = threadCount
        configuration.defaultModel = defaultModel
        configuration.defaults = defaults
        configuration.models = models
        configuration.versions = versions
        configuration.variables = variables
        configuration.limits.waiting = maxQueue
        configuration.limits.batch = maxBatch
        configuration.limits.batchDelayNanoseconds = UInt64(max(0, batchDelayMilliseconds) * 1e6)
        configuration.timeoutSeconds = timeoutSeconds
        configuration.pollInterval = .seconds(pollIntervalSeconds)
        configuration.waits = waitsForModels
        configuration.followsPaths = followsPaths
        configuration.memory = memory
        configuration.passes = PassOptions(disabled: Set(disabledPasses), precision: precision)
        configuration.releasesWeights = releasesWeights
        configuration.caches = CacheBudget(limitBytes: cacheBytes)
        configuration.logger = logger
        return configuration
    }
}

extension ServerSettings {
    /// The log fields of the message that the server listens: its address, and the address for clients if it listens on all addresses.
    func listeningMetadata(port: Int) -> Logger.Metadata {
        var metadata: Logger.Metadata = [
            "address": "\(listeningAddress(port: port))", "threads": .stringConvertible(threadCount),
        ]
        if isEverywhere {
            metadata["here"] = "\(address(port: port))"
            metadata["elsewhere"] = "\(address(port: port, name: Self.hostName))"
        }
        return metadata
    }

    /// The host name of this machine.
    private static var hostName: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { room in
            room.initialize(repeating: 0)
            guard let start = room.baseAddress, gethostname(start, room.count - 1) == 0 else { return "localhost" }
            return String(cString: start)
        }
    }

    /// The paths of the command line, then those of the file.
    func servedPaths(_ paths: [String]) -> [ModelRegistry.ServedPath] {
        paths.map { ModelRegistry.ServedPath($0) }
            + models.sorted { $0.key < $1.key }.compactMap { name, settings in
                settings.path.map { ModelRegistry.ServedPath($0, name: name) }
            }
    }
}
