internal import Kernels
internal import Operations
internal import Tensors

/// A GRU cell, seen from the node that computes the next state, `u * state + (1 - u) * tanh(content)`.
///
/// - `reset * state` is multiplied by a weight, and the product is a term of the content (TensorFlow 1, and Keras with
///   `reset_after=False`): two stages.
/// - Or `content = term + reset * product` (Keras with `reset_after=True`): one stage.
///
/// `u` and `reset` are sigmoids of sums, or columns of the sigmoid of a sum.
struct GRUPattern {
    /// Columns of a matrix or of a bias.
    struct Columns {
        let source: Plan.Value
        let first: Int
    }

    /// One or two matrices and perhaps a bias.
    struct Sum {
        let terms: [Columns]
        let bias: Columns?

        fileprivate var operands: [Columns?] { [terms[0], terms.count > 1 ? terms[1] : nil, bias] }
        fileprivate func hasForm(of other: Sum) -> Bool {
            terms.count == other.terms.count && (bias == nil) == (other.bias == nil)
        }
    }

    private let id: Plan.NodeID
    private let cell: CellNodes

    init(_ id: Plan.NodeID, _ plan: borrowing Plan) {
        self.id = id
        cell = CellNodes(around: id, plan)
    }

    /// The sides of the next state, whichever is added first.
    private struct Sides {
        let update: Plan.Value
        let state: Plan.Value
        let content: Plan.Value
        /// The node that makes the content.
        let squasher: Plan.NodeID
        let cells: Int
    }

    func match(_ plan: borrowing Plan) -> GRUMatch? {
        guard let sides = sides(plan), let update = gate(sides.update, sides, plan) else { return nil }
        if let whole = wholeCell(sides, update, plan) { return whole }
        let content = sum(of: sides.content, for: sides.squasher, plan)
        guard fits(content, sides, plan) else { return nil }
        // The state after the reset, whose users are the weight's product or what joins it with the input.
        for user in plan.uses[sides.state] where user != Plan.fetchUse && plan.nodes[user].isPresent {
            guard cell.contains(user, plan), plan.runs(user, before: id),
                let factors = cell.operands(of: user, .multiply, plan), factors[0] != factors[1],
                let reset = factors.first(where: { $0 != sides.state }), reset != sides.update,
                plan.users(of: reset)?.count == 1, let sum = gate(reset, sides, plan), sum.hasForm(of: update),
                // Nobody else sees its rows, which the kernel broadcasts to those of the update gate.
                plan.users(of: plan.nodes[user].outputs[0])?.count == 1,
                plan.facts[plan.nodes[user].outputs[0]].shape.rank == 2,
                (update.operands + sum.operands).allSatisfy({ isComputed($0, before: user, plan) })
            else { continue }
            return GRUMatch(
                cells: sides.cells, update: update, reset: sum, content: content, state: sides.state,
                updateValue: sides.update, resetter: user)
        }
        return nil
    }

    /// update * state + (1 - update) * tanh(content)
    private func sides(_ plan: borrowing Plan) -> Sides? {
        guard let terms = cell.operands(of: id, .add, plan), plan.facts[plan.nodes[id].outputs[0]].dtype == .float32
        else { return nil }
        for (kept, added) in [(terms[0], terms[1]), (terms[1], terms[0])] {
            guard let keeper = cell.soleNode(of: kept, plan), let adder = cell.soleNode(of: added, plan),
                let factors = cell.operands(of: keeper, .multiply, plan),
                let others = cell.operands(of: adder, .multiply, plan)
            else { continue }
            for (rest, squashed) in [(others[0], others[1]), (others[1], others[0])] {
                guard let subtractor = cell.soleNode(of: rest, plan), let squasher = cell.soleNode(of: squashed, plan),
                    let content = cell.operand(ofNode: squasher, .tanh, plan),
                    let difference = cell.operands(of: subtractor, .subtract, plan), plan.number(difference[0]) == 1,
                    let place = factors.firstIndex(of: difference[1]), factors[0] != factors[1]
                else { continue }
                let (update, state) = (factors[place], factors[1 - place])
                let cells = plan.facts[update].shape.dimension(1)
                guard Set(plan.users(of: update) ?? []) == [keeper, subtractor], cells > 0,
                    [update, state, content].allSatisfy({ plan.facts[$0].isMatrix(ofColumns: cells) })
                else { continue }
                return Sides(update: update, state: state, content: content, squasher: squasher, cells: cells)
            }
        }
        return nil
    }

    /// The cell in which the state's product is reset: content = term + reset * product.
    private func wholeCell(_ sides: Sides, _ update: Sum, _ plan: borrowing Plan) -> GRUMatch? {
        guard update.terms.count == 2, update.bias == nil, let adder = cell.soleNode(of: sides.content, plan),
            let terms = cell.operands(of: adder, .add, plan)
        else { return nil }
        for (term, product) in [(terms[0], terms[1]), (terms[1], terms[0])] {
            guard let resetter = cell.soleNode(of: product, plan),
                let factors = cell.operands(of: resetter, .multiply, plan)
            else { continue }
            for (reset, inner) in [(factors[0], factors[1]), (factors[1], factors[0])] {
                guard plan.users(of: reset)?.count == 1, let sum = gate(reset, sides, plan), sum.hasForm(of: update)
                else { continue }
                let content = Sum(terms: [columns(of: term, plan), columns(of: inner, plan)], bias: nil)
                guard fits(content, sides, plan) else { continue }
                return GRUMatch(
                    cells: sides.cells, update: update, reset: sum, content: content, state: sides.state,
                    updateValue: sides.update, resetter: nil)
            }
        }
        return nil
    }

    /// What a gate is the sigmoid of: the value, or the matrix of which it is some columns.
    private func gate(_ value: Plan.Value, _ sides: Sides, _ plan: borrowing Plan) -> Sum? {
        var found: Sum?
        if let squasher = cell.node(of: value, plan), let inner = cell.operand(ofNode: squasher, .sigmoid, plan) {
            found = sum(of: inner, for: squasher, plan)
        } else if let (source, first, taker) = plan.columns(of: value), cell.contains(taker, plan),
            let squasher = cell.node(of: source, plan), let inner = cell.operand(ofNode: squasher, .sigmoid, plan)
        {
            found = sum(of: inner, for: squasher, plan).columns(from: first)
        }
        guard let found, fits(found, sides, plan) else { return nil }
        return found
    }

    private func sum(of value: Plan.Value, for user: Plan.NodeID, _ plan: borrowing Plan) -> Sum {
        if let (source, first, taker) = plan.columns(of: value), cell.contains(taker, plan) {
            let (terms, bias) = plan.termsAndBias(of: source, for: taker)
            let whole = Sum(
                terms: terms.map { Columns(source: $0, first: 0) }, bias: bias.map { Columns(source: $0, first: 0) })
            return whole.columns(from: first)
        }
        let (terms, bias) = plan.termsAndBias(of: value, for: user)
        var found: [Columns] = []
        for term in terms { found.append(columns(of: term, plan)) }
        return Sum(terms: found, bias: bias.map { Columns(source: $0, first: 0) })
    }

    private func columns(of value: Plan.Value, _ plan: borrowing Plan) -> Columns {
        guard let (source, first, taker) = plan.columns(of: value), cell.contains(taker, plan) else {
            return Columns(source: value, first: 0)
        }
        return Columns(source: source, first: first)
    }

    /// Whether all terms have the columns that are read, as float32.
    private func fits(_ sum: Sum, _ sides: Sides, _ plan: borrowing Plan) -> Bool {
        for term in sum.terms {
            let fact = plan.facts[term.source]
            guard fact.dtype == .float32, fact.shape.rank == 2, fact.shape.dimension(1) - sides.cells >= term.first
            else { return false }
        }
        guard let bias = sum.bias else { return true }
        let fact = plan.facts[bias.source]
        return fact.dtype == .float32 && fact.shape.rank == 1 && fact.shape.dimension(0) - sides.cells >= bias.first
    }

    private func isComputed(_ columns: Columns?, before user: Plan.NodeID, _ plan: borrowing Plan) -> Bool {
        guard let columns, let producer = plan.producers[columns.source],
            plan.nodes[producer].region == plan.nodes[user].region
        else { return true }
        return plan.runs(producer, before: user)
    }
}

extension GRUPattern.Sum {
    fileprivate func columns(from first: Int) -> Self {
        func moved(_ columns: GRUPattern.Columns) -> GRUPattern.Columns {
            GRUPattern.Columns(source: columns.source, first: columns.first + first)
        }
        return Self(terms: terms.map(moved), bias: bias.map(moved))
    }
}

extension TensorFact {
    fileprivate func isMatrix(ofColumns columns: Int) -> Bool {
        dtype == .float32 && shape.rank == 2 && shape.dimension(1) == columns
    }
}

/// A cell that ``GRUPattern`` found.
struct GRUMatch {
    let cells: Int
    let update: GRUPattern.Sum
    let reset: GRUPattern.Sum
    let content: GRUPattern.Sum
    let state: Plan.Value
    /// The sigmoid of the update gate.
    let updateValue: Plan.Value
    /// The node that multiplies the reset gate and the state; nil if the product of the state is reset.
    let resetter: Plan.NodeID?

    /// Replaces the cell.
    ///
    /// - `id`: The node that computes the next state.
    func patch(_ id: Plan.NodeID, in plan: borrowing Plan) throws(OpError) -> PlanPatch? {
        var patch = PlanPatch(of: plan)
        let own = GRUPattern.Columns(source: state, first: 0)
        let result: Plan.Value
        if let resetter {
            let gates = try add(
                .gates, update.operands + reset.operands + [own], to: &patch, before: resetter, in: plan)
            let product = plan.nodes[resetter].outputs[0]
            guard plan.facts[product].shape.isImplied(by: patch.shape(of: gates[1], in: plan)) else { return nil }
            let new = GRUPattern.Columns(source: gates[0], first: 0)
            result = try add(.output, [new] + content.operands + [own], to: &patch, before: id, in: plan)[0]
            patch.replace(product, with: gates[1])
            patch.remove(resetter)
        } else {
            let operands = [update, reset, content].flatMap { $0.operands[..<2] } + [own]
            result = try add(.cell, operands, to: &patch, before: id, in: plan)[0]
        }
        let old = plan.nodes[id].outputs[0]
        guard plan.facts[old].shape.isImplied(by: patch.shape(of: result, in: plan)) else { return nil }
        patch.replace(old, with: result)
        patch.remove(id)
        return patch
    }

    /// Adds a stage, with each value as an input once.
    private func add(
        _ stage: GRUGateKernel.Stage, _ operands: [GRUPattern.Columns?], to patch: inout PlanPatch,
        before id: Plan.NodeID, in plan: borrowing Plan
    ) throws(OpError) -> [Plan.Value] {
        var inputs: [Plan.Value] = []
        var places: [GRUGates.Place?] = []
        for operand in operands {
            guard let operand else {
                places.append(nil)
                continue
            }
            let input = inputs.firstIndex(of: operand.source) ?? inputs.count
            if input == inputs.count { inputs.append(operand.source) }
            places.append(GRUGates.Place(input: input, first: operand.first))
        }
        return try patch.add(
            GRUGates(stage, cells: cells, places), inputs, before: id, in: plan, origin: plan.origin(of: id, and: []))
    }
}
