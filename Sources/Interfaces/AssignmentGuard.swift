package import Graphs
package import Operations
internal import Planning
internal import Tensors

/// Finds the training switch on which a graph's assignments of variables depend, mainly those of the moving averages of batch
/// normalisation.
package struct AssignmentGuard {
    private let graph: Graph
    /// For each node, the nodes that use its values or wait for it.
    private let readers: Adjacency
    /// For each node the nodes that it takes values from or waits for.
    private let inputs: Adjacency

    /// Determines whether a training switch guards a graph's assignments, so that predictions do not need them.
    ///
    /// - Parameters:
    ///   - graph: The graph.
    ///   - interface: Its switches and outputs.
    ///   - fact: Returns the facts about a tensor.
    /// - Returns: Whether a switch guards them, and why.
    package static func find(
        _ graph: Graph, _ interface: GraphInterface, fact: (Endpoint) -> TensorFact?
    ) -> (isGuarded: Bool, reason: String) {
        let none = (isGuarded: false, reason: "no training switch of the graph decides what is assigned")
        let assignments = graph.nodes.indices.filter { OpTable.changesVariable(graph.nodes[$0].op) }
        guard !assignments.isEmpty else { return none }
        let search = AssignmentGuard(graph)
        let known = interface.trainingSwitches.filter { search.reaches($0, assignments) }
        let used = search.possibleSwitches(fact).filter { search.guardsBranches($0, assignments) }
        let deciding = known + used.filter { !known.contains($0) }
        guard let first = deciding.first else { return none }
        if let unguarded = search.unguarded(by: deciding, assignments, needed: interface.outputs) {
            return (false, "the outputs need \"\(graph.nodes[unguarded].name)\", which always assigns a variable")
        }
        return (
            true,
            "the training switch \"\(graph.nodes[first.node].name):\(first.output)\" decides whether variables are assigned"
        )
    }

    private init(_ graph: Graph) {
        self.graph = graph
        inputs = Adjacency(inputsOf: graph, controls: true)
        readers = inputs.reversed()
    }

    /// Words in the names of placeholders that select training, regardless of dtype.
    private static let trainingWords: Set<String> = ["learning", "mode", "phase", "train", "training"]
    /// The maximum number of switches. Each is followed through the graph.
    private static let maxSwitches = 64

    /// The placeholders that may be training switches: Booleans, and other scalars with such names.
    private func possibleSwitches(_ fact: (Endpoint) -> TensorFact?) -> [Endpoint] {
        let placeholders = graph.nodes.indices.filter { OpTable.traits(of: graph.nodes[$0].op).contains(.feed) }
            .map { Endpoint(node: $0, output: 0) }
        return Array(
            placeholders.filter { placeholder in
                guard let fact = fact(placeholder), (fact.shape.rank ?? 0) == 0 else { return false }
                let words = NodeWords(graph.nodes[placeholder.node]).components.last ?? []
                return fact.dtype == .bool || words.contains { Self.trainingWords.contains($0) }
            }.prefix(Self.maxSwitches))
    }

    private func reaches(_ trainingSwitch: Endpoint, _ assignments: [Int]) -> Bool {
        let reached = reached(from: [trainingSwitch.node])
        return assignments.contains { reached[$0] }
    }

    private func guardsBranches(_ trainingSwitch: Endpoint, _ assignments: [Int]) -> Bool {
        let guarded = guarded(by: [trainingSwitch])
        return assignments.contains { guarded[$0] }
    }

    /// An assignment that the outputs depend on, and that is in no branch of the switches.
    private func unguarded(by switches: [Endpoint], _ assignments: [Int], needed outputs: [Endpoint]) -> Int? {
        let guarded = guarded(by: switches)
        let needed = needed(for: outputs.map(\.node))
        return assignments.first { needed[$0] && !guarded[$0] }
    }

    /// Marks the nodes in branches that some switches choose.
    private func guarded(by switches: [Endpoint]) -> [Bool] {
        let deciding = reached(from: switches.map(\.node))
        let branches = graph.nodes.indices.filter { index in
            guard graph.nodes[index].isSwitch, graph.nodes[index].inputs.count > 1,
                case .endpoint(let predicate) = graph.nodes[index].inputs[1]
            else { return false }
            return deciding[predicate.node]
        }
        return reached(from: branches) { !$0.isMerge }
    }

    /// Marks some nodes and all nodes that depend on them.
    private func reached(from start: [Int], through passes: (Node) -> Bool = { _ in true }) -> [Bool] {
        var marks = [Bool](repeating: false, count: graph.nodes.count)
        var stack = start
        while let index = stack.popLast() {
            guard !marks[index] else { continue }
            marks[index] = true
            guard passes(graph.nodes[index]) else { continue }
            for reader in readers[index] where !marks[reader] { stack.append(reader) }
        }
        return marks
    }

    /// Marks some nodes and all nodes that they depend on.
    private func needed(for end: [Int]) -> [Bool] {
        var marks = [Bool](repeating: false, count: graph.nodes.count)
        var stack = end
        while let index = stack.popLast() {
            guard !marks[index] else { continue }
            marks[index] = true
            for input in inputs[index] where !marks[input] { stack.append(input) }
        }
        return marks
    }
}
