internal import Graphs
internal import Operations
internal import Tensors

/// A placeholder that is not data, but selects training or prediction.
package enum InputSwitch: Hashable, Sendable {
    /// The share of elements that dropout keeps.
    case keepProbability
    /// The share of elements that dropout drops.
    case dropRate
    /// A Boolean that selects branches, true in training.
    case training
    /// A Boolean that selects branches, true in predictions.
    case testing

    /// The meaning of the switch and its usual value.
    package var note: String {
        switch self {
        case .keepProbability: "the share that dropout keeps: 1 for predictions"
        case .dropRate: "the share that dropout drops: 0 for predictions"
        case .training: "whether the model is being trained: false for predictions"
        case .testing: "whether the model is being tested: true for predictions"
        }
    }

    /// The usual value for predictions.
    package var usualValue: Double {
        switch self {
        case .keepProbability, .testing: 1
        case .dropRate, .training: 0
        }
    }

    private static let branchOps: Set<String> = [
        "Switch", "RefSwitch", "Identity", "If", "StatelessIf", "LogicalNot", "LogicalAnd", "LogicalOr", "Enter",
    ]

    /// Returns nil for a placeholder of data.
    ///
    /// - Parameters:
    ///   - placeholder: The node's index.
    ///   - forward: The graph.
    ///   - isRandom: For each node, whether it depends on random numbers.
    ///   - fact: The facts about the placeholder.
    init?(_ placeholder: Int, _ forward: ForwardGraph, isRandom: [Bool], fact: TensorFact?) {
        guard let fact, (fact.shape.rank ?? 0) == 0 else { return nil }
        let words = NodeWords(forward.graph.nodes[placeholder]).components.last ?? []
        if fact.dtype == .bool {
            let choosesOnly = forward.readers[placeholder].allSatisfy {
                Self.branchOps.contains(forward.graph.nodes[$0].op)
            }
            // A Boolean of unknown rank that is used in computations may be data.
            guard choosesOnly || fact.shape.rank == 0,
                let kind = Self.training(named: words) ?? Self.training(usedBy: placeholder, forward, isRandom)
            else { return nil }
            self = kind
        } else if fact.dtype.isFloating,
            let kind = Self.dropout(placeholder, forward, isRandom) ?? Self.dropout(named: words)
        {
            self = kind
        } else {
            return nil
        }
    }

    private static let testingWords: Set<String> = [
        "test", "testing", "inference", "infer", "eval", "evaluate", "evaluation", "predict", "predicting",
        "prediction", "deterministic", "istest", "istesting", "iseval",
    ]
    private static let trainingWords: Set<String> = [
        "train", "training", "phase", "learning", "dropout", "istrain", "istraining",
    ]

    private static func training(named words: [String]) -> InputSwitch? {
        if !testingWords.isDisjoint(with: words) { return .testing }
        return trainingWords.isDisjoint(with: words) ? nil : .training
    }

    private static func training(usedBy placeholder: Int, _ forward: ForwardGraph, _ isRandom: [Bool]) -> InputSwitch? {
        guard let trains = TrainingUse(of: placeholder, forward, isRandom: isRandom).trainsWhenTrue else { return nil }
        return trains ? .training : .testing
    }

    private static func dropout(named words: [String]) -> InputSwitch? {
        if words.contains("keep") { return .keepProbability }
        let isRate = words.contains("rate") || words.contains("ratio")
        return isRate && words.contains { $0.hasPrefix("drop") } ? .dropRate : nil
    }

    /// Follows the number to where it is combined with a random one. Dropout either adds the share that it keeps and rounds down, or compares with
    /// the share that it drops. `1 - x` converts one share into the other.
    private static func dropout(_ placeholder: Int, _ forward: ForwardGraph, _ isRandom: [Bool]) -> InputSwitch? {
        var stack = [(node: placeholder, isTurned: false)]
        var seen: Set<Int> = []
        while let (index, isTurned) = stack.popLast() {
            for reader in forward.readers[index] where seen.insert(reader).inserted {
                let meetsRandom = forward.inputs[reader].contains { $0 != index && isRandom[$0] }
                switch forward.graph.nodes[reader].op {
                case "GreaterEqual" where meetsRandom: return isTurned ? .keepProbability : .dropRate
                case "Add" where meetsRandom, "AddV2" where meetsRandom: return isTurned ? .dropRate : .keepProbability
                case "Identity", "Enter", "Switch", "Merge", "Cast": stack.append((reader, isTurned))
                case "Sub" where forward.inputs[reader].last == index: stack.append((reader, !isTurned))
                default: continue
                }
            }
        }
        return nil
    }
}
