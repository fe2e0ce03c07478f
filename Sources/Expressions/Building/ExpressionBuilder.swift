internal import Graphs
internal import Operations
internal import Planning
internal import Tensors

/// Adds nodes for the parts of expressions, by the ops' own rules for dtypes and shapes.
final class ExpressionBuilder {
    /// Nodes of all expressions together.
    static let nodeLimit = 200
    /// Bytes of one result. More than that no request can be meant to make.
    static let resultLimitBytes = 1 << 36

    let graph: Graph
    private let inference: FactInference
    private let prefix: String
    private let isPrivate: (Node) -> Bool
    private(set) var nodes: [AddedNode] = []
    private var facts: [[TensorFact]] = []
    /// The place in the text of the part that is being built.
    var offset = 0
    private var constants: [ConstantKey: Operand] = [:]

    private struct ConstantKey: Hashable {
        let dtype: DataType
        let shape: [Int]
        let literals: [Literal]
    }

    init(_ graph: Graph, _ inference: FactInference, prefix: String, isPrivate: @escaping (Node) -> Bool) {
        self.isPrivate = isPrivate
        self.graph = graph
        self.inference = inference
        self.prefix = prefix
    }

    func error(_ reason: String, at place: Int? = nil) -> ExpressionError {
        ExpressionError(reason, at: place ?? offset)
    }

    /// A tensor of the graph.
    ///
    /// - Throws: ``ExpressionError`` if its dtype is not known, it is a handle, or it must not be used.
    func operand(_ endpoint: Endpoint, name: String) throws(ExpressionError) -> Operand {
        guard !isPrivate(graph.nodes[endpoint.node]) else {
            throw error("tensor \"\(name)\" is refused: it belongs to the saving and restoring of checkpoints")
        }
        guard let fact = inference.feedableFact(of: endpoint), !fact.dtype.isHandle else {
            throw error("the dtype of tensor \"\(name)\" is not known, or a handle, so that no expression can use it")
        }
        // What is fed may be something else than what the graph has there.
        var unvalued = TensorFact(fact.dtype, fact.shape)
        if graph.nodes[endpoint.node].op == "Const" { unvalued.value = fact.value }
        return Operand(endpoint: endpoint, fact: unvalued)
    }

    /// Forgets the nodes behind a number of them: those of an expression that failed.
    func removeNodes(behind count: Int) {
        nodes.removeSubrange(count...)
        facts.removeSubrange(count...)
        constants = constants.filter { $0.value.endpoint.node < graph.nodes.count + count }
    }

    /// Adds a node.
    ///
    /// - Returns: Its outputs.
    /// - Throws: ``ExpressionError`` with the op's own message where it does not take the inputs, and beyond the limits.
    func add(
        _ op: String, _ inputs: [Operand], _ attributes: [String: AttributeValue] = [:]
    ) throws(ExpressionError) -> [Operand] {
        guard nodes.count < Self.nodeLimit else {
            throw error("the expressions of a request need more than \(Self.nodeLimit) nodes")
        }
        var attributes = attributes
        if attributes["T"] == nil, let first = inputs.first { attributes["T"] = .type(first.dtype) }
        let node = AddedNode(
            name: graph.freeName("\(prefix)\(nodes.count)/\(op)"), op: op, inputs: inputs.map(\.endpoint),
            attributes: attributes)
        let outputs = try facts(of: node, inputs.map(\.fact))
        for output in outputs { try checkSize(output) }
        let index = graph.nodes.count + nodes.count
        nodes.append(node)
        facts.append(outputs)
        return outputs.enumerated().map {
            Operand(endpoint: Endpoint(node: index, output: $0.offset), fact: $0.element)
        }
    }

    /// Adds a node of one output.
    func one(
        _ op: String, _ inputs: [Operand], _ attributes: [String: AttributeValue] = [:]
    ) throws(ExpressionError) -> Operand {
        guard let first = try add(op, inputs, attributes).first else { throw error("op \(op) has no result") }
        return first
    }

    private func facts(of node: AddedNode, _ inputs: [TensorFact]) throws(ExpressionError) -> [TensorFact] {
        guard let entry = OpTable.entries[node.op] else { throw error("op \(node.op) is not supported") }
        do {
            return try entry.make(NodeReader(try node.node())).checkedOutputs(for: inputs)
        } catch let failure as OpError {
            throw error("\(node.op): \(failure.reason)")
        } catch {
            throw self.error("\(node.op): \(error)")
        }
    }

    private func checkSize(_ fact: TensorFact) throws(ExpressionError) {
        guard fact.shape.isFullyDefined else { return }
        guard let bytes = fact.shape.known?.byteCount(of: fact.dtype), bytes <= Self.resultLimitBytes else {
            throw error("a \(fact.dtype) tensor of shape \(fact.shape) is too large")
        }
    }

    /// A constant of a dtype that takes these literals. Equal ones are one node.
    func constant(
        _ literals: [Literal], _ dtype: DataType, shape: [Int]
    ) throws(ExpressionError) -> Operand {
        let key = ConstantKey(dtype: dtype, shape: shape, literals: literals)
        if let known = constants[key] { return known }
        let tensor = try Constants(error: { self.error($0) }).tensor(literals, dtype, shape: shape)
        let operand = try one("Const", [], ["dtype": .type(dtype), "value": .tensor(tensor)])
        constants[key] = operand
        return operand
    }

    func integers(_ numbers: [Int], _ dtype: DataType = .int32) throws(ExpressionError) -> Operand {
        try constant(numbers.map { .int(Int64($0)) }, dtype, shape: [numbers.count])
    }

    func scalar(_ number: Double, _ dtype: DataType) throws(ExpressionError) -> Operand {
        try constant([.float(number)], dtype, shape: [])
    }

    func scalar(_ number: Int, _ dtype: DataType = .int32) throws(ExpressionError) -> Operand {
        try constant([.int(Int64(number))], dtype, shape: [])
    }

    func cast(_ operand: Operand, _ dtype: DataType) throws(ExpressionError) -> Operand {
        guard operand.dtype != dtype else { return operand }
        guard operand.dtype != .string, dtype != .string else {
            throw error("cast does not take strings; use strings.to_number or as_string")
        }
        return try one("Cast", [operand], ["SrcT": .type(operand.dtype), "DstT": .type(dtype)])
    }
}
