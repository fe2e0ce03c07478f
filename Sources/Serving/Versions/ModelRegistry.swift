internal import Glibc
package import Logging
package import Memory
package import Planning
internal import Settings
internal import Threads

/// Which models there are, kept up to date.
///
/// One thread looks at the files and decides (``ReloadLoop``), another loads and frees (``LoaderThread``). Requests only read what
/// these publish: neither a slow disk nor a load makes one wait.
package final class ModelRegistry: Sendable {
    /// Settings that are the same for all models.
    package struct Configuration: Sendable {
        package var threadCount = 4
        package var defaultModel: String?
        package var defaults = DefaultValues()
        /// The settings of models that have their own, by name; they come before those in the models' folders.
        package var models: [String: ModelSettings] = [:]
        /// Which versions are loaded of models that do not say it.
        package var versions = VersionPolicy.Selection.latest(1)
        /// Whether requests may assign variables of models that do not say it; nil for what suits each graph.
        package var variables: VariablesMode?
        /// The limits of queues and batches, for models that have none of their own.
        package var limits = ModelQueue.Limits()
        /// The seconds after which a request is ended, where the model does not say it; 0 for never, nil for what the service says.
        package var timeoutSeconds: Double?
        /// How often files are looked at where nothing tells of changes; zero for only when told.
        package var pollInterval = Duration.seconds(1)
        /// Whether changes are asked of the kernel (inotify).
        package var isWatching = true
        /// Whether to begin without a model, and to wait for one.
        package var waits = false
        /// Whether a `checkpoint` file may name files of other folders.
        package var followsPaths = false
        package var timing = ReloadTiming()
        /// The account of the server's memory; nil for none.
        package var memory: MemoryAccount?
        /// The passes that plans go through.
        package var passes = PassOptions()
        /// Whether memory of weights that no plan reads is given back to the system.
        package var releasesWeights = false
        /// The cache of all models: programs, callables, prepared calls.
        package var caches = CacheBudget()
        package var logger = Logger(label: "metaserve", factory: { _ in SwiftLogNoOpLogHandler() })
        /// Makes what the API keeps with a version; called by the loader before the version is published.
        package var attach: @Sendable (Model) -> any AnyObject & Sendable

        package init(attach: @escaping @Sendable (Model) -> any AnyObject & Sendable) { self.attach = attach }

        /// The settings of a model: those for its name, otherwise those of its folder.
        ///
        /// - Parameters:
        ///   - model: The name.
        ///   - own: What its folder says.
        /// - Returns: The settings; what neither says, this configuration does.
        func settings(of model: String, own: ModelSettings) -> ModelSettings { models[model]?.over(own) ?? own }

        /// Whether a model must be loaded again where another configuration held before.
        ///
        /// - Parameters:
        ///   - model: The name.
        ///   - old: The configuration that held before.
        /// - Returns: Whether a setting is another one that is applied when a model is loaded.
        func reloads(_ model: String, after old: Configuration) -> Bool {
            if variables != old.variables { return true }
            if DefaultValues.type.text(defaults) != DefaultValues.type.text(old.defaults) { return true }
            let settings = models[model] ?? ModelSettings()
            return (old.models[model] ?? ModelSettings()).changes(to: settings).contains { $0.effect == .reload }
        }
    }

    /// The paths to serve.
    package struct ServedPath: Hashable, Sendable, ExpressibleByStringLiteral {
        /// A model's folder or file, or a folder of model folders.
        package let path: String
        /// The model's name; nil for that of the folder.
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

    /// The models now. A request looks once.
    package var catalog: Catalog { state.catalog.current }

    /// Whether of every path that was given a model is loaded.
    package var isReady: Bool { state.isReady.isRaised }

    /// A registry of models that are loaded already, which it does not keep up to date.
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

    /// Loads what is at some paths, and keeps it up to date until ``stop()``.
    ///
    /// - Throws: ``ModelError`` of kind `load` if of one path nothing can be loaded, unless that is to be waited for; and if two
    ///   models have the same name.
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

    /// Looks at no files any more, and loads nothing. What is loaded stays.
    package func stop() {
        isStopped.raise()
        mailbox?.send(.stop)
    }

    // MARK: - Commands

    /// Serves these paths from now on, by this configuration: models come and go, and those that stay take their settings over.
    /// Requests are answered all the while. What cannot change is left as it is: threads, timing, how changes are watched for.
    ///
    /// - Parameters:
    ///   - paths: All that is to be served. A model that cannot be loaded is logged, and served as soon as it can be.
    ///   - configuration: How.
    package func reconfigure(_ paths: [ServedPath], _ configuration: Configuration) {
        var configuration = configuration
        caches.limitBytes = configuration.caches.limitBytes
        configuration.caches = caches
        mailbox?.send(.reconfigure(paths, configuration))
    }

    /// Reads the settings in all models' folders again, now.
    package func rereadSettings() { mailbox?.send(.rereadSettings) }

    /// Loads the newest version of a model now, without waiting for quiet files; one that was unloaded is kept up to date again.
    ///
    /// - Parameters:
    ///   - name: The model's name.
    ///   - asker: Who wants it, for the log.
    ///   - reply: Told how it ended; called on the registry's thread.
    package func load(_ name: String, asker: String = "the program", reply: @escaping RepositoryReply) {
        send(.load(name, asker: asker, reply), reply)
    }

    /// Unloads all versions of a model, until ``load(_:asker:reply:)``. Requests in flight are answered.
    ///
    /// - Parameters:
    ///   - name: The model's name.
    ///   - asker: Who wants it, for the log.
    ///   - reply: Told when no request finds it any more; called on the registry's thread.
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

    /// Loads as ``load(_:asker:reply:)``, and waits for it.
    ///
    /// - Returns: The number of the version that serves.
    /// - Throws: ``RepositoryError``.
    package func load(_ name: String, timeout: Duration = .seconds(60)) throws(RepositoryError) -> Int {
        try wait(timeout, "loading \"\(name)\"") { load(name, reply: $0) }
    }

    /// Unloads as ``unload(_:asker:reply:)``, and waits for it.
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

/// A value that another thread gives, once.
struct Awaited<Value: Sendable>: Sendable {
    private let mailbox: Mailbox<Value>

    /// - Throws: ``ModelError`` if there are no file descriptors left.
    init() throws(ModelError) { mailbox = try Mailbox() }

    @Sendable func fulfil(_ value: Value) { mailbox.send(value) }

    /// The value; nil if it is not there in that time, which without one is for ever.
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
