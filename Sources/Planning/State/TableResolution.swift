internal import Graphs
internal import Kernels
package import Operations
internal import Synchronization
package import Tensors

/// The contents of tables that are not in the graph.
package protocol TableSource: Sendable {
    /// The keys and values that a checkpoint has of a table; nil where it has none.
    ///
    /// - Throws: ``OpError`` of kind `missingVariable` where they cannot be read.
    func restored(_ table: TableReference) throws(OpError) -> (keys: Tensor, values: Tensor)?

    /// A file's bytes.
    ///
    /// - Throws: ``OpError`` of kind `notFound`, or `unsupported` where the model may not read it.
    func content(ofFile path: String) throws(OpError) -> [UInt8]
}

/// A graph without a checkpoint or files.
package struct NoTables: TableSource {
    package init() {}

    package func restored(_ table: TableReference) throws(OpError) -> (keys: Tensor, values: Tensor)? { nil }

    package func content(ofFile path: String) throws(OpError) -> [UInt8] {
        throw OpError(.unsupported, "the file \"\(path)\" cannot be read here")
    }
}

/// The lookup tables of a session: each is built once, when a plan first needs it, from what the graph fills it with.
final class TableResolution: Sendable {
    private let graph: Graph
    private let variables: VariableStates
    private let inference: FactInference
    private let source: any TableSource
    private let state = Mutex(State())

    private struct Built {
        let table: LookupTable
        /// Whether its content is the graph's: the same in all versions of the model.
        let isOfGraph: Bool
    }

    private struct State {
        var tables: [String: Built] = [:]
        /// Nodes that fill tables, by table; nil before they have been looked for.
        var fillers: [String: [Int]]?
    }

    init(graph: Graph, variables: VariableStates, inference: FactInference, source: any TableSource) {
        self.graph = graph
        self.variables = variables
        self.inference = inference
        self.source = source
    }

    /// The op that reads a table in the place of one that reads a handle, and its inputs; other ops as they are.
    ///
    /// - Parameters:
    ///   - op: The op.
    ///   - inputs: The numbers of the node's inputs. A table's handle is the first.
    ///   - facts: What is known of all values.
    ///   - open: The tables that are being built.
    /// - Returns: The op and its inputs, and whether they are the same in all versions of the model.
    /// - Throws: ``OpError`` where the table has no content, or content that a graph may change.
    func bind(
        _ op: any Op, _ inputs: [Int], _ facts: [TensorFact], building open: Set<String>
    ) throws(OpError) -> (op: any Op, inputs: [Int], isOfGraph: Bool) {
        guard case .readsTable(let reading) = op.implementation else { return (op, inputs, true) }
        let reference = try reading.table(reading: inputs.map { facts[$0] })
        let built = try table(reference, open)
        return (reading.bound(to: built.table, reference), Array(inputs.dropFirst()), built.isOfGraph)
    }

    private func table(_ reference: TableReference, _ open: Set<String>) throws(OpError) -> Built {
        if let known = state.withLock({ $0.tables[reference.name] }) { return known }
        guard !open.contains(reference.name) else {
            throw OpError(.malformed, "the table \"\(reference.name)\" is filled with what it holds itself")
        }
        let built = try build(reference, open.union([reference.name]))
        return state.withLock { state in
            if let earlier = state.tables[reference.name] { return earlier }
            state.tables[reference.name] = built
            return built
        }
    }

    private func build(_ reference: TableReference, _ open: Set<String>) throws(OpError) -> Built {
        if let restored = try source.restored(reference) {
            let table = try TableFiller.table(reference, keys: restored.keys, values: restored.values)
            return Built(table: table, isOfGraph: false)
        }
        let fillers = fillers(of: reference.name)
        guard let filler = fillers.first(where: { !isRestored($0) }) ?? fillers.first else {
            guard reference.isMutable else {
                throw OpError(
                    .unsupported, "the table \"\(reference.name)\" is not filled by anything in the graph")
            }
            // Another version's checkpoint may have content for it.
            return Built(table: try TableFiller.empty(reference), isOfGraph: false)
        }
        let node = graph.nodes[filler]
        do throws(OpError) {
            guard let op = try OpTable.entries[node.op]?.make(NodeReader(node)) as? any TableInitializing else {
                throw OpError(.malformed, "does not fill tables")
            }
            var endpoints: [Endpoint] = []
            for input in node.inputs.dropFirst() { endpoints.append(try input.existing(for: node)) }
            let dtypes = [reference.key, reference.value]
            var inputs: [Tensor] = []
            var isOfGraph = true
            for (number, endpoint) in endpoints.enumerated() {
                inputs.append(try value(of: endpoint, dtypes[min(number, 1)], reference, open, &isOfGraph))
            }
            let table = try op.table(inputs, reference) { (path) throws(OpError) in
                isOfGraph = false
                return try source.content(ofFile: path)
            }
            return Built(table: table, isOfGraph: isOfGraph)
        } catch { throw error.at(node: node.name, op: node.op) }
    }

    /// The nodes that fill a table, in the graph's order.
    private func fillers(of table: String) -> [Int] {
        if let known = state.withLock({ $0.fillers }) { return known[table] ?? [] }
        var fillers: [String: [Int]] = [:]
        for (index, node) in graph.nodes.enumerated() where OpTable.traits(of: node.op).contains(.fillsTable) {
            guard case .endpoint(let handle)? = node.inputs.first,
                let name = inference.fact(of: handle)?.table?.name
            else { continue }
            fillers[name, default: []].append(index)
        }
        state.withLock { [fillers] in $0.fillers = fillers }
        return fillers[table] ?? []
    }

    /// Whether a filler's content comes from a checkpoint.
    private func isRestored(_ filler: Int) -> Bool {
        graph.nodes[filler].inputs.dropFirst().contains { input in
            guard case .endpoint(let endpoint) = input else { return false }
            return graph.nodes[origin(of: endpoint).node].op == "RestoreV2"
        }
    }

    /// What identities lead to.
    private func origin(of endpoint: Endpoint) -> Endpoint {
        var place = endpoint
        for _ in 0..<graph.nodes.count {
            let node = graph.nodes[place.node]
            guard node.op == "Identity", case .endpoint(let next)? = node.inputs.first else { break }
            place = next
        }
        return place
    }

    /// A tensor that does not depend on feeds: computed from the graph's constants, or read from the checkpoint. Of the latter
    /// `isOfGraph` tells.
    private func value(
        of endpoint: Endpoint, _ dtype: DataType, _ reference: TableReference, _ open: Set<String>,
        _ isOfGraph: inout Bool
    ) throws(OpError) -> Tensor {
        let origin = origin(of: endpoint)
        let node = graph.nodes[origin.node]
        if node.op == "RestoreV2", node.inputs.count == 3, case .endpoint(let names) = node.inputs[1] {
            isOfGraph = false
            let keys = try constant(names, reference, open, &isOfGraph).strings ?? []
            guard keys.indices.contains(origin.output) else {
                throw OpError(.malformed, "restores \(keys.count) tensors", node: node.name, op: node.op)
            }
            let key = String(decoding: keys[origin.output], as: UTF8.self)
            return try variables.constant(VariableReference(name: key, dtype: dtype, shape: .unknown))
        }
        // A SavedModel keeps the path of a vocabulary in a variable, which it assigns first.
        if let reading = try OpTable.entries[node.op]?.make(NodeReader(node)) as? any VariableReading,
            case .endpoint(let handle)? = node.inputs.first, let fact = inference.fact(of: handle)
        {
            isOfGraph = false
            return try variables.constant(try reading.variable(reading: [fact]))
        }
        return try constant(endpoint, reference, open, &isOfGraph)
    }

    private func constant(
        _ endpoint: Endpoint, _ reference: TableReference, _ open: Set<String>, _ isOfGraph: inout Bool
    ) throws(OpError) -> Tensor {
        var importer = PlanImporter(graph: graph, variables: variables, tables: self, statefulOps: StatefulOps())
        importer.openTables = open
        var (plan, missing) = try importer.build(feeds: [], fetches: [endpoint])
        let reached = try plan.infer(PassOptions(), importer.weights, foldLimitBytes: WeightEvaluation.maxBytes)
        missing = reached.compactMap { plan.missingFeed($0) } + missing
        guard missing.isEmpty else { throw .missing(missing) }
        if !plan.weights.areOfGraph { isOfGraph = false }
        guard let fetch = plan.fetches.first, let value = try importer.weights.elements(of: plan.facts[fetch.value])
        else {
            throw OpError(
                .unsupported,
                "the table \"\(reference.name)\" is filled with \"\(graph.nodes[endpoint.node].name)\", which is not constant"
            )
        }
        return value
    }
}
