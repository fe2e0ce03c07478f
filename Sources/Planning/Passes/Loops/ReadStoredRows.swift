internal import Operations
internal import Tensors

/// Reads a row of a tensor where it is. Graphs put the rows of a tensor into an array before a loop, and read the array in the loop.
///
/// That the array may be read only once is not checked any more.
struct ReadStoredRows: PlanPass {
    static let name = "read-stored-rows"
    static let summary = "Reads a row of a tensor where it is, not from an array that the rows were put into."

    func rewrite(_ id: Plan.NodeID, in plan: borrowing Plan) throws(OpError) -> PlanPatch? {
        let node = plan.nodes[id]
        guard case .read(let store, let index, let handle) = plan.rowStoreUse(of: id),
            let filling = plan.producers[node.inputs[store]],
            plan.nodes[filling].outputs.first == node.inputs[store],
            case .fill(let value, let places, let object) = plan.rowStoreUse(of: filling),
            plan.nodes[filling].guarded == .always,
            handle.map({ node.inputs[$0] }) == object.map({ plan.nodes[filling].inputs[$0] })
        else { return nil }
        let tensor = plan.nodes[filling].inputs[value]
        let rows = plan.facts[tensor].shape
        guard rows.rank ?? 0 > 0, plan.facts[tensor].dtype == plan.facts[node.outputs[0]].dtype,
            plan.facts[node.inputs[index]].shape.rank == 0
        else { return nil }
        if let object {
            let array = plan.nodes[filling].inputs[object]
            guard plan.isFilledOnce(array, by: filling),
                plan.holdsAllRows(of: tensor, array, places.map { plan.nodes[filling].inputs[$0] })
            else { return nil }
        }
        var patch = PlanPatch(of: plan)
        let row = try patch.add(RowOfTensor(), [tensor, node.inputs[index]], before: id, in: plan)[0]
        let known = plan.facts[node.outputs[0]].shape
        guard known.isImplied(by: patch.shape(of: row, in: plan)) else { return nil }
        patch.replace(node.outputs[0], with: row)
        patch.remove(id)
        return patch
    }
}

extension Plan {
    fileprivate func rowStoreUse(of id: NodeID) -> RowStoreUse? {
        guard nodes[id].state == nil, let op = nodes[id].op?.asRowStore else { return nil }
        return op.rowStoreUse
    }

    /// Whether a new array is filled by one node, and otherwise only read.
    fileprivate func isFilledOnce(_ array: Value, by filling: NodeID) -> Bool {
        guard let maker = producers[array], case .make = rowStoreUse(of: maker) else { return false }
        for user in uses[array] where user != filling {
            guard user != Plan.fetchUse else { return false }
            guard nodes[user].isPresent else { continue }
            guard case .read(let store, _, _) = rowStoreUse(of: user),
                nodes[user].inputs[store] == nodes[filling].outputs[0]
            else { return false }
        }
        return true
    }

    /// Whether an array has as many elements as a tensor has rows, and the places that they were put into are 0, 1, 2 ...
    ///
    /// The numbers of places and of rows are equal, or filling the array is an error.
    fileprivate func holdsAllRows(of tensor: Value, _ array: Value, _ places: Value?) -> Bool {
        guard let maker = producers[array], case .make(let size) = rowStoreUse(of: maker) else { return false }
        let count = nodes[maker].inputs[size]
        let rows = facts[tensor].shape.dimension(0)
        let isComplete = rows >= 0 && facts[count].integers == [rows]
        guard let places else { return isComplete }
        if let known = facts[places].integers {
            return isComplete && known.count == rows && known.enumerated().allSatisfy { $0 == $1 }
        }
        guard let producer = producers[places], let counting = nodes[producer].op?.asCounting else {
            return false
        }
        let inputs = counting.countingInputs
        let numbers = nodes[producer].inputs
        return facts[numbers[inputs.start]].integers == [0] && facts[numbers[inputs.step]].integers == [1]
            && (isComplete || areEqual(numbers[inputs.limit], count, depth: Self.maxSameDepth))
    }

    /// How many ops after one another are compared.
    private static var maxSameDepth: Int { 4 }

    /// Whether two whole numbers, or lists of them, are computed in the same way.
    private func areEqual(_ first: Value, _ second: Value, depth: Int) -> Bool {
        if first == second { return true }
        if let mine = facts[first].integers, let theirs = facts[second].integers { return mine == theirs }
        guard depth > 0, let one = producers[first], let two = producers[second], let op = nodes[one].op,
            let other = nodes[two].op, op.traits.allowsMerging, nodes[one].state == nil, nodes[two].state == nil,
            AnyHashable(op) == AnyHashable(other),
            nodes[one].outputs.firstIndex(of: first) == nodes[two].outputs.firstIndex(of: second),
            nodes[one].inputs.count == nodes[two].inputs.count
        else { return false }
        for (mine, theirs) in zip(nodes[one].inputs, nodes[two].inputs)
        where !areEqual(mine, theirs, depth: depth - 1) { return false }
        return true
    }
}
