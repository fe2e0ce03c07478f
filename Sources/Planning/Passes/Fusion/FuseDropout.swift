internal import Kernels
internal import Operations
internal import Tensors

/// Computes a dropout in one kernel, which looks at the probability when it runs: if that is fed so that everything is kept, the data is the
/// result.
///
/// Shapes tell whether each element has a random number of its own, so that only plans for known shapes are rewritten.
struct FuseDropout: PlanPass {
    static let name = "fuse-dropout"
    static let summary = "Hands data on where a dropout turns out to keep all of it, without making random numbers."
    static let forms: Set<PlanForm> = [.specialized]

    func rewrite(_ id: Plan.NodeID, in plan: borrowing Plan) throws(OpError) -> PlanPatch? {
        guard plan.nodes[id].op != nil, plan.nodes[id].outputs.count == 1, let match = DropoutPattern.match(id, plan)
        else { return nil }
        var patch = PlanPatch(of: plan)
        patch.setComputation(
            match.op, [match.data, match.scale, match.threshold], of: id, named: "Dropout",
            insteadOf: match.inner.sorted(), in: plan)
        return patch
    }
}

/// The nodes that are a dropout, seen from the one that gives the result.
private struct DropoutPattern {
    struct Match {
        let op: any Op
        let data: Plan.Value
        let scale: Plan.Value
        let threshold: Plan.Value
        /// The nodes besides the one that gives the result.
        let inner: Set<Plan.NodeID>
    }

    private var pattern: PlanPattern
    private let shape: PartialShape

    private init(_ root: Plan.NodeID, _ shape: PartialShape) {
        pattern = PlanPattern(root: root)
        self.shape = shape
    }

    static func match(_ id: Plan.NodeID, _ plan: borrowing Plan) -> Match? {
        let output = plan.nodes[id].outputs[0]
        let shape = plan.facts[output].shape
        guard plan.facts[output].dtype == .float32, shape.isFullyDefined, plan.nodes[id].state == nil else {
            return nil
        }
        let inputs = plan.nodes[id].inputs
        if plan.nodes[id].op?.asChoosing != nil, let zero = plan.number(inputs[2]), zero == 0, zero.sign == .plus {
            var own = DropoutPattern(id, shape)
            guard let kept = own.comparison(inputs[0], plan) else { return nil }
            return own.match(scaled: inputs[1], kept, chooses: true, plan)
        }
        guard let factors = plan.binary(id, .multiply) else { return nil }
        for (scaled, mask) in [(factors[0], factors[1]), (factors[1], factors[0])] {
            var own = DropoutPattern(id, shape)
            if let kept = own.mask(mask, plan), let found = own.match(scaled: scaled, kept, chooses: false, plan) {
                return found
            }
        }
        return nil
    }

    private typealias Kept = (mask: DropoutForm.Mask, numbers: Plan.Value, threshold: Plan.Value)

    private mutating func match(
        scaled: Plan.Value, _ kept: Kept, chooses: Bool, _ plan: borrowing Plan
    ) -> Match? {
        guard let random = source(of: kept.numbers, plan), let drawing = plan.nodes[random].op?.asDropping,
            plan.facts[plan.nodes[random].outputs[0]].shape == shape, !plan.facts[kept.threshold].hasElements,
            isSingle(kept.threshold, plan), let (data, scale, divides) = scaling(scaled, plan),
            pattern.isClosed(in: plan)
        else { return nil }
        let form = DropoutForm(mask: kept.mask, divides: divides, chooses: chooses)
        guard let op = drawing.dropout(form, node: plan.nodes[random].origin.node) else { return nil }
        return Match(op: op, data: data, scale: scale, threshold: kept.threshold, inner: pattern.inner)
    }

    /// Zeros and ones: floor(threshold + numbers), or numbers >= threshold as numbers.
    private mutating func mask(_ value: Plan.Value, _ plan: borrowing Plan) -> Kept? {
        if let id = plan.producers[value], plan.runs(id, with: pattern.root),
            let conversion = plan.nodes[id].op?.asConverting, conversion.target == .float32
        {
            pattern.add(id)
            return comparison(plan.nodes[id].inputs[0], plan)
        }
        guard let sum = pattern.operand(of: value, .floor, in: plan) else { return nil }
        for (threshold, numbers) in pattern.pairs(of: sum, .add, in: plan) where isSingle(threshold, plan) {
            return (.floorOfSum, numbers, threshold)
        }
        return nil
    }

    private mutating func comparison(_ value: Plan.Value, _ plan: borrowing Plan) -> Kept? {
        guard let operands = pattern.operands(of: value, .binary(.greaterEqual), in: plan) else { return nil }
        return (.notLess, operands[0], operands[1])
    }

    /// The node that draws numbers: times 1 and plus 0, they are the same.
    private mutating func source(of numbers: Plan.Value, _ plan: borrowing Plan) -> Plan.NodeID? {
        var value = numbers
        for (formula, neutral) in [(BinaryFormula.add, Float(0)), (.multiply, 1)] {
            guard let id = plan.producers[value], let operands = plan.binary(id, formula) else { continue }
            guard let other = operands.firstIndex(where: { plan.number($0) == neutral }),
                pattern.operands(of: value, .binary(formula), in: plan) != nil
            else { return nil }
            value = operands[1 - other]
        }
        guard let id = plan.producers[value], plan.runs(id, with: pattern.root), plan.nodes[id].outputs.count == 1
        else { return nil }
        pattern.add(id)
        return id
    }

    /// The data, and what all of it is multiplied with or divided by.
    private mutating func scaling(
        _ value: Plan.Value, _ plan: borrowing Plan
    ) -> (data: Plan.Value, scale: Plan.Value, divides: Bool)? {
        guard let id = plan.producers[value] else { return nil }
        for formula in [BinaryFormula.realDivide, .divide, .multiply] where plan.binary(id, formula) != nil {
            guard let operands = pattern.operands(of: value, .binary(formula), in: plan) else { return nil }
            if isSingle(operands[1], plan), plan.facts[operands[0]].shape == shape {
                return (operands[0], operands[1], formula != .multiply)
            }
            if formula == .multiply, isSingle(operands[0], plan), plan.facts[operands[1]].shape == shape {
                return (operands[1], operands[0], false)
            }
        }
        return nil
    }

    private func isSingle(_ value: Plan.Value, _ plan: borrowing Plan) -> Bool {
        plan.facts[value].dtype == .float32 && plan.facts[value].shape.known?.elementCount == 1
    }
}
