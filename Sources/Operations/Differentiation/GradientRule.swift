package import Graphs

/// How the gradient of an op is made of the gradients of its outputs: the same nodes that `tf.gradients` adds.
///
/// Rules stand beside the ops, one file for each folder of them; ``OpTable/gradientRules`` has them all.
package struct GradientRule: Sendable {
    /// Adds the nodes of a gradient.
    ///
    /// - Parameters:
    ///   - nodes: Where nodes are added.
    ///   - node: The node to differentiate.
    ///   - gradients: The gradient of each output; nil where nothing depends on it. At least one is there.
    /// - Returns: The gradient of each input, nil for those without; a shorter list leaves out the last ones.
    package typealias Make = @Sendable (GradientNodes, ForwardNode, [Endpoint?]) throws(OpError) -> [Endpoint?]

    /// TensorFlow's name of the op.
    package let op: String
    /// nil: the op has no gradient. Nothing flows back through it, as TensorFlow's `NotDifferentiable` has it.
    package let make: Make?

    init(_ op: String, _ make: @escaping Make) {
        self.op = op
        self.make = make
    }

    /// A rule for an op of one output, on which something depends.
    init(
        _ op: String,
        one make: @escaping @Sendable (GradientNodes, ForwardNode, Endpoint) throws(OpError) -> [Endpoint?]
    ) {
        self.init(op) { nodes, node, gradients throws(OpError) in
            guard let gradient = gradients.first ?? nil else { return [] }
            return try make(nodes, node, gradient)
        }
    }

    private init(none op: String) {
        self.op = op
        make = nil
    }

    /// Ops through which no gradient flows.
    static func none(_ ops: String...) -> [GradientRule] { ops.map { GradientRule(none: $0) } }

    /// A rule that several ops share.
    static func same(
        _ ops: String...,
        one make: @escaping @Sendable (GradientNodes, ForwardNode, Endpoint) throws(OpError) -> [Endpoint?]
    ) -> [GradientRule] { ops.map { GradientRule($0, one: make) } }
}

/// A node as its gradient's rule sees it.
package struct ForwardNode {
    /// The node's place in the graph.
    package let index: Int
    private let node: Node
    /// The data inputs.
    package let inputs: [Endpoint]

    /// - Throws: ``OpError`` of kind `malformed` for a missing input.
    package init(_ index: Int, of graph: Graph) throws(OpError) {
        self.index = index
        node = graph.nodes[index]
        var inputs: [Endpoint] = []
        for input in node.inputs {
            guard case .endpoint(let endpoint) = input else {
                throw OpError(.malformed, "node \"\(node.name)\" has a missing input")
            }
            inputs.append(endpoint)
        }
        self.inputs = inputs
    }

    /// The node's op.
    package var op: String { node.op }
    /// The node's name.
    package var name: String { node.name }
    /// The node's attributes.
    package var reader: NodeReader { NodeReader(node) }

    /// An input.
    ///
    /// - Throws: ``OpError`` of kind `malformed` where the node has fewer.
    func input(_ number: Int) throws(OpError) -> Endpoint {
        guard inputs.indices.contains(number) else {
            throw OpError(
                .malformed, "node \"\(name)\" (\(op)) has \(inputs.count) inputs; its gradient needs \(number + 1)")
        }
        return inputs[number]
    }

    /// An output.
    func output(_ number: Int = 0) -> Endpoint { Endpoint(node: index, output: number) }

    /// Attributes of the node, for another node.
    func attributes(_ names: String...) throws(OpError) -> [String: AttributeValue] {
        var found: [String: AttributeValue] = [:]
        for name in names {
            do throws(GraphError) { found[name] = try node.attribute(name) } catch {
                throw OpError(.malformed, "node \"\(self.name)\": \(error)")
            }
        }
        return found
    }
}

extension OpTable {
    /// The rules of all families.
    private static let gradientFamilies: [[GradientRule]] = [
        elementwiseGradientRules, binaryGradientRules, arrayGradientRules, movementGradientRules, mathGradientRules,
        neuralNetGradientRules, convolutionGradientRules, imageGradientRules, linearAlgebraGradientRules,
        sparseGradientRules, tensorArrayGradientRules, opsWithoutGradient,
    ]

    /// The gradients of ops, by TensorFlow's name of the op.
    package static let gradientRules: [String: GradientRule] = Dictionary(
        gradientFamilies.joined().map { ($0.op, $0) }, uniquingKeysWith: { first, _ in first })

    /// The names of the ops that rules are written for, in their order, with repetitions if there are any.
    package static var gradientRuleNames: [String] { gradientFamilies.joined().map(\.op) }
}
