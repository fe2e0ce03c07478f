internal import Graphs
internal import Operations
internal import TensorFlowProtos
internal import Tensors

/// The parts of a forward graph for training: losses, and the placeholders of labels.
struct TrainingParts {
    /// The tensors that are minimised.
    private(set) var losses: Set<Int> = []
    /// The nodes through which gradients flow from a loss to variables.
    private(set) var trained: Set<Int> = []
    /// The placeholders that are only combined with predictions: labels, targets, rewards.
    private(set) var labels: Set<Int> = []
    /// For each node, whether it combines a value that depends on a placeholder with a variable, as layers do.
    private(set) var isWeighted: [Bool]

    private static let lossOps: Set<String> = [
        "SoftmaxCrossEntropyWithLogits", "SparseSoftmaxCrossEntropyWithLogits", "CTCLoss", "CTCLossV2",
    ]

    private static let reductions: Set<String> = ["L2Loss", "Sum", "Mean", "AddN", "Max", "Min", "EuclideanNorm"]

    /// - Parameters:
    ///   - forward: The graph.
    ///   - meta: The meta graph with its collections.
    ///   - sources: The placeholders that are not switches of dropout and the like.
    ///   - fact: Returns the facts about a tensor.
    init(_ forward: ForwardGraph, _ meta: MetaGraphDef, sources: [Int], fact: (Endpoint) -> TensorFact?) {
        isWeighted = [Bool](repeating: false, count: forward.graph.nodes.count)
        let marked = Self.trained(forward)
        let leading = forward.leading(to: marked)
        losses = marked.filter { !forward.isExcluded[$0] && !leading[$0] }
        // Some ops have no gradient node of their own. They are found between others.
        let following = forward.dependents(of: marked)
        trained = Set(leading.indices.filter { leading[$0] && following[$0] }).union(marked)
        for name in meta.collectionDef["losses"]?.nodeList.value ?? [] {
            if let name = TensorName(parsing: name), let node = forward.graph.index(ofNode: name.node) {
                losses.insert(node)
            }
        }
        losses.formUnion(forward.nodes { Self.lossOps.contains($0.op) })
        isWeighted = Self.weighted(forward, sources, fact)
        let predicted = forward.dependents(of: isWeighted.indices.filter { isWeighted[$0] })
        labels = Set(sources.filter { isLabel($0, forward, predicted) })
        if labels.count == sources.count { labels = [] }
    }

    private static let comparisons: Set<String> = ["Equal", "NotEqual", "InTopK", "InTopKV2"]

    /// Whether a placeholder is used by no layer but by a loss, or is only compared with the results of layers.
    private func isLabel(_ source: Int, _ forward: ForwardGraph, _ predicted: [Bool]) -> Bool {
        let reached = forward.dependents(of: [source])
        let nodes = reached.indices.filter { reached[$0] }
        if nodes.contains(where: { isWeighted[$0] }) { return false }
        if nodes.contains(where: { losses.contains($0) }) { return true }
        let meetings = nodes.filter { index in
            index != source && forward.inputs[index].contains { predicted[$0] && !reached[$0] }
        }
        return !meetings.isEmpty && meetings.allSatisfy { Self.comparisons.contains(forward.graph.nodes[$0].op) }
    }

    /// tf.gradients puts the gradient of a node `a/b` into the scope `gradients/a/b_grad`.
    private static func trained(_ forward: ForwardGraph) -> Set<Int> {
        var result: Set<Int> = []
        for index in forward.inputs.nodes where forward.isGradient(index) {
            let name = forward.graph.nodes[index].name
            let parts = name.utf8.split(separator: UInt8(ascii: "/"))
            guard let start = parts.firstIndex(where: { ForwardGraph.isGradientScope(Substring($0)) }) else { continue }
            for end in parts.indices[(start + 1)...] where Substring(parts[end]).hasSuffix("_grad") {
                let original = name[parts[start + 1].startIndex..<parts[end].endIndex].dropLast(5)
                if let node = forward.graph.index(ofNode: String(original)) {
                    result.insert(node)
                    break
                }
            }
        }
        return result
    }

    private static func weighted(
        _ forward: ForwardGraph, _ sources: [Int], _ fact: (Endpoint) -> TensorFact?
    ) -> [Bool] {
        let fed = forward.dependents(of: sources)
        let variables = forward.nodes(with: .variable)
        let varying = forward.dependents(of: variables)
        let reduced = forward.dependents(of: forward.nodes { reductions.contains($0.op) })
        return forward.graph.nodes.indices.map { index in
            guard fed[index], varying[index], !forward.isForUpdates[index] else { return false }
            let inputs = forward.inputs[index]
            let weights = inputs.filter { varying[$0] && !fed[$0] }
            guard !weights.isEmpty, inputs.contains(where: { fed[$0] }) else { return false }
            // A loss plus a penalty on weights is a sum of scalars, not a layer.
            if let rank = fact(Endpoint(node: index, output: 0))?.shape.rank { return rank > 0 }
            return weights.contains { !reduced[$0] }
        }
    }
}
