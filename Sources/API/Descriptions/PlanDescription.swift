internal import Execution
internal import HTTPMessages
internal import Operations
internal import Planning
internal import Serving
internal import Synchronization
internal import Tensors

/// `GET /models/NAME/plan`: the plans and programs that serve a model now.
final class PlanDescription: Sendable {
    private let registry: ModelRegistry
    /// Whether a listing is being made. A listing lowers a program again, so only one is made at a time, and uses one HTTP thread at most.
    private let isBusy = Atomic<Bool>(false)
    /// The maximum number of listed calls of a model.
    private static let maxCalls = 4

    init(_ registry: ModelRegistry) { self.registry = registry }

    var routes: [Route] {
        [
            .immediate(
                .get, "/models/{name}/plan",
                RouteDescription(
                    "The plans and programs that serve a model now", response: .object("name", "plans"))
            ) { [self] parameters, response throws(RequestError) in
                let served = try ModelLookup.model(parameters[0], in: registry.catalog)
                guard !isBusy.exchange(true, ordering: .acquiring) else {
                    throw RequestError(503, "another plan is being listed: try again")
                }
                defer { isBusy.store(false, ordering: .releasing) }
                write(served, &response)
            }
        ]
    }

    private func write(_ served: ServedModel, _ response: inout HTTPResponse) {
        var writer = JSONWriter(response.body)
        writer.object { writer in
            writer.key("name")
            writer.string(served.name)
            writer.key("plans")
            writer.beginList()
            for callable in served.versions.current?.model.compiled.prefix(Self.maxCalls) ?? [] {
                guard let latest = try? callable.explainLatest() else { continue }
                writer.object { Self.write(callable, latest.shapes, latest.explanation, &$0) }
            }
            writer.endList()
        }
    }

    private static func write(
        _ callable: Callable, _ shapes: [Shape], _ explanation: PlanExplanation, _ writer: inout JSONWriter
    ) {
        writer.key("feeds")
        writer.beginList()
        for (feed, shape) in zip(callable.feeds, shapes) {
            writer.object { writer in
                writer.key("name")
                writer.string(feed.name)
                writer.key("dtype")
                writer.string(feed.dtype.name)
                writer.key("shape")
                writer.list(shape.dimensions) { $0.integer($1) }
            }
        }
        writer.endList()
        writer.key("fetches")
        writer.list(callable.fetches) { $0.string($1.name) }
        writer.key("nodes")
        writer.list(explanation.stages.flatMap(\.rows)) { writer, row in writer.object { write(row, &$0) } }
        guard let program = explanation.program else { return }
        writer.key("arena_bytes")
        writer.integer(program.arenaBytes)
        writer.key("constant_bytes")
        writer.integer(program.constantBytes)
        writer.key("steps")
        writer.list(program.rows) { writer, row in writer.object { write(row, &$0) } }
    }

    private static func write(_ row: PlanRow, _ writer: inout JSONWriter) {
        writer.key("node")
        writer.integer(row.node)
        writer.key("op")
        writer.string(row.op)
        writer.key("names")
        writer.list(row.names) { $0.string($1) }
        writer.key("inputs")
        writer.list(row.inputs) { $0.string($1) }
        writer.key("outputs")
        writer.list(row.outputs) { $0.string($1) }
        if let condition = row.condition {
            writer.key("condition")
            writer.string(condition)
        }
    }

    private static func write(_ row: ProgramRow, _ writer: inout JSONWriter) {
        writer.key("kernel")
        writer.string(row.kernel)
        writer.key("op")
        writer.string(row.op)
        writer.key("names")
        writer.list(row.names) { $0.string($1) }
        writer.key("outputs")
        writer.list(row.outputs) { $0.string($1) }
        writer.key("bytes")
        writer.integer(row.byteCount)
        writer.key("scratch_bytes")
        writer.integer(row.scratchBytes)
    }
}

extension JSONWriter {
    fileprivate mutating func list<Element>(_ elements: [Element], _ body: (inout JSONWriter, Element) -> Void) {
        beginList()
        for element in elements { body(&self, element) }
        endList()
    }
}
