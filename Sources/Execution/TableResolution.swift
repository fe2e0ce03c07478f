internal import Graphs
internal import Kernels
package import Operations
internal import Synchronization
internal import Tensors

/// Reads the files that a graph names: vocabularies.
package protocol FileSource: Sendable {
    /// A file's bytes.
    ///
    /// - Throws: ``CompileError`` of kind `notFound`, or `unsupported` where the model may not read it.
    func content(ofFile path: String) throws(CompileError) -> [UInt8]
}

/// A graph without files.
package struct NoFiles: FileSource {
    package init() {}

    package func content(ofFile path: String) throws(CompileError) -> [UInt8] {
        throw CompileError(.unsupported, "the file \"\(path)\" cannot be read here")
    }
}

/// The lookup tables of a session: each is built once, when a plan first needs it, from what the graph fills it with.
final class TableResolution: Sendable {
    private let graph: Graph
    private let variables: VariableStates
    private let inference: FactInference
    private let files: any FileSource
    private let state = Mutex(State())

    private struct State {
        var tables: [String: LookupTable] = [:]
        /// Nodes that fill tables, by table; nil before they have been looked for.
        var fillers: [String: [Int]]?
    }

    init(graph: Graph, variables: VariableStates, inference: FactInference, files: any FileSource) {
        self.graph = graph
        self.variables = variables
        self.inference = inference
        self.files = files
    }

    /// The op that reads a table in the place of one that reads a handle, and its inputs; other ops as they are.
    ///
    /// - `inputs`: The numbers of the node's inputs, of which a table's handle is the first.
    /// - `facts`: What is known of all values.
    /// - `open`: Tables that are being built.
    ///
    /// Throws ``CompileError`` where the table has no content, or content that a graph may change.
    func bind(
        _ op: any Op, _ inputs: [Int], _ facts: [TensorFact], building open: Set<String>
    ) throws(CompileError) -> (op: any Op, inputs: [Int]) {
        guard let reading = op as? any TableReading else { return (op, inputs) }
        let reference = try reading.table(reading: inputs.map { facts[$0] })
        return (reading.bound(to: try table(reference, open), reference), Array(inputs.dropFirst()))
    }

    private func table(_ reference: TableReference, _ open: Set<String>) throws(CompileError) -> LookupTable {
        if let known = state.withLock({ $0.tables[reference.name] }) { return known }
        guard !open.contains(reference.name) else {
            throw CompileError(.malformed, "the table \"\(reference.name)\" is filled with what it holds itself")
        }
        let built = try build(reference, open.union([reference.name]))
        return state.withLock { state in
            if let earlier = state.tables[reference.name] { return earlier }
            state.tables[reference.name] = built
            return built
        }
    }

    private func build(_ reference: TableReference, _ open: Set<String>) throws(CompileError) -> LookupTable {
        // What fills a table of words when training began comes before what a checkpoint brings.
        let fillers = fillers(of: reference.name)
        guard let filler = fillers.first(where: { !isRestored($0) }) ?? fillers.first else {
            guard reference.isMutable else {
                throw CompileError(
                    .unsupported, "the table \"\(reference.name)\" is not filled by anything in the graph")
            }
            return try TableFiller.empty(reference)
        }
        let node = graph.nodes[filler]
        do throws(CompileError) {
            guard let op = try OpTable.entries[node.op]?.make(NodeReader(node)) as? any TableInitializing else {
                throw CompileError(.malformed, "does not fill tables")
            }
            var endpoints: [Endpoint] = []
            for input in node.inputs.dropFirst() { endpoints.append(try input.existing(for: node)) }
            let dtypes = [reference.key, reference.value]
            var inputs: [Tensor] = []
            for (number, endpoint) in endpoints.enumerated() {
                inputs.append(try value(of: endpoint, dtypes[min(number, 1)], reference, open))
            }
            return try op.table(inputs, reference, readFile: files.content)
        } catch { throw error.at(node: node.name, op: node.op) }
    }

    /// The nodes that fill a table, in the graph's order.
    private func fillers(of table: String) -> [Int] {
        if let known = state.withLock({ $0.fillers }) { return known[table] ?? [] }
        var fillers: [String: [Int]] = [:]
        for (index, node) in graph.nodes.enumerated() where OpTable.fillsTable(node.op) {
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
            return graph.nodes[source(of: endpoint).node].op == "RestoreV2"
        }
    }

    /// What identities lead to.
    private func source(of endpoint: Endpoint) -> Endpoint {
        var place = endpoint
        for _ in 0..<graph.nodes.count {
            let node = graph.nodes[place.node]
            guard node.op == "Identity", case .endpoint(let next)? = node.inputs.first else { break }
            place = next
        }
        return place
    }

    /// A tensor that does not hang on feeds: computed from the graph's constants, or read from the checkpoint.
    private func value(
        of endpoint: Endpoint, _ dtype: DataType, _ reference: TableReference, _ open: Set<String>
    ) throws(CompileError) -> Tensor {
        let source = source(of: endpoint)
        let node = graph.nodes[source.node]
        if node.op == "RestoreV2", node.inputs.count == 3, case .endpoint(let names) = node.inputs[1] {
            let keys = try constant(names, reference, open).strings ?? []
            guard keys.indices.contains(source.output) else {
                throw CompileError(.malformed, "restores \(keys.count) tensors", node: node.name, op: node.op)
            }
            let key = String(decoding: keys[source.output], as: UTF8.self)
            return try variables.constant(VariableReference(name: key, dtype: dtype, shape: .unknown))
        }
        return try constant(endpoint, reference, open)
    }

    private func constant(
        _ endpoint: Endpoint, _ reference: TableReference, _ open: Set<String>
    ) throws(CompileError) -> Tensor {
        var builder = PlanBuilder(graph: graph, variables: variables, tables: self)
        builder.openTables = open
        let plan = try builder.build(feeds: [], fetches: [endpoint])
        guard let fetch = plan.fetches.first, let value = plan.facts[fetch.value].value else {
            throw CompileError(
                .unsupported,
                "the table \"\(reference.name)\" is filled with \"\(graph.nodes[endpoint.node].name)\", which is not constant"
            )
        }
        return value
    }
}
