internal import LockFree

/// A model under its name, whichever of its versions are loaded: it stays while these come and go.
package final class ServedModel: Sendable {
    package let name: String
    /// The name's UTF-8.
    package let nameBytes: [UInt8]
    package let queue: ModelQueue
    package let statistics: ModelStatistics
    private let published: Published<VersionSet>

    package init(name: String, versions: VersionSet, queue: ModelQueue, statistics: ModelStatistics) {
        self.name = name
        nameBytes = Array(name.utf8)
        self.queue = queue
        self.statistics = statistics
        published = Published(versions)
    }

    /// A model of which nothing is loaded yet.
    convenience init(name: String, loading configuration: ModelRegistry.Configuration) {
        self.init(
            name: name, versions: VersionSet([], current: nil), queue: ModelQueue(), statistics: ModelStatistics())
    }

    /// The versions now. A request looks once, and keeps the version that it takes.
    package var versions: VersionSet { published.current }

    /// Replaces the versions; for one thread, the loader's.
    ///
    /// - Returns: Those from before, which requests may still use.
    @discardableResult
    package func publish(_ versions: VersionSet) -> VersionSet { published.replace(with: versions) }
}
