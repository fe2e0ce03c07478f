internal import Operations

// What passes ask that join nodes which follow each other.

extension Plan {
    /// The node that computes a value as its first output, if one other node uses that node, once, in the same region and under the same
    /// guard.
    ///
    /// - Parameters:
    ///   - value: The value.
    ///   - user: The one that uses it.
    /// - Returns: The node; nil where there is none.
    func only(producing value: Value, for user: NodeID) -> NodeID? {
        guard let id = producers[value], nodes[id].outputs.first == value, nodes[id].state == nil,
            nodes[user].state == nil, nodes[id].region == nodes[user].region,
            nodes[id].guarded == nodes[user].guarded
        else { return nil }
        var users = 0
        for output in nodes[id].outputs {
            for use in uses[output] where use != user || output != value {
                if use == Self.fetchUse || nodes[use].isPresent && nodes[use].inputs.contains(output) { return nil }
            }
            users += output == value ? nodes[user].inputs.filter { $0 == value }.count : 0
        }
        return users == 1 ? id : nil
    }

    /// Where a node comes from that does what some others did.
    ///
    /// - Parameters:
    ///   - first: The one that it is named after.
    ///   - others: The others.
    /// - Returns: The place in the graph, with all names.
    func origin(joining first: NodeID, _ others: [NodeID]) -> Origin {
        var origin = nodes[first].origin
        for other in others { origin.merged += [nodes[other].origin.node] + nodes[other].origin.merged }
        return origin
    }
}
