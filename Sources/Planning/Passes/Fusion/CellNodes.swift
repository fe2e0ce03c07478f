internal import Kernels
internal import Operations
internal import Tensors

/// The nodes of a recurrent cell: those of one region that run under one condition.
struct CellNodes {
    private let region: Plan.RegionID
    private let guarded: Guard

    init(around id: Plan.NodeID, _ plan: borrowing Plan) {
        region = plan.nodes[id].region
        guarded = plan.nodes[id].guarded
    }

    /// The node that computes a value, if it is one of the cell.
    func node(of value: Plan.Value, _ plan: borrowing Plan) -> Plan.NodeID? {
        guard let id = plan.producers[value], contains(id, plan) else { return nil }
        return id
    }

    func contains(_ id: Plan.NodeID, _ plan: borrowing Plan) -> Bool {
        plan.nodes[id].region == region && plan.nodes[id].guarded == guarded
    }

    /// The same, if one node alone uses it.
    func soleNode(of value: Plan.Value, _ plan: borrowing Plan) -> Plan.NodeID? {
        plan.users(of: value)?.count == 1 ? node(of: value, plan) : nil
    }

    func operands(of id: Plan.NodeID, _ formula: BinaryFormula, _ plan: borrowing Plan) -> [Plan.Value]? {
        plan.nodes[id].region == region ? plan.binary(id, formula) : nil
    }

    /// The operand of a function whose value one node alone uses.
    func operand(of value: Plan.Value, _ formula: UnaryFormula, _ plan: borrowing Plan) -> Plan.Value? {
        guard let id = soleNode(of: value, plan) else { return nil }
        return operand(ofNode: id, formula, plan)
    }

    func operand(ofNode id: Plan.NodeID, _ formula: UnaryFormula, _ plan: borrowing Plan) -> Plan.Value? {
        guard let op = plan.nodes[id].op?.asElementwise, op.elementwiseFormula == .unary(formula) else { return nil }
        return plan.nodes[id].inputs[0]
    }
}

extension Plan {
    /// The nodes that use a value, one entry for each use; nil if it is fetched.
    func users(of value: Value) -> [NodeID]? {
        var found: [NodeID] = []
        for user in uses[value] {
            guard user != Plan.fetchUse else { return nil }
            if nodes[user].isPresent { found.append(user) }
        }
        return found
    }

    /// A matrix as a sum of one or two matrices, and perhaps a row for all.
    ///
    /// - `user`: The one that uses the matrix; others need it as it is.
    func termsAndBias(of whole: Value, for user: NodeID) -> (terms: [Value], bias: Value?) {
        let columns = facts[whole].shape.dimension(1)
        var (matrix, user, bias): (Value, NodeID, Value?) = (whole, user, nil)
        if let adder = onlyUsed(matrix, by: user), let op = nodes[adder].op?.asChannelAffine,
            case .adding(let other)? = op.channelAffine(of: 0, inputFacts(of: adder))?.formula,
            facts[nodes[adder].inputs[other]].shape.dimensions == [columns]
        {
            bias = nodes[adder].inputs[other]
            matrix = nodes[adder].inputs[0]
            user = adder
        }
        guard let adder = onlyUsed(matrix, by: user), let terms = binary(adder, .add),
            terms.allSatisfy({ facts[$0].shape.rank == 2 && facts[$0].shape.dimension(1) == columns })
        else { return ([matrix], bias) }
        return (terms, bias)
    }

    /// The columns of a matrix that a value is.
    ///
    /// - Returns: The matrix, the first column, and the node that takes the columns; nil where the value is computed otherwise.
    func columns(of value: Value) -> (source: Value, first: Int, taker: NodeID)? {
        guard let id = producers[value], let op = nodes[id].op, nodes[id].state == nil else { return nil }
        if let parting = op.asParting?.parting(inputFacts(of: id)) {
            let source = nodes[id].inputs[parting.input]
            let width = facts[source].shape.dimension(1)
            guard parting.axis == 1, facts[source].shape.rank == 2, width >= 0,
                let part = nodes[id].outputs.firstIndex(of: value)
            else { return nil }
            return (source, width / parting.count * part, id)
        }
        let source = nodes[id].inputs[0]
        guard facts[source].shape.rank == 2, let slicing = op.asSlicing?.slicing(inputFacts(of: id)),
            slicing.axis == 1
        else { return nil }
        return (source, slicing.range.lowerBound, id)
    }
}
