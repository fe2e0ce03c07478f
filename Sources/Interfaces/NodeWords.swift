internal import Graphs

/// The words of a node's name, and whether its author or TensorFlow chose them.
struct NodeWords {
    /// The words of each component, lowercase: `rnn/OutputLayer_1` has `[["rnn"], ["output", "layer"]]`.
    let components: [[String]]
    /// Whether TensorFlow chose the last component: the name of the op, or of the function that made the node.
    let isDefault: Bool

    /// Names that TensorFlow's functions choose, other than those of ops.
    private static let functionNames: Set<String> = [
        "add", "sub", "mul", "div", "truediv", "floordiv", "mod", "pow", "neg", "abs", "concat", "stack", "unstack",
        "split", "strided_slice", "embedding_lookup", "xw_plus_b", "one_hot", "zeros", "ones", "zeros_like",
        "ones_like", "transpose", "read", "batchnorm", "moments", "mean", "variance", "tofloat", "toint32", "toint64",
        "todouble", "l2_normalize", "expanddims", "argmax", "argmin", "embedding_lookup_sparse", "cond", "gather",
        "topkv2", "clip_by_value", "stop_gradient", "values", "indices", "hist", "sparsity",
    ]

    init(_ node: Node) {
        let parts = node.name.utf8.split(separator: UInt8(ascii: "/"))
        components = parts.map { Self.words(of: $0) }
        let last = Self.withoutNumber(parts.last.map { Substring($0) } ?? "").lowercased()
        let op = node.op.lowercased()
        isDefault =
            last == op || Self.withoutVersion(op) == Self.withoutVersion(last) || Self.functionNames.contains(last)
    }

    /// The words that describe the node: those of its name, or of the enclosing scope if TensorFlow chose the name.
    var telling: [String] {
        isDefault ? (components.dropLast().last ?? []) + (components.last ?? []) : components.last ?? []
    }

    /// Whether the name or an enclosing scope contains one of some words.
    func contains(_ words: Set<String>) -> Bool { components.contains { !words.isDisjoint(with: $0) } }

    /// Splits at characters that are not letters, and before a capital that follows a lowercase letter.
    static func words(of component: Substring.UTF8View) -> [String] {
        var words: [String] = []
        var word: [UInt8] = []
        var previousIsSmall = false
        for byte in component {
            let isCapital = (65...90).contains(byte)
            let isLetter = isCapital || (97...122).contains(byte)
            if !isLetter || isCapital && previousIsSmall {
                if !word.isEmpty { words.append(String(decoding: word, as: UTF8.self)) }
                word.removeAll(keepingCapacity: true)
            }
            if isLetter { word.append(isCapital ? byte + 32 : byte) }
            previousIsSmall = isLetter && !isCapital
        }
        return word.isEmpty ? words : words + [String(decoding: word, as: UTF8.self)]
    }

    /// Removes the number: `MatMul_3` becomes `MatMul`.
    private static func withoutNumber(_ name: Substring) -> Substring {
        guard let underscore = name.utf8.lastIndex(of: UInt8(ascii: "_")) else { return name }
        let digits = name[name.utf8.index(after: underscore)...]
        return !digits.isEmpty && digits.allSatisfy(\.isNumber) ? name[..<underscore] : name
    }

    /// Removes the version: `addv2` becomes `add`.
    private static func withoutVersion(_ name: String) -> String {
        guard name.count > 2, name.last?.isNumber == true, name.dropLast().last == "v" else { return name }
        return String(name.dropLast(2))
    }
}
