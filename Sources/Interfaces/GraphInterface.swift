package import Graphs
package import Operations
package import TensorFlowProtos

/// The inputs and outputs that a graph offers.
package struct GraphInterface: Sendable {
    /// An input.
    package struct Input: Sendable {
        package let tensor: Endpoint
        /// The reason why it need not be fed, or the value to feed; nil for data.
        package let role: Role?
    }

    /// The reason why an input is not data.
    package enum Role: Hashable, Sendable {
        /// It selects training or prediction.
        case inputSwitch(InputSwitch)
        /// Only losses and metrics depend on it.
        case label
        /// No output depends on it.
        case unused

        /// Whether it selects training or prediction.
        package var isTrainingSwitch: Bool { self == .inputSwitch(.training) || self == .inputSwitch(.testing) }

        /// The role in words.
        package var note: String {
            switch self {
            case .inputSwitch(let kind): kind.note
            case .label: "only losses and metrics need it"
            case .unused: "no output needs it"
            }
        }
    }

    /// The signature's inputs; without a signature the inputs that the outputs need, then those that only losses need.
    package let inputs: [Input]
    /// The signature's outputs, or the guessed outputs, the most likely first.
    package let outputs: [Endpoint]
    /// The placeholders that select training or prediction. A signature need not list them.
    package let trainingSwitches: [Endpoint]
    private let saving: Saving

    /// - Parameters:
    ///   - graph: The graph.
    ///   - meta: The meta graph with its collections and saver.
    ///   - signature: The signature with the inputs and outputs; nil to guess them.
    ///   - fact: Returns the facts about a tensor.
    package init(
        _ graph: Graph, _ meta: MetaGraphDef, signature: SignatureDef?, fact: @escaping (Endpoint) -> TensorFact?
    ) {
        let sources = PipelineSources(graph)
        let forward = ForwardGraph(sources, meta)
        saving = forward.saving
        let found = Self.derived(forward, meta, sources) { fact(sources.original($0)) }
        trainingSwitches = found.inputs.filter { $0.role?.isTrainingSwitch == true }.map { sources.original($0.tensor) }
        inputs =
            Self.endpoints(signature?.inputs, graph)?.map { Input(tensor: $0, role: nil) }
            ?? found.inputs.map { Input(tensor: sources.original($0.tensor), role: $0.role) }
        outputs = Self.endpoints(signature?.outputs, graph) ?? found.outputs.map(sources.original)
    }

    /// Whether a node saves or restores. It must not be fed or fetched.
    package func isPrivate(_ node: Node) -> Bool { saving.isPrivate(node) }

    private static func endpoints(_ infos: [String: TensorInfo]?, _ graph: Graph) -> [Endpoint]? {
        guard let infos, !infos.isEmpty else { return nil }
        return infos.sorted { $0.key < $1.key }.compactMap { _, info in
            guard let name = TensorName(parsing: info.name), let node = graph.index(ofNode: name.node) else {
                return nil
            }
            return Endpoint(node: node, output: name.output)
        }
    }

    /// The maximum number of placeholders to analyse. With more, none is analysed, because each is followed through the graph.
    private static let maxAnalysed = 1024

    private static func derived(
        _ forward: ForwardGraph, _ meta: MetaGraphDef, _ pipelines: PipelineSources,
        _ fact: @escaping (Endpoint) -> TensorFact?
    ) -> (inputs: [Input], outputs: [Endpoint]) {
        let sources = sources(forward, pipelines)
        guard sources.count <= maxAnalysed else {
            let training = TrainingParts(forward, meta, sources: [], fact: fact)
            return (
                sources.map { Input(tensor: $0, role: nil) },
                OutputGuess(forward, meta, training, sources: [], fact: fact).find()
            )
        }
        let isRandom = forward.dependents(of: forward.nodes { randomOps.contains($0.op) })
        var switches: [Int: InputSwitch] = [:]
        for source in sources {
            switches[source.node] = InputSwitch(source.node, forward, isRandom: isRandom, fact: fact(source))
        }
        var data = Set(sources.map(\.node)).subtracting(switches.keys).sorted()
        if data.isEmpty { data = switches.keys.sorted() }
        let training = TrainingParts(forward, meta, sources: data, fact: fact)
        let features = data.filter { !training.labels.contains($0) }
        let outputs = OutputGuess(forward, meta, training, sources: features, fact: fact).find()
        let inputs = sources.map { source in
            Input(tensor: source, role: role(of: source, switches, training, outputs, forward))
        }
        return (inputs.filter { $0.role == nil } + inputs.filter { $0.role != nil }, outputs)
    }

    /// The ops that draw random numbers for dropout.
    private static let randomOps: Set<String> = ["RandomUniform", "StatelessRandomUniform", "StatelessRandomUniformV2"]

    private static func role(
        of source: Endpoint, _ switches: [Int: InputSwitch], _ training: TrainingParts, _ outputs: [Endpoint],
        _ forward: ForwardGraph
    ) -> Role? {
        if let found = switches[source.node] { return .inputSwitch(found) }
        let reached = forward.dependents(of: [source.node])
        if outputs.contains(where: { reached[$0.node] }) { return nil }
        return training.labels.contains(source.node) ? .label : .unused
    }

    /// The placeholders, and the tensors from input pipelines, that are used.
    ///
    /// If a pipeline is only the default value of a placeholder, the placeholder is meant to be fed, not the pipeline's tensor.
    private static func sources(_ forward: ForwardGraph, _ pipelines: PipelineSources) -> [Endpoint] {
        forward.nodes(with: .feed)
            .filter { index in
                let readers = forward.readers[index].filter { !forward.isForUpdates[$0] }
                guard pipelines.isPipelines(index) else { return !readers.isEmpty }
                return !readers.allSatisfy { forward.graph.nodes[$0].op == "PlaceholderWithDefault" }
            }
            .map { Endpoint(node: $0, output: 0) }
    }
}
