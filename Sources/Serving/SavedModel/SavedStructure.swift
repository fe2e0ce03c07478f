internal import SwiftProtobuf
internal import TensorFlowProtos

/// The Python structure of a function's arguments or results, and its tensors in TensorFlow's order.
struct SavedStructure {
    /// A tensor, or a sparse or ragged tensor, which consists of several.
    struct Leaf {
        /// The path of keys and indices.
        var name: String
        /// The shapes of its tensors.
        let components: [TensorShapeProto]
        /// The type of a value that consists of several tensors.
        var typeSpec: TypeSpecProto?
    }

    private let root: StructuredValue?
    /// The maximum depth, against hostile files.
    private static let maxDepth = 32
    private static let maxComponents = 64

    init(_ root: StructuredValue?) { self.root = root }

    /// The tensors; if their number is not `count`, `count` tensors with indices only.
    func leaves(count: Int) -> [Leaf] {
        var leaves: [Leaf] = []
        if let root { Self.visit(root, "", 0) { leaves.append($0) } }
        if leaves.reduce(0, { $0 + $1.components.count }) == count { return leaves }
        return (0..<count).map { Leaf(name: "output_\($0)", components: [.with { $0.unknownRank = true }]) }
    }

    /// The number of unknown dimensions of the tensors.
    var unknownCount: Int {
        leavesOfAny.reduce(0) { count, leaf in
            count + leaf.components.reduce(0) { $0 + ($1.unknownRank ? 8 : $1.dim.count { $0.size < 0 }) }
        }
    }

    private var leavesOfAny: [Leaf] {
        var leaves: [Leaf] = []
        if let root { Self.visit(root, "", 0) { leaves.append($0) } }
        return leaves
    }

    /// Whether an argument is Python's True, such as `training`.
    var hasTruth: Bool { root.map { Self.hasTruth($0, 0) } ?? false }

    private static func hasTruth(_ value: StructuredValue, _ depth: Int) -> Bool {
        guard depth < maxDepth else { return false }
        if case .boolValue(true)? = value.kind { return true }
        return children(of: value).contains { hasTruth($0.value, depth + 1) }
    }

    private static func visit(
        _ value: StructuredValue, _ name: String, _ depth: Int, _ found: (Leaf) -> Void
    ) {
        guard depth < maxDepth else { return }
        switch value.kind {
        case .tensorSpecValue(let spec)?, .boundedTensorSpecValue(let spec)?:
            found(Leaf(name: name.isEmpty ? "output_0" : name, components: [spec.shape]))
        case .typeSpecValue(let spec)?:
            guard spec.numFlatComponents > 0 else { return }
            let count = min(Int(spec.numFlatComponents), maxComponents)
            let shapes = [TensorShapeProto](repeating: .with { $0.unknownRank = true }, count: count)
            found(Leaf(name: name.isEmpty ? "output_0" : name, components: shapes, typeSpec: spec))
        default:
            for child in children(of: value) {
                let own = child.isNumber && name.isEmpty ? "output_\(child.key)" : child.key
                visit(child.value, name.isEmpty ? own : "\(name)_\(child.key)", depth + 1, found)
            }
        }
    }

    private static func children(
        of value: StructuredValue
    ) -> [(key: String, isNumber: Bool, value: StructuredValue)] {
        switch value.kind {
        case .listValue(let list)?, .tupleValue(let list)?:
            list.values.enumerated().map { ("\($0)", true, $1) }
        case .dictValue(let dict)?: dict.fields.sorted { $0.key < $1.key }.map { ($0.key, false, $0.value) }
        case .namedTupleValue(let tuple)?: tuple.values.map { ($0.key, false, $0.value) }
        default: []
        }
    }
}
