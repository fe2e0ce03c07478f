internal import Threads

/// A model under its name, whichever of its versions are loaded: it stays while these come and go.
package final class ServedModel: Sendable {
    package let name: String
    /// The name's UTF-8.
    package let nameBytes: [UInt8]
    package let queue: ModelQueue
    package let statistics: ModelStatistics
    /// The seconds after which a request is ended; 0 for never, nil for what holds for all models.
    package let timeoutSeconds: Double?
    private let published: Published<VersionSet>

    package init(
        name: String, versions: VersionSet, queue: ModelQueue, statistics: ModelStatistics,
        timeoutSeconds: Double? = nil
    ) {
        self.name = name
        self.timeoutSeconds = timeoutSeconds
        nameBytes = Array(name.utf8)
        self.queue = queue
        self.statistics = statistics
        published = Published(versions)
    }

    /// A model of which nothing is loaded yet.
    convenience init(name: String, _ settings: ModelSettings, _ configuration: ModelRegistry.Configuration) {
        let statistics = ModelStatistics()
        var limits = configuration.limits
        if let most = settings.maxQueue { limits.waiting = most }
        if let most = settings.maxBatch { limits.batch = most }
        if let delay = settings.batchDelayMilliseconds { limits.batchDelayNanoseconds = UInt64(max(0, delay) * 1e6) }
        self.init(
            name: name, versions: VersionSet([], current: nil), queue: ModelQueue(limits, statistics: statistics),
            statistics: statistics, timeoutSeconds: settings.timeoutSeconds)
    }

    /// The seconds after which a request is ended; nil for never.
    ///
    /// - Parameter shared: What holds for models that say nothing.
    /// - Returns: The seconds.
    package func timeout(default shared: Double?) -> Double? {
        guard let timeoutSeconds else { return shared }
        return timeoutSeconds > 0 ? timeoutSeconds : nil
    }

    /// The versions now. A request looks once, and keeps the version that it takes.
    package var versions: VersionSet { published.current }

    /// Replaces the versions; for one thread, the loader's.
    ///
    /// - Returns: Those from before, which requests may still use.
    @discardableResult
    package func publish(_ versions: VersionSet) -> VersionSet { published.replace(with: versions) }
}
