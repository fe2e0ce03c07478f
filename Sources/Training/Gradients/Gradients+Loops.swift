internal import Graphs
internal import Operations
internal import Planning
internal import Tensors

extension Gradients {
    /// Walks back through a loop: a loop of its own, whose variables are the gradients of the forward loop's variables.
    mutating func flow(backThrough loop: GraphLoop) throws(OpError) {
        var exits: [Int: Endpoint] = [:]
        for exit in loop.exits {
            guard case .endpoint(let value)? = graph.nodes[exit].inputs.first else { continue }
            exits[value.node] = Endpoint(node: exit, output: 0)
        }
        guard exits.values.contains(where: { hasGradient($0) }) else { return }
        guard nodes.resolve == nil else {
            throw OpError(
                .unsupported, "loop \"\(loop.name)\" is in another loop: gradients of nested loops are not supported")
        }
        let loopScope = "\(scope)/\(loop.name)_grad"
        nodes.scope = loopScope
        let backward = try LoopGradient(loop, graph, nodes, branches)
        var variables: [(forward: GraphLoop.Variable, backward: LoopGradient.Variable, split: Int)] = []
        for variable in loop.variables {
            guard try isReached(Endpoint(node: variable.merge, output: 0)),
                let split = loop.switches.first(where: { input(0, of: $0)?.node == variable.merge })
            else { continue }
            let first: Endpoint
            if let exit = exits[split] {
                if let total = try total(of: exit) { first = total } else { first = try nodes.add("ZerosLike", [exit]) }
            } else {
                guard let value = input(0, of: variable.enter) else { continue }
                first = try nodes.add("ZerosLike", [value])
            }
            variables.append((variable, try backward.variable(from: first), split))
        }
        var sums: [(enter: Int, sum: LoopGradient.Variable)] = []
        for enter in try constants(of: loop) {
            guard let value = input(0, of: enter) else { continue }
            sums.append((enter, try backward.variable(from: try zeros(like: value))))
        }
        try backward.within { () throws(OpError) in
            for (forward, variable, _) in variables {
                if let next = input(0, of: forward.next) { add(variable.value, to: next) }
            }
            try flow(back: loop.body)
            try checkOthers(loop, variables.map(\.split))
            nodes.scope = loopScope
            for (_, variable, split) in variables {
                let value = Endpoint(node: split, output: 1)
                let next: Endpoint
                if let total = try total(of: value) { next = total } else { next = try nodes.add("ZerosLike", [value]) }
                try backward.set(variable, to: next)
            }
            for (enter, sum) in sums {
                guard let total = try total(of: Endpoint(node: enter, output: 0)) else {
                    try backward.set(sum, to: sum.value)
                    continue
                }
                try backward.set(sum, to: try nodes.add("Add", [sum.value, total]))
            }
        }
        for (forward, variable, _) in variables {
            if let value = input(0, of: forward.enter) { add(variable.result, to: value) }
        }
        for (enter, sum) in sums { if let value = input(0, of: enter) { add(sum.result, to: value) } }
    }

    /// What is computed with the condition runs once more than the body, so nothing can flow back through it.
    private func checkOthers(_ loop: GraphLoop, _ known: [Int]) throws(OpError) {
        for split in loop.switches where !known.contains(split) && hasGradient(Endpoint(node: split, output: 1)) {
            throw OpError(
                .unsupported, "takes a value that is computed with the condition of a loop; it has no gradient here",
                node: graph.nodes[split].name, op: graph.nodes[split].op)
        }
    }

    /// What leads constants into the loop that have a gradient.
    private func constants(of loop: GraphLoop) throws(OpError) -> [Int] {
        let first = Set(loop.variables.map(\.enter))
        var result: [Int] = []
        for enter in loop.enters where !first.contains(enter) {
            let tensor = Endpoint(node: enter, output: 0)
            guard let value = input(0, of: enter) else { continue }
            let fact = try nodes.knowledge(of: value)
            let isVariable = fact.dtype == .resource && fact.variable != nil
            if isVariable ? isReachedNode(enter) : try isReached(tensor) { result.append(enter) }
        }
        return result
    }

    private func input(_ number: Int, of index: Int) -> Endpoint? {
        let inputs = graph.nodes[index].inputs
        guard inputs.indices.contains(number), case .endpoint(let endpoint) = inputs[number] else { return nil }
        return endpoint
    }
}
