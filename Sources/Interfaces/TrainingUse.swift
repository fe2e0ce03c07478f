internal import Graphs

/// The use of a Boolean placeholder: the side of its branches that is for training.
///
/// The training side draws random numbers, changes variables, or normalises by the statistics of the batch.
struct TrainingUse {
    /// Whether the side that runs when the placeholder is true is for training; nil if both sides are, or neither.
    let trainsWhenTrue: Bool?

    private static let forwarding: Set<String> = ["Identity", "RefIdentity", "Enter", "RefEnter"]
    private static let selecting: Set<String> = ["Select", "SelectV2"]

    init(of placeholder: Int, _ forward: ForwardGraph, isRandom: [Bool]) {
        var starts: [Bool: Set<Int>] = [true: [], false: []]
        var found: Set<Bool> = []
        var stack = [(node: placeholder, isTurned: false)]
        var seen: Set<Int> = []
        while let (index, isTurned) = stack.popLast() {
            for reader in forward.allReaders[index] where seen.insert(reader).inserted {
                let node = forward.graph.nodes[reader]
                let inputs = forward.inputs(of: reader)
                if Self.forwarding.contains(node.op) {
                    stack.append((reader, isTurned))
                } else if node.op == "LogicalNot" {
                    stack.append((reader, !isTurned))
                } else if Self.selecting.contains(node.op), inputs.count == 3, inputs[0] == index {
                    for (side, input) in [(true, inputs[1]), (false, inputs[2])] where isRandom[input] {
                        found.insert(side != isTurned)
                    }
                } else if node.op == "Switch" || node.op == "RefSwitch", inputs.count == 2, inputs[1] == index {
                    for taker in forward.allReaders[reader] {
                        for case .endpoint(let endpoint) in forward.graph.nodes[taker].inputs
                        where endpoint.node == reader {
                            let side = (endpoint.output == 1) != isTurned
                            starts[side]?.insert(taker)
                            if Self.isOfBatch(forward.graph.nodes[inputs[0]]) { found.insert(side) }
                        }
                    }
                }
            }
        }
        for (side, nodes) in starts where !found.contains(side) && Self.trains(nodes, forward, isRandom) {
            found.insert(side)
        }
        trainsWhenTrue = found.count == 1 ? found.first : nil
    }

    /// Whether a node is in a scope of `tf.nn.moments`.
    private static func isOfBatch(_ node: Node) -> Bool { NodeWords(node).components.contains(["moments"]) }

    /// Whether a branch up to its `Merge` is for training.
    private static func trains(_ start: Set<Int>, _ forward: ForwardGraph, _ isRandom: [Bool]) -> Bool {
        var stack = Array(start)
        var seen = start
        while let index = stack.popLast() {
            let node = forward.graph.nodes[index]
            if node.op == "Merge" || node.op == "RefMerge" { continue }
            if isRandom[index] || forward.isUpdate(index) || isOfBatch(node) || normalisesByBatch(node) {
                return true
            }
            for reader in forward.allReaders[index] where seen.insert(reader).inserted { stack.append(reader) }
        }
        return false
    }

    private static func normalisesByBatch(_ node: Node) -> Bool {
        guard node.op.hasPrefix("FusedBatchNorm"), !node.op.contains("Grad") else { return false }
        if case .bool(let trains)? = try? node.attribute("is_training") { return trains }
        return true
    }
}
