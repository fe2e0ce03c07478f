internal import Execution
internal import HTTPMessages
internal import Serving
internal import Threads

/// An inference request of any protocol. Each protocol is a subclass that reads the request and writes the response.
///
/// Belongs to one thread at a time. It is reused after it is finished.
class RequestTask: InferenceTask {
    /// The request and its response.
    final private(set) var exchange: HTTPExchange?
    // Safety: the thread that submits the task keeps them until it has submitted it; then `kept` does.
    private final var ownModel: Unmanaged<ServedModel>?
    private final var ownVersion: Unmanaged<ModelVersion>?
    /// The label that selected the version, if there was one.
    final private(set) var label: LabelStatistics?
    /// The prepared calls of that version, which keeps them.
    final private(set) var calls: Unmanaged<VersionCalls>?
    final private(set) var callable: Unmanaged<Callable>?
    final private(set) var startNanoseconds: UInt64 = 0
    final private(set) var deadline: Deadline?
    final private(set) var abandonment: Flag?
    final var times = PhaseTimes()
    /// The prepared call for the request's names.
    final private(set) var call: PreparedCall?
    private var isInflated = false
    final let workspace: RequestWorkspace
    /// The route, which owns the task while the task waits for a request.
    // Safety: during a submission, the service keeps the route; then the task does.
    final unowned(unsafe) let route: InferenceRoute
    /// What the task uses, while it waits for its run or runs on another thread. References are not counted before, because threads that count
    /// references to the same object wait for each other.
    private final var kept: (route: InferenceRoute, model: ServedModel?, version: ModelVersion?)?

    init(_ workspace: RequestWorkspace, _ route: InferenceRoute) {
        self.workspace = workspace
        self.route = route
    }

    /// Reads the request's body: decodes the feeds into the workspace, and returns the call.
    ///
    /// - Throws: ``RequestError``, which becomes the response.
    func read(_ request: HTTPRequest, _ calls: VersionCalls) throws(RequestError) -> PreparedCall {
        throw RequestError(501, "not a protocol")
    }

    /// Writes the fetched tensors into the response.
    ///
    /// - Throws: ``RequestError``, which becomes the response instead.
    func write(
        _ outputs: UnsafeBufferPointer<TensorView>, of call: PreparedCall, to response: inout HTTPResponse
    ) throws(RequestError) {}

    /// Writes an error in the protocol's form.
    func write(_ error: RequestError, to response: inout HTTPResponse) { error.write(to: &response) }

    /// Clears the request, so that the task can be reused.
    func reset() {
        kept = nil
        exchange = nil
        ownModel = nil
        ownVersion = nil
        label = nil
        calls = nil
        call = nil
        callable = nil
        deadline = nil
        abandonment = nil
        times = PhaseTimes()
        isInflated = false
        workspace.reset()
    }

    /// Starts a request. The caller keeps the model and the version until it has submitted the task.
    ///
    /// - Throws: ``RequestError`` 400 for invalid headers.
    final func begin(
        _ exchange: HTTPExchange, _ model: ServedModel, _ chosen: VersionSet.Chosen
    ) throws(RequestError) {
        self.exchange = exchange
        ownModel = .passUnretained(model)
        ownVersion = .passUnretained(chosen.version)
        label = chosen.label
        // Safety: Service.attachment(for:) makes all attachments.
        calls = .passUnretained(unsafeDowncast(chosen.version.attachment, to: VersionCalls.self))
        abandonment = exchange.abandonment
        startNanoseconds = MonotonicClock.nanoseconds
        let timeout = try RequestTimeout.seconds(
            exchange.request.headers[.requestTimeout], limit: model.timeout(default: route.options.timeoutSeconds))
        deadline = timeout.map { Deadline(after: $0, from: startNanoseconds) }
        exchange.respondBy = deadline.map { Int(clamping: $0.nanoseconds) } ?? .max
    }

    /// The model.
    final var model: ServedModel? { ownModel?.takeUnretainedValue() }

    /// The version of the model.
    final var version: ModelVersion? { ownVersion?.takeUnretainedValue() }

    final func willWait() { kept = (route, model, version) }

    final var byteCount: Int { exchange?.request.body.count ?? 0 }

    /// Decompresses the request's body. Called once, before the body is read.
    final func inflate(_ exchange: HTTPExchange) throws(RequestError) {
        guard exchange.request.headers[.contentEncoding] != nil, !isInflated else { return }
        exchange.request = try route.finishing.compression.inflated(exchange.request, into: workspace.inflated)
        isInflated = true
    }

    final func prepare() -> Bool {
        guard let exchange, let calls else { return false }
        // The request was read already, and has waited for memory since.
        if callable != nil { return true }
        do throws(RequestError) {
            try inflate(exchange)
            let call = try calls.borrow { calls throws(RequestError) in try read(exchange.request, calls) }
            callable = .passUnretained(call.callable)
            self.call = call
            return true
        } catch {
            write(error, to: &exchange.response)
            return false
        }
    }

    final func withFeeds(_ body: (UnsafeBufferPointer<TensorView>) -> Void) { workspace.feeds.withFeeds(body) }

    final func deliver(_ outputs: UnsafeBufferPointer<TensorView>) {
        guard let exchange, let call else { return }
        do throws(RequestError) {
            try write(outputs, of: call, to: &exchange.response)
            let body = exchange.response.body
            if body.isTooLong {
                throw .badRequest("the response is longer than \(ResponseBuffer.maxBytes) bytes: fetch less")
            }
            if let refusal = body.refusal { throw RequestError(refusal, "the response") }
            guard !body.hasFailed else {
                throw RequestError(503, "not enough memory for the response: fetch less at once")
            }
        } catch { write(error, to: &exchange.response) }
    }

    final func fail(_ error: ModelError) {
        guard let exchange else { return }
        var error = RequestError(error)
        if error.status == RequestError.clientGone, exchange.isCutOff.isRaised { error = .serverEnds }
        if error.status == 400, let call {
            withFeeds { error = error.appending(BytesHint.text(for: $0, names: call.feedNames)) }
        }
        write(error, to: &exchange.response)
    }

    final func finish() {
        let exchange = exchange
        settle()
        exchange?.finish()
    }

    /// A separate call. After the response is handed back, the service may end immediately, so nothing here may reference it.
    @inline(never)
    private final func settle() {
        let route = route
        if let exchange, let model, let version { route.record(self, exchange, model, version, label) }
        route.keep(self)
    }
}
