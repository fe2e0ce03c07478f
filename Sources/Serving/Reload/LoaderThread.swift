internal import Checkpoints
internal import Files
internal import Glibc
internal import Logging
internal import Memory
internal import Threads

/// A load to perform.
struct LoadJob: Sendable {
    let model: Int
    let load: ReloadMachine<ContinuousClock.Instant>.Load
    let name: String
    let defaults: DefaultValues
    /// The settings of the model's folder.
    let own: ModelSettings
    let configuration: ModelRegistry.Configuration
    /// The model in service.
    let previous: Model?
    /// Whether it must be able to compute everything that `previous` computes.
    let mustFit: Bool

    /// The source of helpers; nil for a load that gives way to requests.
    let helpers: (any HelperSource)?

    /// Loads, checks, warms up and verifies.
    func run() -> Result<ModelVersion, ModelError> {
        let start = ContinuousClock.now
        // While a load with helpers runs, its thread is one of those that compute.
        let slots = helpers?.borrow(upTo: 1) ?? 0
        defer { helpers?.giveBack(slots) }
        do throws(ModelError) {
            let model = try Model(
                load.candidate, name: name, threadCount: configuration.threadCount, defaults: defaults,
                own: own, variables: configuration.models[name]?.variables,
                standardVariables: configuration.variables, precision: configuration.models[name]?.precision,
                previous: previous,
                memory: configuration.memory, caches: configuration.caches, passes: configuration.passes,
                reading: ReadingOptions(
                    isOnDemand: configuration.releasesWeights, helpers: helpers, progress: progress))
            try requireOutputs(model)
            model.warmUp(like: previous, helpers: helpers)
            let warnings = model.replayWarmUpRequests(in: PathText.folder(of: load.candidate.path))
            try model.verifyWeights()
            model.releaseUnusedWeights()
            let attachment = configuration.attach(model)
            return .success(
                ModelVersion(
                    model, number: load.candidate.number, attachment: attachment, warnings: warnings,
                    loadMilliseconds: Double((ContinuousClock.now - start) / .microseconds(1)) / 1000))
        } catch { return .failure(error) }
    }

    private func requireOutputs(_ model: Model) throws(ModelError) {
        guard let previous, mustFit else { return }
        do throws(ModelError) { try model.requireOutputs(of: previous) } catch {
            // A tensor that does not verify may be the cause.
            try model.verifyWeights()
            throw error
        }
    }

    /// Logs how far a long load is.
    private var progress: ReadingProgress {
        var logger = configuration.logger
        logger[metadataKey: "model"] = "\(name)"
        let shared = logger
        return ReadingProgress { done, total in
            shared.info(
                "loading",
                metadata: [
                    "read": "\(AvailableMemory.text(done.bytes))", "of": "\(AvailableMemory.text(total.bytes))",
                    "tensors": "\(done.tensors) of \(total.tensors)",
                ])
        }
    }
}

/// A thread that loads models, one after the other, and releases those that are no longer in service, so that requests never free a model.
struct LoaderThread: Sendable {
    enum Order: Sendable {
        case load(LoadJob)
        case release(model: Int, serial: Int, ModelVersion)
        case end
    }

    enum Report: Sendable {
        case loaded(LoadJob, Result<ModelVersion, ModelError>)
        case released(model: Int, serial: Int)
    }

    /// The interval at which retired versions are checked for use.
    private static let lookEveryMicroseconds: UInt32 = 100_000
    private static let niceness: Int32 = 10

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - orders: The orders. Several threads may share them.
    ///   - givesWay: Whether the thread has the lowest priority.
    ///   - report: Called on the thread.
    /// - Throws: ``ModelError`` if there are no threads left.
    static func start(
        _ orders: Mailbox<Order>, givesWay: Bool, report: @escaping @Sendable (Report) -> Void
    ) throws(ModelError) {
        do throws(SystemThread.Failure) {
            try SystemThread {
                if givesWay { Self.giveWay() }
                var retired = RetiredVersions()
                func free() {
                    for (model, serial) in retired.release() { report(.released(model: model, serial: serial)) }
                }
                var isEnding = false
                while !isEnding {
                    orders.wait(upTo: retired.isEmpty ? nil : .microseconds(Self.lookEveryMicroseconds))
                    while !isEnding, let order = orders.takeFirst() {
                        switch order {
                        case .load(let job):
                            // Unused versions are released first, so that at most two versions need memory.
                            free()
                            report(.loaded(job, job.run()))
                        case .release(let model, let serial, let version): retired.add(version, model, serial)
                        case .end: isEnding = true
                        }
                    }
                    free()
                }
                while !retired.isEmpty {
                    usleep(Self.lookEveryMicroseconds)
                    free()
                }
            }.detach()
        } catch { throw ModelError(.io, "cannot create a thread that loads models: \(error.reason)") }
    }

    /// On Linux, niceness applies to a thread. The priority of its I/O follows it.
    private static func giveWay() {
        setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness)
        let batch: Int32 = 3
        var parameters = sched_param()
        sched_setscheduler(0, batch, &parameters)
    }
}

/// Versions that are no longer in service, but that requests may still use.
private struct RetiredVersions {
    private struct Entry {
        let model: Int
        let serial: Int
        var version: ModelVersion?
        var attachment: AnyObject?
        var content: Model?

        /// Whether nothing else references the version or its parts. Releases the parts that nothing else references.
        mutating func isFree() -> Bool {
            if isKnownUniquelyReferenced(&version) {
                attachment = version?.attachment
                content = version?.model
                version = nil
            }
            guard version == nil else { return false }
            if attachment != nil, isKnownUniquelyReferenced(&attachment) { attachment = nil }
            return attachment == nil && isKnownUniquelyReferenced(&content)
        }
    }

    private var entries: [Entry] = []

    var isEmpty: Bool { entries.isEmpty }

    mutating func add(_ version: ModelVersion, _ model: Int, _ serial: Int) {
        entries.append(Entry(model: model, serial: serial, version: version))
    }

    /// Frees the versions that nothing else references.
    mutating func release() -> [(model: Int, serial: Int)] {
        var released: [(model: Int, serial: Int)] = []
        for index in entries.indices.reversed() where entries[index].isFree() {
            released.append((entries[index].model, entries[index].serial))
            entries.remove(at: index)
        }
        if !released.isEmpty { FreedMemory.giveBack() }
        return released.reversed()
    }
}
