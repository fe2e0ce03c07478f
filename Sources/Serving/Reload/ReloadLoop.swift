internal import Files
internal import Glibc
internal import Logging
internal import Threads

/// The thread that checks files, applies the rules, and publishes the result. It does not load models itself.
final class ReloadLoop {
    enum Message: Sendable {
        case report(LoaderThread.Report)
        case load(String, asker: String, RepositoryReply)
        case unload(String, asker: String, RepositoryReply)
        case reconfigure([ModelRegistry.ServedPath], ModelRegistry.Configuration)
        case rereadSettings
        case stop
    }

    private typealias Action = WatchedModel.Machine.Action

    private var configuration: ModelRegistry.Configuration
    private let state: ModelRegistry.State
    private let mailbox: Mailbox<Message>
    /// The orders for the loaders.
    private var orders: Mailbox<LoaderThread.Order>
    private let clock = ContinuousClock()
    private let watch: FolderWatch?
    /// The served paths, in the order in which they were given.
    private var sources: [ServedSource] = []
    private var nextSource = 0
    /// The models by id.
    private var models: [Int: WatchedModel] = [:]
    private var nextID: Int
    /// The number of concurrent loads: several at the start, then one.
    private var loaderCount: Int
    /// Whether the models are loaded for the first time. Loads take all processors then; later they give way to requests.
    private var isStarting = true
    private var loadsInFlight = 0
    /// The model that was loaded last. The others are next.
    private var lastLoaded = 0
    private var pollInterval: Duration
    private var hasFewWatches = false
    private var isStopped = false

    /// The minimum interval between checks of files that change continuously.
    private static let shortestGap = Duration.milliseconds(20)
    /// Periodic checks take at most this fraction of a processor.
    private static let restPerWork = 50

    /// Runs until a message says to stop.
    ///
    /// - Parameters:
    ///   - paths: The paths to serve.
    ///   - configuration: The configuration.
    ///   - state: The published state.
    ///   - mailbox: The messages to the loop.
    ///   - started: Called when all models were tried once. With an error, the loop ends.
    static func run(
        _ paths: [ModelRegistry.ServedPath], _ configuration: ModelRegistry.Configuration, _ state: ModelRegistry.State,
        _ mailbox: Mailbox<Message>, started: (ModelError?) -> Void
    ) {
        do throws(ModelError) {
            let loop = try ReloadLoop(paths, configuration, state, mailbox)
            do throws(ModelError) { try loop.start() } catch {
                loop.end()
                return started(error)
            }
            started(nil)
            while !loop.isStopped { loop.turn() }
            loop.end()
        } catch { started(error) }
    }

    private init(
        _ paths: [ModelRegistry.ServedPath], _ configuration: ModelRegistry.Configuration, _ state: ModelRegistry.State,
        _ mailbox: Mailbox<Message>
    ) throws(ModelError) {
        self.configuration = configuration
        self.state = state
        self.mailbox = mailbox
        orders = try Mailbox()
        watch = configuration.isWatching ? FolderWatch() : nil
        nextID = 0
        loaderCount = max(1, configuration.threadCount)
        pollInterval = configuration.pollInterval
        if pollInterval <= .zero, watch == nil { pollInterval = .seconds(1) }
        for path in paths { addSource(path) }
    }

    @discardableResult
    private func addSource(_ path: ModelRegistry.ServedPath) -> ServedSource {
        let source = ServedSource(
            index: nextSource, path, followsPaths: configuration.followsPaths, at: clock.now)
        nextSource += 1
        sources.append(source)
        return source
    }

    // MARK: - The start

    /// Loads all models once, several at a time.
    private func start() throws(ModelError) {
        for source in sources { try look(at: source, isStart: true) }
        let starters = min(loaderCount, max(1, models.count))
        loaderCount = starters
        for _ in 0..<starters { try startLoader(givesWay: false) }
        let pending = Pending(models.count)
        for model in ordered {
            model.replies.append { _ in pending.finish() }
            perform(model.load(at: clock.now), model)
        }
        while !pending.isDone, !isStopped { turn() }
        for _ in 0..<starters { orders.send(.end) }
        loaderCount = 1
        isStarting = false
        // A separate mailbox, so that this thread does not take the others' orders to end.
        orders = try Mailbox()
        try startLoader(givesWay: true)
        guard !isStopped else { return }
        for source in sources where !source.isServed {
            guard configuration.waits else { throw reason(of: source) }
            if source.models.isEmpty { log(.warning, "\(reason(of: source)); waiting for it") }
        }
        for stranger in sources.flatMap(\.strangers) { log(stranger.isProblem ? .warning : .notice, stranger.reason) }
    }

    /// A countdown, used only on the loop's thread.
    // Safety: replies are called on the loop's thread.
    private final class Pending: @unchecked Sendable {
        private var count: Int
        init(_ count: Int) { self.count = count }
        func finish() { count -= 1 }
        var isDone: Bool { count <= 0 }
    }

    private func startLoader(givesWay: Bool) throws(ModelError) {
        let mailbox = mailbox
        try LoaderThread.start(orders, givesWay: givesWay) { mailbox.send(.report($0)) }
    }

    /// The reason why nothing of a path is served.
    private func reason(of source: ServedSource) -> ModelError {
        let failed = source.models.sorted().compactMap { models[$0] }
        guard let first = failed.first else {
            do throws(ModelError) { _ = try ModelFolders.find(in: source.path) } catch { return error }
            return ModelError(.notThere, "\(source.path): contains no model")
        }
        guard case .failure(let error) = first.machine.outcome else {
            return ModelError(.incomplete, "\(first.path): is not loaded")
        }
        guard failed.count > 1 else { return error }
        return ModelError(error.failure ?? .broken, "\(error) (and \(failed.count - 1) more cannot be loaded)")
    }

    // MARK: - A turn

    private var ordered: [WatchedModel] { models.keys.sorted().compactMap { models[$0] } }

    private func turn() {
        wait(until: nextTime)
        for message in mailbox.take() { handle(message) }
        guard !isStopped else { return }
        takeChanges()
        let start = clock.now
        let work = Self.threadTime
        for source in sources where isDue(source, start) {
            do throws(ModelError) { try look(at: source, isStart: false) } catch { log(.error, "\(error)") }
        }
        for model in ordered where isDue(model, start) { look(at: model) }
        rest(after: Self.threadTime - work)
        load()
    }

    /// The processor time of this thread.
    private static var threadTime: Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    /// Reduces the frequency of expensive checks.
    private func rest(after work: Duration) {
        guard work * Self.restPerWork > pollInterval else { return }
        let next = clock.now.advanced(by: min(work * Self.restPerWork, .seconds(60)))
        for model in models.values { model.nextPoll = max(model.nextPoll, next) }
        for source in sources { source.nextPoll = max(source.nextPoll, next) }
    }

    private var nextTime: ContinuousClock.Instant? {
        var times: [ContinuousClock.Instant] = []
        for model in models.values {
            if let next = model.nextLook { times.append(next) }
            if model.isDirty { times.append(model.lastLook?.advanced(by: Self.shortestGap) ?? clock.now) }
            if pollInterval > .zero { times.append(model.nextPoll) }
        }
        for source in sources where !source.isModel {
            if let next = source.nextLook { times.append(next) }
            if source.isDirty { times.append(source.lastLook?.advanced(by: Self.shortestGap) ?? clock.now) }
            if pollInterval > .zero { times.append(source.nextPoll) }
        }
        return times.min()
    }

    private func wait(until time: ContinuousClock.Instant?) {
        var polled = [mailbox.polled] + (watch.map { [$0.polled] } ?? [])
        let timeout = time.map { clock.now.duration(to: $0).pollMilliseconds } ?? -1
        poll(&polled, nfds_t(polled.count), timeout)
    }

    private func takeChanges() {
        switch watch?.changes() {
        case .any?:
            for model in models.values { model.isDirty = true }
            for source in sources { source.isDirty = true }
        case .of(let users)?:
            for user in users {
                models[user]?.isDirty = true
                if user < 0 { sources.first { $0.watcher == user }?.isDirty = true }
            }
        case nil: break
        }
    }

    private func isDue(_ model: WatchedModel, _ now: ContinuousClock.Instant) -> Bool {
        if let next = model.nextLook, next <= now { return true }
        if model.isDirty, model.lastLook.map({ $0.duration(to: now) >= Self.shortestGap }) ?? true { return true }
        guard pollInterval > .zero, model.nextPoll <= now else { return false }
        model.nextPoll = now.advanced(by: pollInterval)
        return model.mayHaveChanged()
    }

    private func isDue(_ source: ServedSource, _ now: ContinuousClock.Instant) -> Bool {
        if source.isModel { return false }
        if let next = source.nextLook, next <= now { return true }
        if source.isDirty, source.lastLook.map({ $0.duration(to: now) >= Self.shortestGap }) ?? true { return true }
        guard pollInterval > .zero, source.nextPoll <= now else { return false }
        source.nextPoll = now.advanced(by: pollInterval)
        return source.mayHaveChanged()
    }

    // MARK: - Messages

    private func handle(_ message: Message) {
        switch message {
        case .stop: isStopped = true
        case .report(.loaded(let job, let result)):
            loadsInFlight -= 1
            guard let model = models[job.model] else {
                if case .success(let version) = result {
                    orders.send(.release(model: job.model, serial: job.load.serial, version))
                }
                return
            }
            perform(model.finish(job, result, at: clock.now), model)
        case .report(.released(let id, let serial)):
            if let model = models[id] { perform(model.released(serial: serial, at: clock.now), model) }
        case .load(let name, let asker, let reply):
            guard let model = find(name) else { return reply(.failure(missing(name))) }
            model.replies.append(reply)
            perform(model.load(by: asker, at: clock.now), model)
        case .unload(let name, let asker, let reply):
            guard let model = find(name) else { return reply(.failure(missing(name))) }
            perform(model.unload(by: asker, at: clock.now), model)
            reply(.success(0))
        case .reconfigure(let paths, let configuration): reconfigure(paths, configuration)
        case .rereadSettings: for model in ordered { perform(model.readSettings(at: clock.now), model) }
        }
    }

    /// Applies other paths and settings.
    private func reconfigure(_ paths: [ModelRegistry.ServedPath], _ new: ModelRegistry.Configuration) {
        configuration = new
        pollInterval = new.pollInterval
        if pollInterval <= .zero, watch == nil || hasFewWatches { pollInterval = .seconds(1) }
        let gone = sources.filter { !paths.contains($0.served) }
        sources.removeAll { !paths.contains($0.served) }
        for source in gone {
            for model in source.models.compactMap({ models[$0] }) {
                remove(model, of: source, "the settings no longer name it")
            }
            watch?.forget(source.watcher)
        }
        for model in ordered { perform(model.reconfigure(new, at: clock.now), model) }
        let known = Set(sources.map(\.served))
        for path in paths where !known.contains(path) {
            let source = addSource(path)
            do throws(ModelError) { try look(at: source, isStart: false) } catch { log(.error, "\(error)") }
        }
        publishCatalog()
        if sources.allSatisfy(\.isServed) { state.isReady.raise() }
    }

    /// The model with that name, possibly one whose folder has just appeared.
    private func find(_ name: String) -> WatchedModel? {
        if let model = served(as: name) { return model }
        for source in sources {
            do throws(ModelError) { try look(at: source, isStart: false) } catch { log(.error, "\(error)") }
        }
        return served(as: name)
    }

    private func served(as name: String) -> WatchedModel? {
        models.values.first { $0.name.isExactly(name) } ?? models.values.first { $0.name == name }
    }

    private func missing(_ name: String) -> RepositoryError {
        if let reason = sources.lazy.compactMap({ $0.refusal(of: name) }).first {
            return RepositoryError(.failed, reason)
        }
        let names = models.values.map(\.name).sorted().map { "\"\($0)\"" }.joined(separator: ", ")
        return RepositoryError(.unknownModel, "there is no model \"\(name)\"; there are \(names)")
    }

    // MARK: - Models

    private func look(at model: WatchedModel) {
        perform(model.look(clock), model)
        watchFolders(model.folders, for: model.id) { model.isDirty = true }
    }

    private func look(at source: ServedSource, isStart: Bool) throws(ModelError) {
        let actions = source.look(clock, timing: configuration.timing)
        for notice in source.notices { log(.warning, notice) }
        if source.isModel, source.models.isEmpty {
            try add(source.path, source.modelName, source, isStart: isStart)
        }
        for action in actions {
            switch action {
            case .add(let name): try add(source.folder(name), name, source, isStart: isStart)
            case .remove(let name): remove(name, of: source)
            case .warn(let reason): log(.warning, "\(source.path): \(reason); the loaded models stay in service")
            case .back: log(.notice, "\(source.path): the model folders have reappeared")
            }
        }
        if source.isModel {
            // From now on, the model itself is checked.
            watch?.forget(source.watcher)
        } else {
            watchFolders(source.folders, for: source.watcher) { source.isDirty = true }
        }
    }

    /// Adds a model. After the start, a model that cannot be added is logged and tried again later.
    private func add(
        _ path: String, _ name: String, _ source: ServedSource, isStart: Bool
    ) throws(ModelError) {
        do throws(ModelError) {
            try add(path, name: name, source)
            source.accept(path)
        } catch {
            if isStart { throw error }
            if source.refuse(path, error) { log(.error, "\(error)") }
        }
    }

    private func watchFolders(_ folders: [String], for user: Int, isNew: () -> Void) {
        guard let watch else { return }
        let result = watch.watch(folders, for: user)
        if result.isNew { isNew() }
        guard !result.isComplete, !hasFewWatches else { return }
        hasFewWatches = true
        if pollInterval <= .zero { pollInterval = .seconds(1) }
        log(.notice, "the kernel has no inotify watches left: some folders are polled every \(pollInterval)")
    }

    private func add(_ path: String, name: String, _ source: ServedSource) throws(ModelError) {
        if let other = models.values.first(where: { $0.name.isExactly(name) }) {
            throw ModelError(.broken, "\(path): another model is already named \"\(name)\", at \(other.path)")
        }
        let model = try WatchedModel(
            id: nextID, path: path, source: source, name: name, configuration, at: clock.now)
        nextID += 1
        models[model.id] = model
        source.models.insert(model.id)
        publishCatalog()
    }

    private func remove(_ name: String, of source: ServedSource) {
        let found = source.models.compactMap { models[$0] }.first { $0.name.isExactly(name) }
        if let model = found { remove(model, of: source, "\(model.path) was removed") }
    }

    private func remove(_ model: WatchedModel, of source: ServedSource, _ why: String) {
        models[model.id] = nil
        source.models.remove(model.id)
        watch?.forget(model.id)
        publishCatalog()
        release(model.close(), of: model)
        for reply in model.replies { reply(.failure(RepositoryError(.failed, "\(model.path) was removed"))) }
        log(.notice, "\(why): model \"\(model.name)\" is no longer served")
    }

    private func perform(_ actions: [Action], _ model: WatchedModel) {
        for action in actions {
            switch action {
            case .log(let notice): model.log(notice)
            case .publish: publish(model)
            case .reply(let result):
                let replies = model.replies
                model.replies = []
                for reply in replies { reply(result.mapError { RepositoryError(.failed, $0.message) }) }
            }
        }
    }

    private func publish(_ model: WatchedModel) {
        let wasLoaded = model.served.versions.current != nil
        let retired = model.publish()
        let isLoaded = model.served.versions.current != nil
        if isLoaded { sources.first { $0.index == model.source }?.isServed = true }
        if isLoaded != wasLoaded { publishCatalog() }
        release(retired, of: model)
        if sources.allSatisfy(\.isServed) { state.isReady.raise() }
    }

    private func release(_ versions: [(serial: Int, version: ModelVersion)], of model: WatchedModel) {
        for (serial, version) in versions { orders.send(.release(model: model.id, serial: serial, version)) }
    }

    private func publishCatalog() {
        state.catalog.replace(with: Catalog(ordered.map(\.served), defaultName: configuration.defaultModel))
    }

    private func load() {
        let order = ordered
        let start = order.firstIndex { $0.id > lastLoaded } ?? 0
        for model in order[start...] + order[..<start] where loadsInFlight < loaderCount {
            let helpers = isStarting ? configuration.helpers : nil
            guard let (job, actions) = model.nextLoad(at: clock.now, helpers: helpers) else { continue }
            loadsInFlight += 1
            lastLoaded = model.id
            orders.send(.load(job))
            perform(actions, model)
        }
    }

    private func log(_ level: Logger.Level, _ message: String) {
        configuration.logger.log(level: level, "\(message)")
    }

    static let stopping = RepositoryError(.refused, "the server is stopping")

    private func end() {
        orders.send(.end)
        for model in models.values {
            for reply in model.replies { reply(.failure(Self.stopping)) }
        }
        for message in mailbox.take() {
            switch message {
            case .load(_, _, let reply), .unload(_, _, let reply): reply(.failure(Self.stopping))
            case .report, .reconfigure, .rereadSettings, .stop: break
            }
        }
    }
}
