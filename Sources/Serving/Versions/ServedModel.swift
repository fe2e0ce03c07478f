internal import Synchronization
internal import Threads

/// A model under its name. It stays while its versions are loaded and unloaded.
package final class ServedModel: Sendable {
    package let name: String
    /// The name's UTF-8.
    package let nameBytes: [UInt8]
    package let queue: ModelQueue
    package let statistics: ModelStatistics
    /// The times of successful loads, in nanoseconds.
    package let loadTimes = Histogram.ofLoads()
    /// The time limit of a request in seconds, as bits; 0 for none, negative for the limit of all models.
    private let timeoutBits: Atomic<UInt64>
    private let published: Published<VersionSet>

    package init(
        name: String, versions: VersionSet, queue: ModelQueue, statistics: ModelStatistics,
        timeoutSeconds: Double? = nil
    ) {
        self.name = name
        timeoutBits = Atomic((timeoutSeconds ?? -1).bitPattern)
        nameBytes = Array(name.utf8)
        self.queue = queue
        self.statistics = statistics
        published = Published(versions)
    }

    /// A model without loaded versions.
    convenience init(name: String, _ settings: ModelSettings, _ configuration: ModelRegistry.Configuration) {
        let statistics = ModelStatistics()
        self.init(
            name: name, versions: VersionSet([], current: nil),
            queue: ModelQueue(Self.limits(settings, configuration), statistics: statistics), statistics: statistics,
            timeoutSeconds: settings.timeoutSeconds ?? configuration.timeoutSeconds)
    }

    /// Applies settings. Earlier requests keep their time limits.
    func apply(_ settings: ModelSettings, _ configuration: ModelRegistry.Configuration) {
        queue.limits = Self.limits(settings, configuration)
        let seconds = settings.timeoutSeconds ?? configuration.timeoutSeconds ?? -1
        timeoutBits.store(seconds.bitPattern, ordering: .relaxed)
    }

    private static func limits(
        _ settings: ModelSettings, _ configuration: ModelRegistry.Configuration
    ) -> ModelQueue.Limits {
        var limits = configuration.limits
        if let limit = settings.maxQueue { limits.waiting = limit }
        if let limit = settings.maxBatch { limits.batch = limit }
        if let delay = settings.batchDelayMilliseconds { limits.batchDelayNanoseconds = UInt64(max(0, delay) * 1e6) }
        return limits
    }

    /// The time limit of a request in seconds; nil for none.
    ///
    /// - Parameter shared: The limit for models without their own.
    /// - Returns: The seconds.
    package func timeout(default shared: Double?) -> Double? {
        let seconds = Double(bitPattern: timeoutBits.load(ordering: .relaxed))
        guard seconds >= 0 else { return shared }
        return seconds > 0 ? seconds : nil
    }

    /// The current versions. A request reads them once, and keeps the selected version.
    package var versions: VersionSet { published.current }

    /// The version for a request; nil if there is none.
    package func choose(_ choice: VersionChoice) -> VersionSet.Chosen? { published.withCurrent { $0.choose(choice) } }

    /// Replaces the versions. For one thread, the loader's.
    ///
    /// - Returns: The previous versions, which requests may still use.
    @discardableResult
    package func publish(_ versions: VersionSet) -> VersionSet { published.replace(with: versions) }
}
