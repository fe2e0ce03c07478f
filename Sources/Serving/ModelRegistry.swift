internal import LockFree

/// Which models there are, kept up to date.
package final class ModelRegistry: Sendable {
    /// What is the same for all models.
    package struct Configuration: Sendable {
        package var threadCount = 4
        package var defaultModel: String?
        package var defaults = DefaultValues()
        /// What may wait for a model.
        package var queue = ModelQueue.Limits()
        /// Makes what the API keeps with a version; called by the loader before the version is published.
        package var attach: @Sendable (Model) -> any AnyObject & Sendable

        package init(attach: @escaping @Sendable (Model) -> any AnyObject & Sendable) { self.attach = attach }
    }

    private let published: Published<Catalog>

    /// The models now. A request looks once.
    package var catalog: Catalog { published.current }

    /// A registry of models that are loaded already, which it does not keep up to date.
    package init(_ models: [Model], _ configuration: Configuration) {
        let served = models.map { model in
            let version = ModelVersion(model, attachment: configuration.attach(model))
            let statistics = ModelStatistics()
            return ServedModel(
                name: model.name,
                versions: VersionSet(
                    [version], current: version, states: [VersionState(number: version.number, phase: .available)]),
                queue: ModelQueue(configuration.queue, statistics: statistics), statistics: statistics)
        }
        published = Published(Catalog(served, defaultName: configuration.defaultModel))
    }
}
