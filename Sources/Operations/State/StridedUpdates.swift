internal import Kernels
internal import Tensors

extension OpTable {
    /// What StridedSlice takes, written.
    static let stridedUpdates: [OpEntry] = [
        OpEntry("StridedSliceGrad", make: StridedSliceGrad.init),
        OpEntry("TensorStridedSliceUpdate", make: TensorStridedSliceUpdate.init),
    ]
}

/// Zeros, with a tensor where StridedSlice would take it from.
///
/// - Inputs: `shape` of the output, `begin`, `end` and `strides`, int32 or int64; `dy`, in the shape that StridedSlice would give.
/// - Attributes: the masks of StridedSlice.
struct StridedSliceGrad: KernelOp {
    private let slice: StridedSlice

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(5)
        slice = try StridedSlice(masksOf: node)
    }

    var valueInputs: [Int] { [0, 1, 2, 3] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard inputs[0].shape.rank ?? 1 == 1 else {
            throw .invalid("shape must be 1-D, got shape.shape = \(inputs[0].shape)")
        }
        let dtype = inputs[4].dtype
        guard let sizes = try inputs[0].indices("shape") else {
            return [TensorFact(dtype, try .ofRank(checking: inputs[0].shape.dimension(0)))]
        }
        for size in sizes where size < 0 { throw .invalid("Dimension \(size) must be >= 0") }
        _ = try PartialShape.ofRank(checking: sizes.count)
        let output = TensorFact(dtype, PartialShape(sizes))
        let taken = try slice.outputs(for: [output] + inputs[1...3])[0].shape
        guard taken.merged(with: inputs[4].shape) != nil else {
            throw .invalid("shape of dy was \(inputs[4].shape) instead of \(taken)")
        }
        return [output]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let width = try spec.inputs[4].elementWidth
        let value = try spec.inputShape(4)
        let count = try spec.outputShape().elementCount
        guard value.elementCount > 0 else { return .zeros(byteCount: count * width) }
        let patch = try slice.patch([spec.outputs[0]] + spec.inputs[1...3], from: value, width: width)
        return .patching([patch], input: 4, over: .zeros, count: count, width: width)
    }
}

/// A tensor, with another one where StridedSlice would take it from.
///
/// - Inputs: `input`; `begin`, `end` and `strides`, int32 or int64; `value`, which broadcasts to what StridedSlice would give.
/// - Attributes: the masks of StridedSlice.
struct TensorStridedSliceUpdate: KernelOp {
    private let slice: StridedSlice

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(5)
        slice = try StridedSlice(masksOf: node)
    }

    var valueInputs: [Int] { [1, 2, 3] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try [inputs[0], inputs[4]].requireOneDType()
        let taken = try slice.outputs(for: Array(inputs[..<4]))[0].shape
        if let sizes = taken.dimensions, let value = inputs[4].shape.dimensions {
            let surplus = value.prefix(max(0, value.count - sizes.count))
            let fits = zip(value.reversed(), sizes.reversed()).allSatisfy { own, size in
                own == size || own == 1 || own < 0 || size < 0
            }
            guard fits, surplus.allSatisfy({ $0 == 1 || $0 < 0 }) else {
                throw .invalid("Cannot broadcast input shape \(inputs[4].shape) into final shape \(taken)")
            }
        }
        return [TensorFact(inputs[0].dtype, inputs[0].shape)]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let width = try spec.inputs[0].elementWidth
        let taken = try slice.outputs(for: Array(spec.inputs[..<4]))[0].shape
        let count = try spec.outputShape().elementCount
        guard let region = taken.known, region.elementCount > 0 else { return .alias() }
        var value = try spec.inputShape(4)
        if value.rank > region.rank, let rest = Shape(Array(value.dimensions.suffix(region.rank))) { value = rest }
        let patch = try slice.patch(Array(spec.inputs[..<4]), from: value, width: width)
        return .patching([patch], input: 4, over: .input(0), count: count, width: width)
    }
}
