internal import Kernels
internal import Operations
internal import Tensors

/// Makes one node of a layer normalisation: `(x - mean) / sqrt(variance + epsilon) * scale + offset`, or as `tf.nn.batch_normalization` has
/// it, `x * k + (offset - mean * k)` with `k = rsqrt(variance + epsilon) * scale`.
struct FuseLayerNormalization: PlanPass {
    static let name = "fuse-layer-norm"
    static let summary = "Computes a layer normalisation in one pass over its rows."

    func rewrite(_ id: Plan.NodeID, in plan: borrowing Plan) throws(OpError) -> PlanPatch? {
        guard let op = plan.nodes[id].op?.asElementwise, plan.nodes[id].state == nil,
            let formula = op.elementwiseFormula, plan.facts[plan.nodes[id].outputs[0]].dtype == .float32
        else { return nil }
        var match: LayerNormalizationMatch?
        switch formula {
        case .binary(.add):
            match = .ofMultiples(id, plan) ?? .extended(id, .add, plan)
        case .binary(.multiply):
            match = .ofProduct(id, plan) ?? .extended(id, .multiply, plan)
        case .binary(.divide), .binary(.realDivide):
            match = .ofQuotient(id, plan)
        default: return nil
        }
        guard let match, match.pattern.isClosed(in: plan), match.isFitting(plan) else { return nil }
        var normalization = RowNormalization(axisCount: match.axisCount, epsilon: match.epsilon)
        normalization.hasScale = match.scale != nil
        normalization.hasOffset = match.offset != nil
        var patch = PlanPatch(of: plan)
        patch.setComputation(
            normalization, [match.data] + [match.scale, match.offset].compactMap { $0 }, of: id,
            named: "LayerNormalization", insteadOf: match.pattern.inner.sorted(), in: plan)
        return patch
    }
}

/// A layer normalisation that was found.
private struct LayerNormalizationMatch {
    private(set) var pattern: PlanPattern
    private(set) var data = 0
    private(set) var axisCount = 0
    private(set) var epsilon: Float = 0
    private(set) var scale: Plan.Value?
    private(set) var offset: Plan.Value?

    private init(_ root: Plan.NodeID) { pattern = PlanPattern(root: root) }

    // MARK: - Forms

    /// x * k + (offset - mean * k), k = rsqrt(variance + epsilon) * scale. Scale or offset may be missing.
    static func ofMultiples(_ id: Plan.NodeID, _ plan: borrowing Plan) -> LayerNormalizationMatch? {
        let inputs = plan.nodes[id].inputs
        for (product, rest) in [(inputs[0], inputs[1]), (inputs[1], inputs[0])] {
            var outer = LayerNormalizationMatch(id)
            for (data, factor) in outer.pattern.pairs(of: product, .multiply, in: plan) {
                var match = outer
                let centre: Plan.Value
                if let difference = match.pattern.operands(of: rest, .binary(.subtract), in: plan) {
                    match.offset = difference[0]
                    centre = difference[1]
                } else if let negated = match.pattern.operand(of: rest, .negate, in: plan) {
                    centre = negated
                } else {
                    break
                }
                guard let variance = match.variance(ofFactor: factor, plan),
                    let mean = match.takeMoments(variance, of: data, plan),
                    match.pattern.pairs(of: centre, .multiply, in: plan).contains(where: { $0 == (mean, factor) })
                else { continue }
                return match
            }
        }
        return nil
    }

    /// (x - mean) * (rsqrt(variance + epsilon) * scale). The scale may be missing.
    static func ofProduct(_ id: Plan.NodeID, _ plan: borrowing Plan) -> LayerNormalizationMatch? {
        let inputs = plan.nodes[id].inputs
        for (difference, factor) in [(inputs[0], inputs[1]), (inputs[1], inputs[0])] {
            var match = LayerNormalizationMatch(id)
            guard let centred = match.pattern.operands(of: difference, .binary(.subtract), in: plan),
                let variance = match.variance(ofFactor: factor, plan),
                match.takeMoments(variance, of: centred[0], plan) == centred[1]
            else { continue }
            return match
        }
        return nil
    }

    /// (x - mean) / sqrt(variance + epsilon).
    static func ofQuotient(_ id: Plan.NodeID, _ plan: borrowing Plan) -> LayerNormalizationMatch? {
        let inputs = plan.nodes[id].inputs
        var match = LayerNormalizationMatch(id)
        guard let centred = match.pattern.operands(of: inputs[0], .binary(.subtract), in: plan),
            let variance = match.radicand(of: inputs[1], plan),
            match.takeMoments(variance, of: centred[0], plan) == centred[1]
        else { return nil }
        return match
    }

    /// What another form has made a node of, scaled or shifted.
    static func extended(
        _ id: Plan.NodeID, _ formula: BinaryFormula, _ plan: borrowing Plan
    ) -> LayerNormalizationMatch? {
        let inputs = plan.nodes[id].inputs
        for (normalized, other) in [(inputs[0], inputs[1]), (inputs[1], inputs[0])] {
            guard let producer = plan.producers[normalized],
                let op = plan.nodes[producer].op as? RowNormalization, plan.runs(producer, with: id), !op.hasOffset,
                formula == .add || !op.hasScale
            else { continue }
            var match = LayerNormalizationMatch(id)
            match.pattern.add(producer)
            match.data = plan.nodes[producer].inputs[0]
            match.axisCount = op.axisCount
            match.epsilon = op.epsilon
            match.scale = op.hasScale ? plan.nodes[producer].inputs[1] : nil
            if formula == .add { match.offset = other } else { match.scale = other }
            return match
        }
        return nil
    }

    // MARK: - Parts

    /// The variance of `rsqrt(variance + epsilon)`, perhaps multiplied by the scale.
    private mutating func variance(ofFactor factor: Plan.Value, _ plan: borrowing Plan) -> Plan.Value? {
        if let sum = pattern.operand(of: factor, .rsqrt, in: plan) { return variance(ofSum: sum, plan) }
        for (root, other) in pattern.pairs(of: factor, .multiply, in: plan) {
            guard let sum = pattern.operand(of: root, .rsqrt, in: plan) else { continue }
            scale = other
            return variance(ofSum: sum, plan)
        }
        return nil
    }

    /// The variance of `sqrt(variance + epsilon)`, which may be a power.
    private mutating func radicand(of root: Plan.Value, _ plan: borrowing Plan) -> Plan.Value? {
        if let sum = pattern.operand(of: root, .sqrt, in: plan) { return variance(ofSum: sum, plan) }
        guard let power = pattern.operands(of: root, .binary(.power), in: plan), plan.number(power[1]) == 0.5 else {
            return nil
        }
        return variance(ofSum: power[0], plan)
    }

    private mutating func variance(ofSum sum: Plan.Value, _ plan: borrowing Plan) -> Plan.Value? {
        for (variance, other) in pattern.pairs(of: sum, .add, in: plan) {
            guard let number = plan.number(other) else { continue }
            epsilon = number
            return variance
        }
        return nil
    }

    /// Takes over mean and variance, if they are those of the last axes of `data`.
    ///
    /// - Returns: The mean.
    private mutating func takeMoments(
        _ variance: Plan.Value, of data: Plan.Value, _ plan: borrowing Plan
    ) -> Plan.Value? {
        guard let rank = plan.facts[data].shape.rank, plan.facts[data].dtype == .float32,
            let (squares, spread) = pattern.fold(of: variance, in: plan)
        else { return nil }
        var centred: [Plan.Value]?
        if let operands = pattern.operands(of: squares, .binary(.squaredDifference), in: plan) {
            centred = operands
        } else if let difference = pattern.operand(of: squares, .square, in: plan) {
            centred = pattern.operands(of: difference, .binary(.subtract), in: plan)
        }
        guard let centred, let mean = centred.first(where: { $0 != data }), centred.contains(data),
            let (source, fold) = pattern.fold(of: mean, in: plan), source == data, fold == spread,
            fold.reduction == .mean,
            fold.keepsDimensions, !fold.axes.isEmpty, fold.axes == Array(rank - fold.axes.count..<rank)
        else { return nil }
        self.data = data
        axisCount = fold.axes.count
        return mean
    }

    /// Whether scale and offset have the shape of the last axes of the data, both the same.
    func isFitting(_ plan: borrowing Plan) -> Bool {
        guard let sizes = plan.facts[data].shape.dimensions else { return false }
        var shapes: Set<[Int]> = []
        for value in [scale, offset] {
            guard let value else { continue }
            guard let own = plan.facts[value].shape.known?.dimensions, own.count <= sizes.count,
                plan.facts[value].dtype == .float32
            else { return false }
            let last = Array(own.drop { $0 == 1 })
            guard !last.isEmpty, last.count <= axisCount, last == Array(sizes.suffix(last.count)) else { return false }
            shapes.insert(last)
        }
        return shapes.count <= 1
    }
}
