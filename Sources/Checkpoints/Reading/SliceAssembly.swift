internal import Tensors

/// Assembles a tensor, or a part of it, from stored slices.
struct SliceAssembly {
    /// The maximum number of slices, because each pair of slices is compared. No Saver writes more.
    private static let maxSlices = 4096

    let file: String
    let name: String
    let dtype: DataType
    /// The shape of the whole tensor.
    let shape: Shape
    /// The stored slices.
    let slices: [TensorSlice]

    /// Reads the slices that the wanted part needs; nil for all.
    ///
    /// - Throws: ``CheckpointError`` of kind `mismatch` if there is no such part, `malformed` if slices overlap, or do not cover it;
    ///   and the errors of `part`.
    func tensor(
        _ wanted: TensorSlice?, part: (TensorSlice, [Range<Int>]) throws(CheckpointError) -> Tensor
    ) throws(CheckpointError) -> Tensor {
        let whole = TensorSlice.whole(rank: shape.rank)
        guard let target = (wanted ?? whole).ranges(in: shape) else {
            throw CheckpointError(.mismatch, file: file, "tensor \"\(name)\" \(shape) has no such slice")
        }
        guard slices.count <= Self.maxSlices else { throw failure("has \(slices.count) slices") }
        if let only = slices.first, slices.count == 1, target == whole.ranges(in: shape),
            target == only.ranges(in: shape)
        {
            return try part(only, target)
        }
        guard let result = Shape(target.map(\.count)), let width = dtype.fixedWidth else {
            throw failure("slices of dtype \(dtype) cannot be read")
        }
        let parts = try parts(of: target, part)
        let covered = parts.reduce(0) { $0 + $1.common }
        guard covered == result.elementCount else {
            throw failure("its slices hold \(covered) of \(result.elementCount) elements")
        }
        let tensor = Tensor(dtype: dtype, shape: result) { memory in
            for part in parts {
                part.tensor.withUnsafeBytes {
                    SliceCopy.copy(from: $0, part.ranges, to: memory, target, width: width)
                }
            }
        }
        guard let tensor else { throw failure("not enough memory") }
        return tensor
    }

    private struct Part {
        let ranges: [Range<Int>]
        let tensor: Tensor
        /// The number of wanted elements in it.
        let common: Int
    }

    private func parts(
        of target: [Range<Int>], _ part: (TensorSlice, [Range<Int>]) throws(CheckpointError) -> Tensor
    ) throws(CheckpointError) -> [Part] {
        var parts: [Part] = []
        for stored in slices {
            guard let ranges = stored.ranges(in: shape) else { throw failure("a slice does not lie in its shape") }
            guard let common = SliceCopy.intersection(ranges, target) else { continue }
            guard !parts.contains(where: { SliceCopy.overlap($0.ranges, ranges) }) else {
                throw failure("slices overlap")
            }
            parts.append(
                Part(ranges: ranges, tensor: try part(stored, ranges), common: common.reduce(1) { $0 * $1.count }))
        }
        return parts
    }

    private func failure(_ reason: String) -> CheckpointError {
        CheckpointError(.malformed, file: file, "tensor \"\(name)\": \(reason)")
    }
}
