internal import HTTPMessages
internal import LockFree
internal import Serving

/// Where inference requests of one protocol go: finds the version, hands the request to the scheduler, and keeps the tasks that
/// are done for other requests.
final class InferenceRoute: Sendable {
    typealias Make = @Sendable (Workspace, InferenceRoute) -> RequestTask

    let options: Service.Options
    private let scheduler: Scheduler
    private let make: Make
    private let waiting: ObjectPool<RequestTask>

    init(_ scheduler: Scheduler, _ options: Service.Options, make: @escaping Make) {
        self.scheduler = scheduler
        self.options = options
        self.make = make
        waiting = ObjectPool(count: options.threadCount + 64)
    }

    /// A task for a request, without a model yet.
    ///
    /// - Throws: ``RequestError`` 503 without memory.
    func task() throws(RequestError) -> RequestTask {
        if let task = waiting.take() { return task }
        guard let workspace = Workspace() else {
            throw RequestError(503, "not enough memory for the request: try again later")
        }
        return make(workspace, self)
    }

    /// Keeps a task that is done.
    func keep(_ task: RequestTask) {
        task.reset()
        waiting.give(task)
    }

    /// Answers a request by a model, now or later.
    func respond(
        _ exchange: HTTPExchange, model: ServedModel, version choice: VersionChoice
    ) throws(RequestError) -> HTTPOutcome {
        let task = try task()
        return try submit(task, exchange, model: model, version: choice)
    }

    /// The same with a task that has looked at the request already.
    func submit(
        _ task: RequestTask, _ exchange: HTTPExchange, model: ServedModel, version choice: VersionChoice
    ) throws(RequestError) -> HTTPOutcome {
        guard let version = model.versions.version(choice) else {
            keep(task)
            throw Self.unknownVersion(choice, of: model)
        }
        // Safety: Service.attachment(for:) makes all attachments.
        task.begin(exchange, unsafeDowncast(version.attachment, to: VersionCalls.self))
        switch scheduler.submit(task, to: model.queue) {
        case .done:
            keep(task)
            return .answered
        case .queued: return .later
        case .refused:
            keep(task)
            throw RequestError(
                429, "model \"\(model.name)\" has as many requests waiting as --max-queue allows: try again later",
                headers: [("Retry-After", "1")])
        }
    }

    private static func unknownVersion(_ choice: VersionChoice, of model: ServedModel) -> RequestError {
        let loaded = model.versions.versions.map { "\($0.number)" }.joined(separator: ", ")
        return switch choice {
        case .any: RequestError(503, "model \"\(model.name)\" is not loaded")
        case .number(let number):
            RequestError(404, "model \"\(model.name)\" has no version \(number) loaded; loaded are \(loaded)")
        case .label(let label):
            RequestError(
                404,
                "model \"\(model.name)\" has no version labelled \"\(label)\"; labels are "
                    + model.versions.labels.keys.sorted().joined(separator: ", "))
        }
    }
}
