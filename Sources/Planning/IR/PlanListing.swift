internal import Operations
internal import Tensors

/// A node of a plan, for people.
package struct PlanRow: Sendable, Hashable {
    /// The node's number.
    package let node: Int
    /// How many loops are around it.
    package let depth: Int
    /// The part of the loop that it is in; nil outside of loops.
    package let part: String?
    /// The op's name in the graph, or `Merge`, `Loop`, `Flag`, `Failure` for what the plan has made.
    package let op: String
    /// The graph nodes that it stands for.
    package let names: [String]
    /// The values that it takes.
    package let inputs: [String]
    /// The values that it gives, with dtype and shape.
    package let outputs: [String]
    /// The condition under which it runs; nil for always.
    package let condition: String?
    /// The nodes whose effects come before.
    package let after: [Int]
}

extension Plan {
    /// The nodes in the order in which they run.
    package var listing: [PlanRow] {
        var rows: [PlanRow] = []
        list(Self.outermost, depth: 0, part: nil, &rows)
        return rows
    }

    private func list(_ region: RegionID, depth: Int, part: String?, _ rows: inout [PlanRow]) {
        for id in regions[region].nodes {
            rows.append(row(id, depth: depth, part: part))
            guard let loop = nodes[id].loop else { continue }
            for (name, region) in [("head", loop.head), ("body", loop.body), ("tail", loop.tail)] {
                list(region, depth: depth + 1, part: name, &rows)
            }
        }
    }

    private func row(_ id: NodeID, depth: Int, part: String?) -> PlanRow {
        let node = nodes[id]
        let names = node.origin.node.isEmpty ? [] : [node.origin.node] + node.origin.merged
        return PlanRow(
            node: id, depth: depth, part: part, op: title(of: node), names: names, inputs: inputs(of: node),
            outputs: node.outputs.map { "%\($0) \(facts[$0].dtype) \(facts[$0].shape)" }, condition: text(node.guarded),
            after: node.after)
    }

    private func title(of node: Node) -> String {
        switch node.work {
        case .op(let op): op is LoopFetchStep ? "LoopFetch" : node.origin.op
        case .merge: "Merge"
        case .flag: "Flag"
        case .loop: "Loop"
        case .failure: "Failure"
        }
    }

    private func inputs(of node: Node) -> [String] {
        switch node.work {
        case .flag(let flag): [text(flagRules[flag])]
        case .failure(let error): ["\(error)"]
        case .op, .merge, .loop: node.inputs.map(text)
        }
    }

    private func text(_ value: Value) -> String {
        if let weight = facts[value].weight {
            return weights.title(of: weight) + (facts[value].dtype == .bfloat16 ? " bfloat16" : "")
        }
        guard let constant = facts[value].value, producers[value] == nil else { return "%\(value)" }
        guard constant.shape.elementCount == 1, let number = constant.scalars(as: Int32.self)?.first else {
            return "const\(constant.shape)"
        }
        return "\(number)"
    }

    private func text(_ guarded: Guard) -> String? {
        switch guarded {
        case .always: nil
        case .never: "never"
        case .flag(let flag): "flag \(flag)"
        }
    }

    private func text(_ rule: FlagRule) -> String {
        switch rule {
        case .branch(let predicate, let side, let base):
            "\(side ? "" : "not ")%\(predicate)" + (text(base).map { " and \($0)" } ?? "")
        case .all(let members): members.map { "flag \($0)" }.joined(separator: " and ")
        case .any(let members): members.map { "flag \($0)" }.joined(separator: " or ")
        }
    }
}
