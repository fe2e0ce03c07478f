internal import Kernels
internal import Operations
internal import Tensors

/// Makes one formula of those that make up an activation: the two forms of GELU.
struct FuseActivations: PlanPass {
    static let name = "fuse-activations"
    static let summary = "Makes one formula of those of which GELU is made."

    /// The numbers that the formulas have in them, as float32.
    private static let rootOfTwo: Float = 1.4142135
    private static let rootOfTwoByPi: Float = 0.7978846
    private static let cubeFactor: Float = 0.044715

    func rewrite(_ id: Plan.NodeID, in plan: borrowing Plan) throws(OpError) -> PlanPatch? {
        guard let op = plan.nodes[id].op?.asElementwise, op.elementwiseFormula == .binary(.multiply),
            plan.nodes[id].state == nil, plan.facts[plan.nodes[id].outputs[0]].dtype == .float32
        else { return nil }
        for (data, half, pattern) in Self.halves(id, plan) {
            var pattern = pattern
            guard let formula = Self.formula(half, data, &pattern, plan), pattern.isClosed(in: plan) else { continue }
            var patch = PlanPatch(of: plan)
            patch.setComputation(
                OpTable.elementwise(formula), [data], of: id, named: "Gelu", insteadOf: pattern.inner.sorted(), in: plan
            )
            return patch
        }
        return nil
    }

    /// The ways to see a product as `x * (0.5 * y)` or `(x * 0.5) * y`, with x first.
    private static func halves(
        _ id: Plan.NodeID, _ plan: borrowing Plan
    ) -> [(Plan.Value, Plan.Value, PlanPattern)] {
        let inputs = plan.nodes[id].inputs
        var found: [(Plan.Value, Plan.Value, PlanPattern)] = []
        for (one, other) in [(inputs[0], inputs[1]), (inputs[1], inputs[0])] {
            var pattern = PlanPattern(root: id)
            for (value, number) in pattern.pairs(of: other, .multiply, in: plan) where plan.number(number) == 0.5 {
                found += [(one, value, pattern), (value, one, pattern)]
            }
        }
        return found
    }

    /// The formula of which `sum` is `1 + erf(...)` or `1 + tanh(...)` of `data`.
    private static func formula(
        _ sum: Plan.Value, _ data: Plan.Value, _ pattern: inout PlanPattern, _ plan: borrowing Plan
    ) -> UnaryFormula? {
        for (function, number) in pattern.pairs(of: sum, .add, in: plan) where plan.number(number) == 1 {
            if let argument = pattern.operand(of: function, .erf, in: plan) {
                let quotient =
                    pattern.operands(of: argument, .binary(.realDivide), in: plan)
                    ?? pattern.operands(of: argument, .binary(.divide), in: plan)
                return quotient?[0] == data && quotient.flatMap { plan.number($0[1]) } == rootOfTwo ? .gelu : nil
            }
            if let argument = pattern.operand(of: function, .tanh, in: plan) {
                return isInner(argument, data, &pattern, plan) ? .geluTanh : nil
            }
        }
        return nil
    }

    /// Whether a value is `sqrt(2 / pi) * (x + 0.044715 * x^3)`.
    private static func isInner(
        _ value: Plan.Value, _ data: Plan.Value, _ pattern: inout PlanPattern, _ plan: borrowing Plan
    ) -> Bool {
        for (sum, factor) in pattern.pairs(of: value, .multiply, in: plan) where plan.number(factor) == rootOfTwoByPi {
            for (product, other) in pattern.pairs(of: sum, .add, in: plan) where other == data {
                for (cube, factor) in pattern.pairs(of: product, .multiply, in: plan)
                where plan.number(factor) == cubeFactor { return isCube(cube, data, &pattern, plan) }
            }
        }
        return false
    }

    private static func isCube(
        _ value: Plan.Value, _ data: Plan.Value, _ pattern: inout PlanPattern, _ plan: borrowing Plan
    ) -> Bool {
        if let power = pattern.operands(of: value, .binary(.power), in: plan) {
            return power[0] == data && plan.number(power[1]) == 3
        }
        for (other, square) in pattern.pairs(of: value, .multiply, in: plan) where other == data {
            if pattern.operand(of: square, .square, in: plan) == data { return true }
            if pattern.operands(of: square, .binary(.multiply), in: plan) == [data, data] { return true }
        }
        return false
    }
}
