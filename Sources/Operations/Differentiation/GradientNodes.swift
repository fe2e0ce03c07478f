package import Graphs
package import Tensors

/// The nodes that gradients add to a graph, while they are made.
package final class GradientNodes {
    /// The graph that is differentiated.
    package let graph: Graph
    /// The new nodes. Their places in the graph follow those of its own.
    package private(set) var added: [AddedNode] = []
    /// The scope of the names of new nodes, such as `gradients/logits/MatMul_grad`.
    package var scope = "gradients"
    /// Replaces inputs of new nodes by what stands for them where the nodes are: in a loop, the value of the same iteration.
    package var resolve: ((Endpoint) throws(OpError) -> Endpoint)?
    /// A node that nodes without inputs must follow, so that they are in the same loop or branch; nil for none.
    package var pivot: Int?
    /// The gradients that touch few rows of a large tensor, by the dense form of each.
    package private(set) var slices: [Endpoint: GradientSlices] = [:]

    private let fact: (Endpoint) -> TensorFact?
    private var facts: [[TensorFact]] = []
    private var names: Set<String> = []

    /// - Parameters:
    ///   - graph: The graph that is differentiated.
    ///   - fact: What is known of its tensors.
    package init(_ graph: Graph, _ fact: @escaping (Endpoint) -> TensorFact?) {
        self.graph = graph
        self.fact = fact
    }

    /// What is known of a tensor of the graph or of the new nodes.
    package func knowledge(of endpoint: Endpoint) throws(OpError) -> TensorFact {
        let place = endpoint.node - graph.nodes.count
        if place >= 0 {
            guard facts.indices.contains(place), facts[place].indices.contains(endpoint.output) else {
                throw OpError(.malformed, "a gradient reads output \(endpoint.output) of \"\(added[place].name)\"")
            }
            return facts[place][endpoint.output]
        }
        guard let known = fact(endpoint) else {
            let type = graph.declaredType(of: endpoint)
            guard let type else {
                throw OpError(
                    .unsupported, "the dtype of \"\(graph.nodes[endpoint.node].name):\(endpoint.output)\" is not known")
            }
            return TensorFact(type, .unknown)
        }
        return known
    }

    /// The dtype of a tensor.
    package func type(of endpoint: Endpoint) throws(OpError) -> DataType { try knowledge(of: endpoint).dtype }

    /// What is known of a tensor's shape.
    package func shape(of endpoint: Endpoint) throws(OpError) -> PartialShape { try knowledge(of: endpoint).shape }

    /// Adds a node whose dtypes follow from its inputs, as ``GradientSignature`` says.
    ///
    /// - Parameters:
    ///   - op: The op, which has a signature.
    ///   - inputs: The data inputs.
    ///   - attributes: The attributes that do not follow from the inputs.
    /// - Returns: The first output.
    /// - Throws: ``OpError`` for an op without a signature, or an input whose dtype is not known.
    package func add(
        _ op: String, _ inputs: [Endpoint], _ attributes: [String: AttributeValue] = [:]
    ) throws(OpError) -> Endpoint {
        guard let signature = GradientSignature.all[op] else {
            throw OpError(.unsupported, "gradients have no signature of \(op)")
        }
        var types: [DataType] = []
        for input in inputs { types.append(try type(of: input)) }
        var attributes = attributes
        for (name, input) in signature.types where attributes[name] == nil {
            guard types.indices.contains(input) else { throw OpError(.malformed, "\(op) lacks input \(input)") }
            attributes[name] = .type(types[input])
        }
        return try add(
            op, inputs, attributes, gives: try signature.outputs(of: types, attributes).map { TensorFact($0, .unknown) }
        )
    }

    /// Adds a node.
    ///
    /// - Parameters:
    ///   - op: The op.
    ///   - inputs: The data inputs.
    ///   - attributes: All attributes without a default.
    ///   - controls: Nodes that must run first.
    ///   - outputs: What is known of the outputs.
    /// - Returns: The first output.
    /// - Throws: The errors of ``resolve``.
    package func add(
        _ op: String, _ inputs: [Endpoint], _ attributes: [String: AttributeValue], controls: [Int] = [],
        gives outputs: [TensorFact]
    ) throws(OpError) -> Endpoint {
        var resolved = inputs
        if let resolve { for index in inputs.indices { resolved[index] = try resolve(inputs[index]) } }
        var controls = controls
        if inputs.isEmpty, let pivot { controls.append(pivot) }
        return append(
            AddedNode(
                name: freeName("\(scope)/\(op)"), op: op, inputs: resolved, controlInputs: controls,
                attributes: attributes), outputs)
    }

    /// Adds a node as it is.
    ///
    /// - Returns: The first output.
    package func append(_ node: AddedNode, _ outputs: [TensorFact]) -> Endpoint {
        names.insert(node.name)
        added.append(node)
        facts.append(outputs)
        return Endpoint(node: graph.nodes.count + added.count - 1, output: 0)
    }

    /// Changes an input of a node that was added before: the way back into a loop.
    package func setInput(_ input: Int, ofAdded node: Int, to endpoint: Endpoint) {
        let place = node - graph.nodes.count
        guard added.indices.contains(place), added[place].inputs.indices.contains(input) else { return }
        added[place].inputs[input] = endpoint
    }

    /// Adds an input that a node added before must wait for.
    package func addControl(_ control: Int, toAdded node: Int) {
        let place = node - graph.nodes.count
        guard added.indices.contains(place) else { return }
        added[place].controlInputs.append(control)
    }

    /// Says that a gradient is that of some rows.
    package func note(_ slices: GradientSlices, of dense: Endpoint) { self.slices[dense] = slices }

    /// A name that neither the graph nor a new node has: the wish, or the wish with a number.
    package func freeName(_ wish: String) -> String {
        guard names.contains(wish) || graph.index(ofNode: wish) != nil else { return wish }
        var number = numbers[wish, default: 0]
        var name = wish
        repeat {
            number += 1
            name = "\(wish)_\(number)"
        } while names.contains(name) || graph.index(ofNode: name) != nil
        numbers[wish] = number
        return name
    }

    private var numbers: [String: Int] = [:]
}

/// A gradient of few rows of a tensor: TensorFlow's `IndexedSlices`. Rows may be named several times; they add up.
package struct GradientSlices: Sendable {
    /// The rows' gradients.
    package let values: Endpoint
    /// The numbers of the rows.
    package let indices: Endpoint
    /// The shape of the whole tensor, a vector.
    package let shape: Endpoint
}
