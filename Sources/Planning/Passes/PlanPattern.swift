internal import Kernels
internal import Operations
internal import Tensors

/// Nodes that a pass makes one of: those that compute a value together and nothing else.
struct PlanPattern {
    /// The node that gives the value.
    let root: Plan.NodeID
    /// The others.
    private(set) var inner: Set<Plan.NodeID> = []

    init(root: Plan.NodeID) { self.root = root }

    /// The inputs of the node that computes a value by a formula, which becomes a part of the pattern.
    ///
    /// - Returns: nil where it is computed otherwise, or elsewhere than the root.
    mutating func operands(
        of value: Plan.Value, _ formula: ElementwiseFormula, in plan: borrowing Plan
    ) -> [Plan.Value]? {
        guard let id = plan.producers[value], let op = plan.nodes[id].op?.asElementwise,
            op.elementwiseFormula == formula, plan.runs(id, with: root)
        else { return nil }
        if id != root { inner.insert(id) }
        return plan.nodes[id].inputs
    }

    /// Makes a node a part of the pattern.
    mutating func add(_ id: Plan.NodeID) { inner.insert(id) }

    /// The operand of a unary formula.
    mutating func operand(of value: Plan.Value, _ formula: UnaryFormula, in plan: borrowing Plan) -> Plan.Value? {
        operands(of: value, .unary(formula), in: plan)?.first
    }

    /// The two operands of a formula in both orders.
    mutating func pairs(
        of value: Plan.Value, _ formula: BinaryFormula, in plan: borrowing Plan
    ) -> [(Plan.Value, Plan.Value)] {
        guard let operands = operands(of: value, .binary(formula), in: plan) else { return [] }
        return [(operands[0], operands[1]), (operands[1], operands[0])]
    }

    /// What is folded to a value, and how; the node becomes a part of the pattern.
    mutating func fold(of value: Plan.Value, in plan: borrowing Plan) -> (data: Plan.Value, fold: Fold)? {
        guard let id = plan.producers[value], let op = plan.nodes[id].op?.asReducing,
            plan.runs(id, with: root)
        else { return nil }
        var facts: [TensorFact] = []
        for input in plan.nodes[id].inputs { facts.append(plan.facts[input]) }
        guard let fold = op.fold(facts) else { return nil }
        inner.insert(id)
        return (plan.nodes[id].inputs[0], fold)
    }

    /// Whether nobody else needs what the inner nodes give.
    func isClosed(in plan: borrowing Plan) -> Bool {
        for id in inner {
            for value in plan.nodes[id].outputs {
                for user in plan.uses[value] where user != root && !inner.contains(user) { return false }
            }
        }
        return true
    }
}

extension Plan {
    /// Whether two nodes run under the same condition in the same region, and none of them has to do with a variable.
    func runs(_ id: NodeID, with other: NodeID) -> Bool {
        nodes[id].isPresent && nodes[id].state == nil && nodes[id].region == nodes[other].region
            && nodes[id].guarded == nodes[other].guarded
    }

    /// The element of a constant that has just one, as float32.
    func number(_ value: Value) -> Float? {
        guard let constant = facts[value].value, constant.dtype == .float32, constant.shape.elementCount == 1 else {
            return nil
        }
        return constant.scalars(as: Float.self)?.first
    }
}
