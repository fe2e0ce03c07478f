internal import Graphs
internal import Operations
internal import TensorFlowProtos
internal import Tensors

/// Guesses the outputs of a graph.
///
/// Candidates are values that depend on data, but not on labels or a loss, and that are not used further, except by a loss, a metric or a
/// summary. The best of them, by their names and ops, are the outputs.
struct OutputGuess {
    private let forward: ForwardGraph
    private let training: TrainingParts
    private let sources: [Int]
    private let fact: (Endpoint) -> TensorFact?
    private let collected: [Int: String]
    /// Whether a node depends on the values of the data, not only on its shapes.
    private let isFed: [Bool]
    /// Whether a node depends on labels, or is part of a loss or a metric.
    private let isJudgement: [Bool]
    /// Whether a node is in a loop or a branch, and cannot be fetched.
    private let isInside: [Bool]
    /// Whether a node depends on a layer.
    private let isWeighted: [Bool]
    /// Whether a node is not an output, and no output depends on it.
    private var isDead: [Bool]

    /// The rank of a candidate, the best first.
    private enum Rank: Int, Comparable {
        /// The author put it into a collection.
        case collected
        /// Its name or its op shows that it is an output.
        case telling
        /// A loss is computed from it.
        case trained
        /// The author gave it a name.
        case named
        /// A layer computes it.
        case computed
        case other

        static func < (left: Rank, right: Rank) -> Bool { left.rawValue < right.rawValue }
    }

    private struct Candidate {
        let node: Int
        let rank: Rank
    }

    /// The maximum number of outputs that are shown.
    private static let maxOutputs = 16

    init(
        _ forward: ForwardGraph, _ meta: MetaGraphDef, _ training: TrainingParts, sources: [Int],
        fact: @escaping (Endpoint) -> TensorFact?
    ) {
        self.forward = forward
        self.training = training
        self.fact = fact
        self.sources = sources
        collected = Self.collected(forward, meta)
        let reached = forward.dependents(of: sources, through: { !OutputWords.shapeOps.contains($0.op) })
        isFed = zip(reached, forward.graph.nodes).map { $0 && !OutputWords.shapeOps.contains($1.op) }
        let labelled = forward.dependents(of: training.labels)
        var words = JudgingWords()
        let scopes = Self.judgingScopes(forward, training, &words)
        isJudgement = forward.graph.nodes.enumerated().map { index, node in
            labelled[index] || scopes[forward.scopes.ofNode[index]] || training.losses.contains(index)
                || !training.isWeighted[index] && words.isJudging(NameScopes.component(of: node.name[...]))
        }
        let loops = forward.dependents(of: forward.nodes { $0.op == "Enter" || $0.op == "RefEnter" }) {
            $0.op != "Exit" && $0.op != "RefExit"
        }
        let branches = forward.dependents(of: forward.nodes { $0.op == "Switch" || $0.op == "RefSwitch" }) {
            !OutputWords.ends.contains($0.op)
        }
        isInside = forward.graph.nodes.enumerated().map { index, node in
            loops[index] && !["Exit", "RefExit"].contains(node.op)
                || branches[index] && !OutputWords.ends.contains(node.op)
        }
        isWeighted = forward.dependents(of: training.isWeighted.indices.filter { training.isWeighted[$0] })
        isDead = []
        isDead = dead()
    }

    /// The outputs, the best first.
    func find() -> [Endpoint] {
        let good = candidates(where: { !isJudgement[$0] && !isDead[$0] })
        if !good.isEmpty { return endpoints(of: shown(good)) }
        for isWanted in relaxations {
            let found = forward.graph.nodes.indices.filter { isWanted($0) && !isInside[$0] && isLeaf($0) }
            if !found.isEmpty { return endpoints(of: Array(found.prefix(Self.maxOutputs))) }
        }
        return []
    }

    /// The rules if there is no better output: scalars, losses, values that depend on shapes alone, values that depend on variables.
    private var relaxations: [(Int) -> Bool] {
        let reached = forward.dependents(of: sources)
        let labelled = forward.dependents(of: training.labels)
        let varying = forward.dependents(of: forward.nodes(with: .variable))
        return [
            { isFed[$0] && !isJudgement[$0] }, { isFed[$0] && !labelled[$0] }, { isFed[$0] || labelled[$0] },
            { reached[$0] }, { varying[$0] },
        ].map { isReached in
            { isReached($0) && !forward.isExcluded[$0] && !forward.isForUpdates[$0] && !isSource($0) }
        }
    }

    private func isSource(_ index: Int) -> Bool {
        let op = forward.graph.nodes[index].op
        return OpTable.traits(of: op).contains(.feed) || op == "VarHandleOp" || sources.contains(index)
    }

    private func isLeaf(_ index: Int) -> Bool { forward.readers[index].allSatisfy { forward.isForUpdates[$0] } }

    // MARK: - Candidates

    private func candidates(where isWanted: (Int) -> Bool) -> [Candidate] {
        var found: [Int: Rank] = [:]
        for index in forward.graph.nodes.indices where isWanted(index) {
            let readers = forward.readers[index]
            let going = readers.lazy.filter { !isDead[$0] && !isJudgement[$0] }
            let isLeaf = going.isEmpty
            // Probabilities are an output as well if the most likely class is computed from them.
            let isDecided = !isLeaf && going.allSatisfy { OutputWords.decisions.contains(forward.graph.nodes[$0].op) }
            let isJudged = readers.contains {
                isJudgement[$0] || isDead[$0] && isFed[$0] && training.trained.contains($0)
            }
            guard !isInside[index], isLeaf || isDecided || isJudged && !isScalar(index) || collected[index] != nil
            else { continue }
            // A node that prepares a prediction for its loss is not the prediction.
            let origin = readers.isEmpty || isDecided ? index : origin(of: index, where: isWanted)
            let rank = rank(of: origin, isJudged: isJudged)
            guard !isDecided || isJudged || rank <= .telling else { continue }
            found[origin] = min(found[origin] ?? rank, rank)
        }
        return distinct(found.map { Candidate(node: $0.key, rank: $0.value) })
    }

    private func rank(of index: Int, isJudged: Bool) -> Rank {
        if collected[index] != nil { return .collected }
        let node = forward.graph.nodes[index]
        let words = NodeWords(node)
        if OutputWords.outputOps.contains(node.op) || !OutputWords.names.isDisjoint(with: words.telling) {
            return .telling
        }
        if isJudged, training.trained.contains(index) { return .trained }
        if !words.isDefault { return .named }
        return isWeighted[index] ? .computed : .other
    }

    /// The best candidates, and for each input that leads to none of them, the best candidate of that input.
    private func shown(_ candidates: [Candidate]) -> [Int] {
        let candidates = withoutFollowers(candidates)
        let best = candidates.map(\.rank).min() ?? .other
        let limit = max(best, .named)
        var shown = withoutIntermediates(candidates.filter { $0.rank <= limit })
        for source in sources where !training.labels.contains(source) {
            let reached = forward.dependents(of: [source])
            guard !shown.contains(where: { reached[$0.node] }) else { continue }
            let own = candidates.filter { reached[$0.node] && $0.rank <= max(limit, .computed) }
            guard let best = own.map(\.rank).min() else { continue }
            shown += withoutIntermediates(own.filter { $0.rank == best })
        }
        let order = shown.sorted { ($0.rank, $0.node) < ($1.rank, $1.node) }
        return order.prefix(Self.maxOutputs).map(\.node)
    }

    /// Removes candidates that are computed from an output on its way to a loss.
    private func withoutFollowers(_ candidates: [Candidate]) -> [Candidate] {
        let telling = candidates.filter { $0.rank <= .telling }.map(\.node)
        let following = forward.dependents(of: telling)
        return candidates.filter { $0.rank != .trained || !following[$0.node] }
    }

    /// Removes unread and unnamed candidates if another one has more layers in addition to all of theirs.
    private func withoutIntermediates(_ candidates: [Candidate]) -> [Candidate] {
        guard candidates.count <= Self.maxOutputs * 4 else { return candidates }
        let layers = candidates.map { self.layers(of: $0.node) }
        return candidates.enumerated().filter { index, candidate in
            candidate.rank < .computed || !layers.contains { layers[index].isStrictSubset(of: $0) }
        }.map(\.element)
    }

    /// The layers that a node depends on.
    private func layers(of node: Int) -> Set<Int> {
        let leading = forward.leading(to: [node])
        return Set(leading.indices.filter { (leading[$0] || $0 == node) && training.isWeighted[$0] })
    }

    private func endpoints(of nodes: [Int]) -> [Endpoint] {
        nodes.flatMap { index in
            (0..<(OutputWords.outputCounts[forward.graph.nodes[index].op] ?? 1)).map {
                Endpoint(node: index, output: $0)
            }
        }
    }

    // MARK: - Nodes that are not outputs

    /// The nodes that do not depend on feeds, the updates, and the scalars and nodes in loops that lead to nothing else.
    private func dead() -> [Bool] {
        var dead = forward.graph.nodes.indices.map { index in
            !isFed[index] || forward.isExcluded[index] || forward.isForUpdates[index] || isSource(index)
        }
        // Readers mostly come after their inputs.
        for index in dead.indices.reversed() where !dead[index] {
            let leadsNowhere = forward.readers[index].allSatisfy { dead[$0] || isJudgement[$0] }
            if leadsNowhere, isInside[index] || isScalar(index) { dead[index] = true }
        }
        return dead
    }

    private func isScalar(_ index: Int) -> Bool {
        if let rank = fact(Endpoint(node: index, output: 0))?.shape.rank { return rank == 0 }
        let node = forward.graph.nodes[index]
        if node.op.hasPrefix("TensorArrayScatter") || node.op.hasPrefix("TensorArrayWrite") { return true }
        guard ["Mean", "Sum"].contains(node.op), forward.inputs(of: index).count > 1 else { return false }
        // Without axes, TensorFlow reduces over a range of all axes.
        return forward.graph.nodes[forward.inputs(of: index)[1]].op != "Const"
    }

    /// Marks the scopes of losses and metrics, unless there are layers in them.
    private static func judgingScopes(
        _ forward: ForwardGraph, _ training: TrainingParts, _ words: inout JudgingWords
    ) -> [Bool] {
        let judging = forward.scopes.marks { words.isJudging($1) }
        let layered = forward.scopes.marks(
            around: forward.inputs.nodes.lazy.filter { !forward.isExcluded[$0] && training.isWeighted[$0] })
        return zip(judging, layered).map { $0 && !$1 }
    }

    // MARK: - Where an output comes from

    /// Walks back over the nodes that TensorFlow's losses insert between a prediction and the loss.
    private func origin(of start: Int, where isWanted: (Int) -> Bool) -> Int {
        var index = start
        var isLogarithm = false
        while NodeWords(forward.graph.nodes[index]).isDefault {
            let op = forward.graph.nodes[index].op
            isLogarithm = isLogarithm || op == "Log"
            guard OutputWords.preparing.contains(op) || isLogarithm && OutputWords.clipping.contains(op) else { break }
            let inputs = forward.inputs[index].filter { isFed[$0] }
            guard inputs.count == 1, isWanted(inputs[0]) else { break }
            index = inputs[0]
        }
        return index
    }

    /// The nodes in the author's own collections.
    private static func collected(_ forward: ForwardGraph, _ meta: MetaGraphDef) -> [Int: String] {
        var result: [Int: String] = [:]
        for (key, collection) in meta.collectionDef where !OutputWords.standardCollections.contains(key) {
            for text in collection.nodeList.value {
                guard let name = TensorName(parsing: text), let node = forward.graph.index(ofNode: name.node) else {
                    continue
                }
                result[node] = min(result[node] ?? key, key)
            }
        }
        return result
    }

    // MARK: - The same twice

    /// One of several candidates that compute the same value, as in networks that share their weights.
    private func distinct(_ candidates: [Candidate]) -> [Candidate] {
        let sorted = candidates.sorted { ($0.rank, $0.node) < ($1.rank, $1.node) }
        var equals = EqualNodes(forward)
        return zip(sorted, equals.areNew(sorted.map(\.node))).compactMap { $1 ? $0 : nil }
    }
}
