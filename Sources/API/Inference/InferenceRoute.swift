internal import HTTPMessages
internal import Memory
internal import Serving
internal import Threads

/// Handles the inference requests of one protocol: finds the version, passes the request to the scheduler, and keeps finished tasks for
/// reuse.
final class InferenceRoute: Sendable {
    /// Refuses bodies that the protocol does not support, by their headers.
    typealias CheckType = @Sendable (HTTPHeaders) throws(RequestError) -> Void
    typealias Make = @Sendable (RequestWorkspace, InferenceRoute) -> RequestTask

    let options: Service.Options
    private let form: ModelStatistics.Form
    private let scheduler: Scheduler
    private let recorder: RequestRecorder
    let finishing: ResponseFinishing
    private let make: Make
    private let checkType: CheckType
    private let waiting: ObjectPool<RequestTask>
    private let holder: MemoryHolder

    /// - Parameters:
    ///   - form: The protocol, for the statistics.
    ///   - context: The state that all routes share.
    ///   - checkType: Checks the body's media type before the body is received.
    ///   - make: Makes a task of the protocol.
    init(
        _ form: ModelStatistics.Form, _ context: Service.Context, checkType: @escaping CheckType, make: @escaping Make
    ) {
        self.checkType = checkType
        self.form = form
        scheduler = context.scheduler
        options = context.options
        recorder = context.recorder
        finishing = context.finishing
        self.make = make
        waiting = ObjectPool(count: context.options.threadCount + 64)
        holder = MemoryHolder { [waiting] in waiting.removeAll() }
        options.memory?.add(holder)
    }

    /// Takes a task for a request, without a model yet.
    ///
    /// - Throws: ``RequestError`` 503 without memory.
    func task() throws(RequestError) -> RequestTask {
        if let task = waiting.take() { return task }
        guard let workspace = RequestWorkspace(options.memory) else {
            throw RequestError(503, "not enough memory for the request: try again later")
        }
        return make(workspace, self)
    }

    /// Keeps a finished task for reuse.
    func keep(_ task: RequestTask) {
        task.reset()
        waiting.give(task)
    }

    /// Checks the headers of a request before its body is received.
    ///
    /// - Parameters:
    ///   - headers: The request's headers.
    ///   - model: The model that the path names; nil if the body may name one.
    /// - Throws: ``RequestError`` 415 for a body that the protocol does not support.
    func admit(_ headers: HTTPHeaders, model: ServedModel?) throws(RequestError) {
        do throws(RequestError) {
            _ = try ContentCoding.ofBody(headers[.contentEncoding])
            try checkType(headers)
        } catch {
            guard let model else { throw error }
            let outcome = ModelStatistics.Outcome(form: form, status: error.status)
            model.statistics.record(outcome)
            var error = error
            error.inference = RequestRecorder.Inference(model: model, version: nil, label: nil, outcome: outcome)
            throw error
        }
    }

    /// Responds to a request to a model, now or later.
    func respond(
        _ exchange: HTTPExchange, model: ServedModel, version choice: VersionChoice
    ) throws(RequestError) -> HTTPOutcome {
        let task = try task()
        return try submit(task, exchange, model: model, version: choice)
    }

    /// Submits a task that has already read parts of the request.
    func submit(
        _ task: RequestTask, _ exchange: HTTPExchange, model: ServedModel, version choice: VersionChoice
    ) throws(RequestError) -> HTTPOutcome {
        let choice = choice.pinned(by: exchange.request.headers)
        let chosen = model.choose(choice)
        // The task does not keep it before it waits.
        defer { withExtendedLifetime(chosen) {} }
        do throws(RequestError) {
            guard let chosen else { throw ModelLookup.unknownVersion(choice, of: model) }
            try task.begin(exchange, model, chosen)
            switch scheduler.submit(task, to: model.queue) {
            case .done:
                record(task, exchange, model, chosen.version, chosen.label)
                keep(task)
                return .responded
            case .queued: return .later
            case .refused:
                throw RequestError(
                    429, "model \"\(model.name)\" has a full queue (--max-queue): try again later",
                    headers: [("Retry-After", "\(scheduler.waitingSeconds(of: model.queue))")])
            }
        } catch {
            let outcome = ModelStatistics.Outcome(form: form, status: error.status)
            count(outcome, of: task, model, chosen?.version, chosen?.label)
            var error = error
            error.inference = RequestRecorder.Inference(
                model: model, version: chosen?.version, label: chosen?.label, outcome: outcome)
            keep(task)
            throw error
        }
    }

    /// Finishes the response of a request, and records it.
    ///
    /// - Parameters:
    ///   - task: The request.
    ///   - exchange: Its exchange.
    ///   - model: Its model.
    ///   - version: The version that ran it.
    ///   - label: The label that selected the version, if there was one.
    func record(
        _ task: RequestTask, _ exchange: HTTPExchange, _ model: ServedModel, _ version: ModelVersion,
        _ label: LabelStatistics?
    ) {
        finishing.finish(exchange)
        var outcome = ModelStatistics.Outcome(form: form, status: exchange.response.status)
        outcome.times = task.times
        outcome.receivedBytes = exchange.request.body.count
        outcome.sentBytes = exchange.response.body.count
        count(outcome, of: task, model, version, label)
        recorder.record(
            exchange, RequestRecorder.Inference(model: model, version: version, label: label, outcome: outcome))
    }

    /// Counts a request for the model, the version, and the label.
    private func count(
        _ outcome: ModelStatistics.Outcome, of task: RequestTask, _ model: ServedModel, _ version: ModelVersion?,
        _ label: LabelStatistics?
    ) {
        model.statistics.record(outcome)
        version?.statistics.record(outcome.times, start: task.startNanoseconds, status: outcome.status)
        label?.outcomes.record(status: outcome.status, outcome.times)
    }
}
