internal import Kernels
internal import Tensors

extension OpTable {
    /// The axes in another order.
    static let transposing: [OpEntry] = [OpEntry("Transpose", make: Transpose.init)]
}

/// The tensor with its axes permuted: axis `i` of the result is axis `perm[i]` of the input.
///
/// - Inputs: `x`; `perm`, an int32 or int64 vector; negative numbers count from the end.
struct Transpose: MovementOp {
    init() {}

    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(2) }

    var valueInputs: [Int] { [1] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard inputs[1].shape.rank ?? 1 == 1 else {
            throw .invalid("perm must be rank 1, got shape \(inputs[1].shape)")
        }
        let length = inputs[1].shape.dimension(0)
        if let rank = inputs[0].shape.rank, length >= 0, length != rank {
            throw .invalid(
                "transpose expects a vector of size \(rank). But input(1) is a vector of size \(length)")
        }
        let unknown = try PartialShape.ofRank(checking: max(length, inputs[0].shape.rank ?? -1))
        guard let perm = try Self.permutation(inputs[1]), let dimensions = inputs[0].shape.dimensions else {
            return [TensorFact(inputs[0].dtype, unknown)]
        }
        return [TensorFact(inputs[0].dtype, PartialShape(perm.map { dimensions[$0] }))]
    }

    /// The values of `perm`, each of them once and none negative.
    private static func permutation(_ fact: TensorFact) throws(OpError) -> [Int]? {
        guard let given = try fact.indices("perm") else { return nil }
        var perm: [Int] = []
        var isThere = [Bool](repeating: false, count: given.count)
        for axis in given {
            let place = axis < 0 ? axis + given.count : axis
            guard given.indices.contains(place) else {
                throw .invalid("\(place) is out of range [0 .. \(given.count))")
            }
            perm.append(place)
            isThere[place] = true
        }
        if let missing = isThere.firstIndex(of: false) {
            throw .invalid("\(missing) is missing from {\(perm.map(String.init).joined(separator: ","))}.")
        }
        return perm
    }

    func movement(_ inputs: [TensorFact]) -> Movement? {
        (try? Self.permutation(inputs[1])).map { .transpose(permutation: $0) }
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? {
        guard let first = node.integers(1)?.first, BatchedNode.place(first, rank: node.rank(0)) == 0 else {
            return node.mixed
        }
        return node.rowwise(0)
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let width = try spec.inputs[0].elementWidth
        guard let perm = try Self.permutation(spec.inputs[1]) else {
            throw OpError(.malformed, "perm is not known")
        }
        let output = try spec.outputShape()
        let source = try spec.inputShape(0).byteStrides(width: width)
        let destination = output.byteStrides(width: width)
        let axes = perm.indices.map { axis in
            StridedCopy.Axis(
                count: output.dimensions[axis], source: source[perm[axis]], destination: destination[axis])
        }
        let copy = StridedCopy(width: width, axes)
        return copy.isPlain ? .alias() : .copy(copy)
    }
}

/// The ops that passes add where they give tensors another order of axes. Both take a vector of int32 as a second input.
package enum LayoutOps {
    /// Permutes axes.
    package static let transpose: any Op = Transpose()
    /// Gives the elements another shape.
    package static let reshape: any Op = Reshape()
}
