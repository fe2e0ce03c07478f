package import Graphs
package import Operations
package import Planning
internal import Tensors

/// A graph with nodes that make a tensor smaller: gradients, the optimizer's variables, and the op of a step. It is what
/// `optimizer.minimize(loss)` adds.
package struct Minimization: Sendable {
    /// The graph with all nodes.
    package let graph: Graph
    /// The name of the node that does a step.
    package let step: String
    /// The name of the node that gives the new variables their first values. It runs once, before the first step.
    package let initializer: String
    /// The names of the variables that steps change.
    package let trained: [String]
    /// The names of the variables that were added.
    package let added: [String]

    /// Adds the nodes.
    ///
    /// - Parameters:
    ///   - loss: The tensor to make smaller; the sum of its elements counts.
    ///   - variables: The places of the variables to change.
    ///   - optimizer: How they follow their gradients.
    ///   - graph: The graph.
    ///   - inference: What it tells of its tensors.
    /// - Throws: ``OpError`` that names the node: for an op without a gradient; of kind `invalidArgument` where the loss depends on none
    ///   of the variables.
    package init(
        of loss: Endpoint, by variables: [Int], _ optimizer: Optimizer, in graph: Graph, _ inference: FactInference
    ) throws(OpError) {
        let (gradients, nodes) = try Gradients.of(
            [loss], by: variables.map { Endpoint(node: $0, output: 0) }, in: graph, inference)
        var writer = MinimizationWriter(nodes, optimizer)
        for (variable, gradient) in zip(variables, gradients) {
            if let gradient { try writer.follow(gradient, variable) }
        }
        guard !writer.trained.isEmpty else {
            throw OpError.invalid(
                "\"\(graph.nodes[loss.node].name)\" depends on none of the \(variables.count) variables that are to be trained"
            )
        }
        let (step, initializer) = try writer.finish()
        do throws(GraphError) { self.graph = try graph.adding(nodes.added) } catch {
            throw OpError(.malformed, "\(error)")
        }
        self.step = step
        self.initializer = initializer
        trained = writer.trained
        added = writer.variables
    }
}

/// Adds an optimizer's variables and ops.
private struct MinimizationWriter {
    private let nodes: GradientNodes
    private let optimizer: Optimizer
    private(set) var trained: [String] = []
    private(set) var variables: [String] = []
    private var initializers: [Int] = []
    private var steps: [Int] = []
    /// The variables that a step multiplies, by their names and dtypes, and by what.
    private var powers: [(name: String, dtype: DataType, isHandle: Bool, variable: Endpoint, factor: Double)] = []

    init(_ nodes: GradientNodes, _ optimizer: Optimizer) {
        self.nodes = nodes
        self.optimizer = optimizer
    }

    /// Adds the op that changes a variable.
    mutating func follow(_ gradient: Endpoint, _ index: Int) throws(OpError) {
        let node = nodes.graph.nodes[index]
        let variable = Endpoint(node: index, output: 0)
        guard let reference = try nodes.knowledge(of: variable).variable else {
            throw OpError.invalid("\"\(node.name)\" is not a variable")
        }
        guard let shape = reference.shape.known else {
            throw OpError(
                .unsupported, "has the shape \(reference.shape): a variable that is trained needs a known shape",
                node: node.name, op: node.op)
        }
        let isHandle = try nodes.type(of: variable) == .resource
        nodes.scope = "\(optimizer.title)/update_\(node.name)"
        let slices = optimizer.isSparse ? nodes.slices[gradient] : nil
        var inputs = [variable]
        for (number, slot) in optimizer.slots.enumerated() {
            let name = "\(node.name)/\(optimizer.title)" + (number == 0 ? "" : "_\(number)")
            inputs.append(
                try self.variable(name, reference.dtype, shape, isHandle: isHandle, slot.initialValue))
        }
        var indices: Endpoint?
        for input in optimizer.inputs {
            switch input {
            case .number(let number): inputs.append(try constant(number, reference.dtype))
            case .power(let name, let factor):
                let power = try power(name, factor, reference.dtype, isHandle: isHandle)
                inputs.append(isHandle ? try read(power, reference.dtype) : power)
            case .gradient:
                guard let slices else {
                    inputs.append(gradient)
                    continue
                }
                let rows = try merged(slices)
                inputs += [rows.values, rows.indices]
                indices = rows.indices
            }
        }
        try apply(inputs, reference, isHandle: isHandle, indices: indices)
        trained.append(node.name)
    }

    private mutating func apply(
        _ inputs: [Endpoint], _ reference: VariableReference, isHandle: Bool, indices: Endpoint?
    ) throws(OpError) {
        var attributes: [String: AttributeValue] = ["T": .type(reference.dtype), "use_locking": .bool(false)]
        if optimizer.usesNesterov { attributes["use_nesterov"] = .bool(true) }
        if let indices { attributes["Tindices"] = .type(try nodes.type(of: indices)) }
        let op = (isHandle ? "Resource" : "") + (indices == nil ? "Apply" : "SparseApply") + optimizer.op
        let step = try nodes.add(
            op, inputs, attributes, gives: isHandle ? [] : [TensorFact(reference.dtype, reference.shape)])
        steps.append(step.node)
    }

    /// The rows of a gradient, each once: TensorFlow sums those of one number before it applies them.
    private func merged(_ slices: GradientSlices) throws(OpError) -> (values: Endpoint, indices: Endpoint) {
        let type = try nodes.type(of: slices.indices)
        let unique = try nodes.add(
            "Unique", [slices.indices], ["T": .type(type), "out_idx": .type(.int32)],
            gives: [TensorFact(type, .unknown), TensorFact(.int32, .unknown)])
        let count = try nodes.add("Size", [unique], ["out_type": .type(.int32)])
        let sums = try nodes.add(
            "UnsortedSegmentSum", [slices.values, Endpoint(node: unique.node, output: 1), count])
        return (sums, unique)
    }

    // MARK: Variables

    /// A new variable, which the initializer fills.
    private mutating func variable(
        _ wish: String, _ dtype: DataType, _ shape: Shape, isHandle: Bool, _ value: Double
    ) throws(OpError) -> Endpoint {
        let name = nodes.freeName(wish)
        var fact = TensorFact(dtype, PartialShape(shape))
        fact.variable = VariableReference(name: name, dtype: dtype, shape: PartialShape(shape))
        let attributes: [String: AttributeValue] = [
            "dtype": .type(dtype), "shape": .shape(PartialShape(shape)), "container": .bytes([]),
            "shared_name": .bytes(isHandle ? Array(name.utf8) : []),
        ]
        if isHandle, let reference = fact.variable { fact = TensorFact(variable: reference) }
        let variable = nodes.append(
            AddedNode(name: name, op: isHandle ? "VarHandleOp" : "VariableV2", attributes: attributes), [fact])
        variables.append(name)
        let sizes = try vector(shape.dimensions)
        let first = try nodes.add("Fill", [sizes, constant(value, dtype)])
        // TensorFlow's names: its list of variables names these nodes.
        let assign: Endpoint
        if isHandle {
            assign = named("\(name)/Assign", "AssignVariableOp", [variable, first], ["dtype": .type(dtype)])
            _ = named("\(name)/Read/ReadVariableOp", "ReadVariableOp", [variable], ["dtype": .type(dtype)])
        } else {
            assign = named(
                "\(name)/Assign", "Assign", [variable, first],
                ["T": .type(dtype), "validate_shape": .bool(true), "use_locking": .bool(true)])
            _ = named("\(name)/read", "Identity", [variable], ["T": .type(dtype)])
        }
        initializers.append(assign.node)
        return variable
    }

    private func named(
        _ name: String, _ op: String, _ inputs: [Endpoint], _ attributes: [String: AttributeValue]
    ) -> Endpoint {
        nodes.append(
            AddedNode(name: nodes.freeName(name), op: op, inputs: inputs, attributes: attributes),
            [TensorFact(.float32, .unknown)])
    }

    /// The variable of a power, which all trained variables of its dtype share.
    private mutating func power(
        _ name: String, _ factor: Double, _ dtype: DataType, isHandle: Bool
    ) throws(OpError) -> Endpoint {
        let known = powers.first { $0.name == name && $0.dtype == dtype && $0.isHandle == isHandle }
        if let known { return known.variable }
        let variable = try variable(name, dtype, .scalar, isHandle: isHandle, factor)
        powers.append((name, dtype, isHandle, variable, factor))
        return variable
    }

    private func read(_ handle: Endpoint, _ dtype: DataType) throws(OpError) -> Endpoint {
        try nodes.add("ReadVariableOp", [handle], ["dtype": .type(dtype)], gives: [TensorFact(dtype, .unknown)])
    }

    // MARK: The end

    /// Adds the nodes that stand for a step and for the first values.
    ///
    /// - Returns: Their names.
    mutating func finish() throws(OpError) -> (step: String, initializer: String) {
        nodes.scope = optimizer.title
        var last: [Int] = []
        for power in powers {
            // After all ops of the step, which use the power as it is.
            let factor = try constant(power.factor, power.dtype)
            let value = power.isHandle ? try readAfterSteps(power.variable, power.dtype) : power.variable
            let product = try nodes.add(
                "Mul", [value, factor], ["T": .type(power.dtype)], controls: steps,
                gives: [TensorFact(power.dtype, .scalar)])
            let assign =
                if power.isHandle {
                    try nodes.add(
                        "AssignVariableOp", [power.variable, product], ["dtype": .type(power.dtype)], gives: [])
                } else {
                    try nodes.add(
                        "Assign", [power.variable, product],
                        ["T": .type(power.dtype), "validate_shape": .bool(true), "use_locking": .bool(false)],
                        gives: [TensorFact(power.dtype, .scalar)])
                }
            last.append(assign.node)
        }
        return (group(optimizer.title, steps + last), group("\(optimizer.title)/init", initializers))
    }

    private func readAfterSteps(_ handle: Endpoint, _ dtype: DataType) throws(OpError) -> Endpoint {
        try nodes.add(
            "ReadVariableOp", [handle], ["dtype": .type(dtype)], controls: steps, gives: [TensorFact(dtype, .scalar)])
    }

    private func group(_ wish: String, _ controls: [Int]) -> String {
        let name = nodes.freeName(wish)
        _ = nodes.append(AddedNode(name: name, op: "NoOp", controlInputs: controls), [])
        return name
    }

    private func constant(_ value: Double, _ dtype: DataType) throws(OpError) -> Endpoint {
        let tensor: Tensor? = dtype == .float64 ? Tensor([value], shape: []) : Tensor([Float(value)], shape: [])
        guard let tensor else { throw OpError(.resourceExhausted, "not enough memory for a constant") }
        let constant = try nodes.constant(tensor)
        guard tensor.dtype != dtype else { return constant }
        return try nodes.add("Cast", [constant], ["DstT": .type(dtype), "Truncate": .bool(false)])
    }

    private func vector(_ values: [Int]) throws(OpError) -> Endpoint {
        guard let tensor = Tensor(values.map { Int32(clamping: $0) }, shape: [values.count]) else {
            throw OpError(.resourceExhausted, "not enough memory for a constant")
        }
        return try nodes.constant(tensor)
    }
}
