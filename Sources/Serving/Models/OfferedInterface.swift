internal import Checkpoints
internal import Execution
internal import Graphs
internal import Interfaces
internal import Operations
internal import Tensors

/// The inputs, outputs and signatures of a version: those of its graph, without the outputs that it cannot compute.
///
/// All descriptions of the model are derived from it, and a request without fetches gets all of its outputs.
struct OfferedInterface {
    private(set) var inputs: [TensorDescription]
    private(set) var outputs: [TensorDescription]
    private(set) var signatures: [String: Signature]
    /// The signature for requests that name none.
    private(set) var defaultSignature: Signature?
    /// The outputs that are left out, with the reasons.
    private(set) var warnings: [String] = []

    /// Tries all outputs.
    ///
    /// - Throws: ``ModelError`` of kind `load` if no output can be computed and variables are the cause. It names the variables,
    ///   the nearest keys, and what the checkpoint has.
    init(
        _ shared: ModelGraph, _ session: Session, _ restored: RestoredVariables, prefix: String
    ) throws(ModelError) {
        inputs = shared.inputs
        outputs = shared.outputs
        signatures = shared.signatures
        defaultSignature = shared.defaultSignature
        var trial = OutputTrial(session)
        var feeds: [Endpoint: [Endpoint]] = [:]
        for call in Self.calls(of: shared) {
            trial.add(feeds: call.feeds, fetches: call.fetches)
            for fetch in call.fetches where feeds[fetch] == nil { feeds[fetch] = call.feeds }
        }
        guard !trial.failures.isEmpty else {
            findUnneededInputs(session, shared)
            return
        }
        let reasons = Reasons(trial, feeds, session, restored)
        guard trial.failures.count < trial.tried.count else {
            let message = "no output can be computed: \(reasons.texts.joined(separator: "; "))"
            guard !reasons.areVariables else {
                throw ModelError(.broken, "\(prefix): \(message). Save a checkpoint of all variables that it needs")
            }
            warnings = [message]
            return
        }
        warnings = reasons.texts.map { "left out: \($0)" }
        leaveOut(Set(trial.failures.keys), shared)
        findUnneededInputs(session, shared)
    }

    /// The signatures, and the outputs without one.
    private static func calls(of shared: ModelGraph) -> [(feeds: [Endpoint], fetches: [Endpoint])] {
        func endpoints(_ tensors: some Sequence<String>) -> [Endpoint] { tensors.compactMap(shared.graph.endpoint) }
        guard shared.signatures.isEmpty else {
            return shared.signatures.values.sorted { $0.name < $1.name }.map { signature in
                // Two keys may name the same tensor.
                (endpoints(Set(signature.inputs.map(\.tensor)).sorted()), endpoints(signature.outputs.map(\.tensor)))
            }
        }
        let needed = shared.inputs.filter { $0.isNeeded && $0.defaultValue == nil }
        return [(endpoints(Set(needed.map(\.tensor)).sorted()), endpoints(shared.outputs.map(\.tensor)))]
    }

    private mutating func leaveOut(_ failing: Set<Endpoint>, _ shared: ModelGraph) {
        func isLeftOut(_ output: TensorDescription) -> Bool {
            shared.graph.endpoint(output.tensor).map(failing.contains) ?? false
        }
        guard !signatures.isEmpty else {
            outputs.removeAll(where: isLeftOut)
            return
        }
        signatures = signatures.compactMapValues { $0.without(isLeftOut) }
        defaultSignature = Signature.defaultName(among: signatures.keys).flatMap { signatures[$0] }
        inputs = defaultSignature?.inputs ?? []
        outputs = defaultSignature?.outputs ?? []
    }

    /// Finds guessed inputs that no output needs: those of omitted outputs, and switches of nodes that the fed tensors replace.
    private mutating func findUnneededInputs(_ session: Session, _ shared: ModelGraph) {
        guard !inputs.isEmpty, inputs.allSatisfy(\.isGuessed) else { return }
        let graph = shared.graph
        let tensors = inputs.map { graph.endpoint($0.tensor) }
        let fetches = outputs.compactMap { graph.endpoint($0.tensor) }
        // Nodes before a fed tensor are not needed.
        let cuts = inputs.indices.compactMap { index in
            inputs[index].isNeeded ? tensors[index].flatMap { Self.isPlaceholder($0, graph) ? nil : $0 } : nil
        }
        guard let uncut = try? session.nodes(for: fetches, feeds: []),
            let order = cuts.isEmpty ? uncut : try? session.nodes(for: fetches, feeds: cuts)
        else { return }
        let leading = (all: Set(uncut), behindCuts: Set(order))
        for index in inputs.indices where inputs[index].isNeeded {
            guard let tensor = tensors[index] else { continue }
            let nodes = Self.isPlaceholder(tensor, graph) ? leading.behindCuts : leading.all
            guard !nodes.contains(tensor.node) else { continue }
            inputs[index].isNeeded = false
            inputs[index].note = GraphInterface.Role.unused.note
        }
    }

    private static func isPlaceholder(_ tensor: Endpoint, _ graph: Graph) -> Bool {
        OpTable.traits(of: graph.nodes[tensor.node].op).contains(.feed)
    }

    /// The reasons why outputs cannot be computed.
    private struct Reasons {
        /// The texts, one for all outputs with the same cause.
        let texts: [String]
        /// Whether a variable that cannot be restored is among the causes.
        let areVariables: Bool

        private static let maxListed = 32

        init(
            _ trial: OutputTrial, _ feeds: [Endpoint: [Endpoint]], _ session: Session, _ restored: RestoredVariables
        ) {
            var outputs: [String: [Endpoint]] = [:]
            var areVariables = false
            for (output, error) in trial.failures {
                var cause = "\(error)"
                if error.kind == .missingVariable {
                    let order = (try? session.nodes(for: [output], feeds: feeds[output] ?? [])) ?? []
                    let faults = order.compactMap { restored.fault(of: session.graph.nodes[$0]) }
                    if !faults.isEmpty {
                        cause = Self.list(faults)
                        areVariables = true
                    }
                }
                outputs[cause, default: []].append(output)
            }
            self.areVariables = areVariables
            texts = outputs.map { cause, outputs in
                let names = outputs.sorted { ($0.node, $0.output) < ($1.node, $1.output) }
                    .map { "\"\(session.graph.nodes[$0.node].name):\($0.output)\"" }
                return "\(names.count == 1 ? "output" : "outputs") \(Self.list(names, ", ")): \(cause)"
            }.sorted()
        }

        private static func list(_ texts: [String], _ separator: String = "; ") -> String {
            let shown = texts.prefix(maxListed).joined(separator: separator)
            return texts.count > maxListed ? "\(shown) and \(texts.count - maxListed) more" : shown
        }
    }
}

extension Graph {
    /// The tensor with that name.
    func endpoint(_ name: String) -> Endpoint? {
        guard let name = TensorName(parsing: name), !name.isControl, let node = index(ofNode: name.node) else {
            return nil
        }
        return Endpoint(node: node, output: name.output)
    }
}
