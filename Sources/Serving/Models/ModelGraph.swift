internal import Checkpoints
internal import Execution
internal import Files
internal import Graphs
internal import Interfaces
internal import Operations
internal import Planning
internal import TensorFlowProtos
internal import Tensors

/// The facts of a meta graph that do not depend on weights. Versions of a model with the same meta graph share them.
final class ModelGraph: Sendable {
    /// The digest of the file that it was read from.
    let digest: GraphBytes.Digest
    let graph: Graph
    /// What the sessions of all versions share: plans, and what the graph tells of its tensors.
    let library: PlanLibrary
    let interface: GraphInterface
    /// The plan for restoring variables.
    let plan: RestorePlan
    /// Whether runs may assign variables by default, and why.
    let standardVariables: (mode: VariablesMode, reason: String)
    /// The signatures that the model was given, by name.
    let signatures: [String: Signature]
    /// The signature for requests that name none.
    let defaultSignature: Signature?
    /// The default signature's inputs; without a signature, the placeholders.
    let inputs: [TensorDescription]
    /// The outputs of a request that names no fetches.
    let outputs: [TensorDescription]
    /// The paths of asset files by the name of the path's tensor.
    let assets: [String: String]
    /// The ops that initialise tables after the variables are restored.
    let initOps: [String]
    /// The detected format, if the file shows it.
    let format: String?
    /// Notes on choices, for the log.
    let notes: [String]
    /// Warnings for the operator about every version with this graph.
    let warnings: [String]
    /// The graph without default values from settings.
    private let bare: Graph
    private let defaults: [Int: Tensor]

    /// The default values of a model's placeholders.
    struct Defaults {
        /// The values of the model's own settings.
        var own = DefaultValues()
        /// The values that take precedence over its own settings.
        var given = DefaultValues()
        /// The model's name, for messages.
        var model: String

        fileprivate func tensors(for graph: Graph) throws(ModelError) -> [Int: Tensor] {
            let own = try own.tensors(for: graph, model: model)
            return own.merging(try given.tensors(for: graph, model: model)) { _, given in given }
        }
    }

    /// - Throws: ``ModelError`` of kind `load`.
    init(
        _ meta: MetaGraphDef, _ bytes: GraphBytes, _ defaults: Defaults, assets: [String: String] = [:],
        initOps: [String] = [], format: String? = nil, notes: [String] = [], warnings: [String] = []
    ) throws(ModelError) {
        let path = bytes.identity.path
        guard !meta.graphDef.node.isEmpty else { throw ModelError(.load, "\(path): the graph has no nodes") }
        let bare: Graph
        do throws(GraphError) {
            bare = try Graph(meta.graphDef, ops: meta.metaInfoDef.strippedOpList)
        } catch { throw ModelError(.load, "\(path): \(error)") }
        digest = bytes.digest()
        self.bare = bare
        self.defaults = try defaults.tensors(for: bare)
        let graph = bare.settingDefaults(self.defaults)
        library = PlanLibrary(graph)
        let inference = library.inference
        let usualName = Signature.defaultName(among: meta.signatureDef.keys)
        interface = GraphInterface(graph, meta, signature: usualName.flatMap { meta.signatureDef[$0] }) {
            inference.feedableFact(of: $0)
        }
        let assignments = AssignmentGuard.find(graph, interface) { inference.feedableFact(of: $0) }
        standardVariables = (assignments.isGuarded ? .readOnly : .session, assignments.reason)
        var signatures: [String: Signature] = [:]
        for (name, message) in meta.signatureDef {
            signatures[name] = Signature(name, message) { Self.fact(of: $0, graph, inference) }
        }
        self.signatures = signatures
        let usual = usualName.flatMap { signatures[$0] }
        defaultSignature = usual
        inputs = usual.map(\.inputs) ?? interface.inputs.map { Self.describe($0, graph, inference) }
        outputs = usual.map(\.outputs) ?? interface.outputs.map { Self.describe($0, graph, inference) }
        plan = Self.plan(of: meta, initOps: initOps)
        self.graph = graph
        self.assets = assets
        self.initOps = initOps
        self.format = format
        self.notes = notes
        self.warnings = warnings
    }

    /// Whether a file would result in an equal graph.
    func isThat(of bytes: GraphBytes, _ defaults: Defaults) -> Bool {
        // The graph contains the paths of assets.
        guard bytes.digest() == digest, assets.isEmpty, let tensors = try? defaults.tensors(for: bare) else {
            return false
        }
        return tensors.count == self.defaults.count
            && tensors.allSatisfy { place, tensor in self.defaults[place].map { Self.isSame($0, tensor) } ?? false }
    }

    private static func isSame(_ first: Tensor, _ second: Tensor) -> Bool {
        guard first.dtype == second.dtype, first.shape == second.shape else { return false }
        if let strings = first.strings { return strings == second.strings }
        return first.withUnsafeBytes { first in second.withUnsafeBytes { first.elementsEqual($0) } }
    }

    /// The plan for restoring a meta graph's variables.
    static func plan(of meta: MetaGraphDef, initOps: [String] = []) -> RestorePlan {
        RestorePlan(graph: meta.graphDef, saver: meta.hasSaverDef ? meta.saverDef : nil, initOps: initOps)
    }

    /// Describes a guessed input or output.
    private static func describe(
        _ endpoint: Endpoint, _ graph: Graph, _ inference: FactInference
    ) -> TensorDescription {
        let fact = inference.feedableFact(of: endpoint)
        let name = "\(graph.nodes[endpoint.node].name):\(endpoint.output)"
        var description = TensorDescription(
            name: name, tensor: name, dtype: fact?.dtype, shape: fact?.shape ?? .unknown)
        description.isGuessed = true
        return description
    }

    private static func fact(of name: TensorName, _ graph: Graph, _ inference: FactInference) -> Signature.GraphFact {
        guard let node = graph.index(ofNode: name.node) else { return Signature.GraphFact() }
        let fact = inference.feedableFact(of: Endpoint(node: node, output: name.output))
        return Signature.GraphFact(
            dtype: fact?.dtype, shape: fact?.shape ?? .unknown,
            defaultValue: defaultValue(of: graph.nodes[node], graph))
    }

    private static func describe(
        _ input: GraphInterface.Input, _ graph: Graph, _ inference: FactInference
    ) -> TensorDescription {
        var description = describe(input.tensor, graph, inference)
        if case .inputSwitch? = input.role, description.shape.rank == nil {
            // A switch for branches, and the share of dropout, is a single value.
            description = TensorDescription(
                name: description.name, tensor: description.tensor, dtype: description.dtype, shape: PartialShape([]))
        }
        description.note = input.role?.note
        if case .inputSwitch(let kind)? = input.role {
            description.usualValue = kind.usualValue
            description.note = "guessed: \(kind.note)"
        }
        description.isNeeded = input.role != .label && input.role != .unused
        description.defaultValue = defaultValue(of: graph.nodes[input.tensor.node], graph)
        return description
    }

    /// The constant default value of a placeholder.
    private static func defaultValue(of node: Node, _ graph: Graph) -> Tensor? {
        guard node.op == "PlaceholderWithDefault", case .endpoint(let source)? = node.inputs.first,
            case .tensor(let value)? = try? graph.nodes[source.node].attribute("value")
        else { return nil }
        return value
    }
}
