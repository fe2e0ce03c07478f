internal import Glibc
package import Logging
package import Memory
package import Planning
internal import Settings
package import Threads

/// The served models, kept up to date.
///
/// One thread checks the files and decides (``ReloadLoop``), another loads and frees (``LoaderThread``). Requests only read the published
/// state, so neither a slow disk nor a load delays them.
package final class ModelRegistry: Sendable {
    /// Settings that are the same for all models.
    package struct Configuration: Sendable {
        package var threadCount = 4
        package var defaultModel: String?
        package var defaults = DefaultValues()
        /// The settings of single models, by name. They take precedence over those in the models' folders.
        package var models: [String: ModelSettings] = [:]
        /// The versions to load for models without their own setting.
        package var versions = VersionPolicy.Selection.latest(1)
        /// Whether requests may assign variables, for models without their own setting; nil for the mode that suits each graph.
        package var variables: VariablesMode?
        /// The limits of queues and batches, for models without their own.
        package var limits = ModelQueue.Limits()
        /// The time limit of a request in seconds, for models without their own; 0 for none, nil for the service's limit.
        package var timeoutSeconds: Double?
        /// The interval at which files are checked; zero to check them only after notifications.
        package var pollInterval = Duration.seconds(1)
        /// Whether the kernel notifies of changes (inotify).
        package var isWatching = true
        /// Whether to start without a model, and to wait for one.
        package var waits = false
        /// Whether a `checkpoint` file may name files of other folders.
        package var followsPaths = false
        package var timing = ReloadTiming()
        /// The account of the server's memory; nil for none.
        package var memory: MemoryAccount?
        /// The planner's passes, and the numbers of weights for models without their own setting.
        package var passes = PassOptions()
        /// Whether memory of weights that no plan reads is given back to the system.
        package var releasesWeights = false
        /// The source of helpers for the loads at the start; nil for none.
        package var helpers: (any HelperSource)?
        /// The cache of all models: programs, callables, prepared calls.
        package var caches = CacheBudget()
        package var logger = Logger(label: "metaserve", factory: { _ in SwiftLogNoOpLogHandler() })
        /// Makes the data that the API keeps with a version. The loader calls it before the version is published.
        package var attach: @Sendable (Model) -> any AnyObject & Sendable

        package init(attach: @escaping @Sendable (Model) -> any AnyObject & Sendable) { self.attach = attach }

        /// The settings of a model: those for its name, otherwise those of its folder.
        ///
        /// - Parameters:
        ///   - model: The name.
        ///   - own: The settings of its folder.
        /// - Returns: The settings. This configuration has the values of settings that neither has.
        func settings(of model: String, own: ModelSettings) -> ModelSettings { models[model]?.over(own) ?? own }

        /// Whether a model must be loaded again after a change of the configuration.
        ///
        /// - Parameters:
        ///   - model: The name.
        ///   - old: The previous configuration.
        /// - Returns: Whether a setting differs that is applied when a model is loaded.
        func reloads(_ model: String, after old: Configuration) -> Bool {
            if variables != old.variables || passes.precision != old.passes.precision { return true }
            if DefaultValues.type.text(defaults) != DefaultValues.type.text(old.defaults) { return true }
            let settings = models[model] ?? ModelSettings()
            return (old.models[model] ?? ModelSettings()).changes(to: settings).contains { $0.effect == .reload }
        }
    }

    /// The paths to serve.
    package struct ServedPath: Hashable, Sendable, ExpressibleByStringLiteral {
        /// A model's folder or file, or a folder of model folders.
        package let path: String
        /// The model's name; nil for the folder's name.
        package let name: String?

        package init(_ path: String, name: String? = nil) {
            self.path = path
            self.name = name
        }

        package init(stringLiteral path: String) { self.init(path) }
    }

    /// The state that the loop publishes.
    final class State: Sendable {
        let catalog: Published<Catalog>
        let isReady: Flag

        init(_ catalog: Catalog, isReady: Bool) {
            self.catalog = Published(catalog)
            self.isReady = Flag()
            if isReady { self.isReady.raise() }
        }
    }

    private let state: State
    private let mailbox: Mailbox<ReloadLoop.Message>?
    private let isStopped = Flag()
    /// The cache of all models.
    package let caches: CacheBudget

    /// The current models. A request reads them once.
    package var catalog: Catalog { state.catalog.current }

    /// The only model; nil if there are several, or none.
    package var onlyModel: ServedModel? {
        state.catalog.withCurrent { $0.models.count == 1 ? $0.models[0] : nil }
    }

    /// Whether a model of every given path is loaded.
    package var isReady: Bool { state.isReady.isRaised }

    /// A registry of loaded models, which are not kept up to date.
    package init(_ models: [Model], _ configuration: Configuration) {
        let served = models.map { model in
            let version = ModelVersion(model, attachment: configuration.attach(model))
            let served = ServedModel(
                name: model.name, configuration.models[model.name] ?? ModelSettings(), configuration)
            served.publish(
                VersionSet(
                    [version], current: version, states: [VersionState(number: version.number, phase: .available)]))
            return served
        }
        state = State(Catalog(served, defaultName: configuration.defaultModel), isReady: true)
        mailbox = nil
        caches = configuration.caches
    }

    /// Loads the models at some paths, and keeps them up to date until ``stop()``.
    ///
    /// - Throws: ``ModelError`` of kind `load` if no model of a path can be loaded, unless the registry waits for models; and if two models
    ///   have the same name.
    package init(_ paths: [ServedPath], _ configuration: Configuration) throws(ModelError) {
        let state = State(Catalog([], defaultName: configuration.defaultModel), isReady: false)
        let mailbox = try Mailbox<ReloadLoop.Message>()
        let start = try Awaited<ModelError?>()
        do throws(SystemThread.Failure) {
            try SystemThread { ReloadLoop.run(paths, configuration, state, mailbox, started: start.fulfil) }.detach()
        } catch { throw ModelError(.io, "cannot create a thread that watches models: \(error.reason)") }
        self.state = state
        self.mailbox = mailbox
        caches = configuration.caches
        if let error = start.wait(upTo: nil) ?? nil { throw error }
    }

    deinit { stop() }

    /// Stops checking files and loading models. Loaded models stay.
    package func stop() {
        isStopped.raise()
        mailbox?.send(.stop)
    }

    // MARK: - Commands

    /// Replaces the paths and the configuration: models are added and removed, and the others get their new settings. Requests are answered
    /// meanwhile. Settings that cannot change stay the same: threads, timing, notification of changes.
    ///
    /// - Parameters:
    ///   - paths: All paths to serve. A model that cannot be loaded is logged, and served as soon as it can be.
    ///   - configuration: The configuration.
    package func reconfigure(_ paths: [ServedPath], _ configuration: Configuration) {
        var configuration = configuration
        caches.limitBytes = configuration.caches.limitBytes
        configuration.caches = caches
        mailbox?.send(.reconfigure(paths, configuration))
    }

    /// Reads the settings in all models' folders again, now.
    package func rereadSettings() { mailbox?.send(.rereadSettings) }

    /// Loads the newest version of a model now, without waiting for quiet files. An unloaded model is kept up to date again.
    ///
    /// - Parameters:
    ///   - name: The model's name.
    ///   - asker: The requester, for the log.
    ///   - reply: Called with the result on the registry's thread.
    package func load(_ name: String, asker: String = "the program", reply: @escaping RepositoryReply) {
        send(.load(name, asker: asker, reply), reply)
    }

    /// Unloads all versions of a model, until ``load(_:asker:reply:)``. Requests in flight are answered.
    ///
    /// - Parameters:
    ///   - name: The model's name.
    ///   - asker: The requester, for the log.
    ///   - reply: Called on the registry's thread when no request finds the model any more.
    package func unload(_ name: String, asker: String = "the program", reply: @escaping RepositoryReply) {
        send(.unload(name, asker: asker, reply), reply)
    }

    private func send(_ message: ReloadLoop.Message, _ reply: RepositoryReply) {
        guard let mailbox else {
            return reply(.failure(RepositoryError(.refused, "the models of this server are fixed")))
        }
        guard !isStopped.isRaised else { return reply(.failure(ReloadLoop.stopping)) }
        mailbox.send(message)
    }

    /// Calls ``load(_:asker:reply:)``, and waits for the result.
    ///
    /// - Returns: The number of the version in service.
    /// - Throws: ``RepositoryError``.
    package func load(_ name: String, timeout: Duration = .seconds(60)) throws(RepositoryError) -> Int {
        try wait(timeout, "loading \"\(name)\"") { load(name, reply: $0) }
    }

    /// Calls ``unload(_:asker:reply:)``, and waits for the result.
    ///
    /// - Throws: ``RepositoryError``.
    package func unload(_ name: String, timeout: Duration = .seconds(60)) throws(RepositoryError) {
        _ = try wait(timeout, "unloading \"\(name)\"") { unload(name, reply: $0) }
    }

    private func wait(
        _ timeout: Duration, _ what: String, _ begin: (@escaping RepositoryReply) -> Void
    ) throws(RepositoryError) -> Int {
        let awaited: Awaited<Result<Int, RepositoryError>>
        do throws(ModelError) { awaited = try Awaited() } catch { throw RepositoryError(.refused, error.message) }
        begin(awaited.fulfil)
        guard let result = awaited.wait(upTo: timeout) else {
            throw RepositoryError(.timedOut, "\(what) takes longer than \(timeout); it continues")
        }
        return try result.get()
    }
}

/// A value that another thread sets once.
struct Awaited<Value: Sendable>: Sendable {
    private let mailbox: Mailbox<Value>

    /// - Throws: ``ModelError`` if there are no file descriptors left.
    init() throws(ModelError) { mailbox = try Mailbox() }

    @Sendable func fulfil(_ value: Value) { mailbox.send(value) }

    /// Waits for the value; nil after the timeout. Without a timeout, waits without limit.
    func wait(upTo timeout: Duration?) -> Value? {
        let end = timeout.map { ContinuousClock.now.advanced(by: $0) }
        while true {
            if let value = mailbox.take().first { return value }
            let left = end.map { ContinuousClock.now.duration(to: $0) }
            if let left, left <= .zero { return nil }
            // May end early, by a signal.
            mailbox.wait(upTo: left)
        }
    }
}
