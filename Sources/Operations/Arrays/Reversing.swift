internal import Kernels
internal import Tensors

extension OpTable {
    /// Elements moved within their axes.
    static let reversing: [OpEntry] = [
        OpEntry("Reverse", make: Reverse.flags),
        OpEntry("ReverseV2", make: Reverse.axes),
        OpEntry("ReverseSequence", make: ReverseSequence.init),
        OpEntry("Roll", make: Roll.init),
    ]
}

/// Some axes turned around.
///
/// - Inputs: `tensor`, rank 8 at most; which axes: a vector of truth values (Reverse), or of axes (ReverseV2).
struct Reverse: KernelOp {
    private let hasFlags: Bool

    static func flags(_ node: NodeReader) throws(OpError) -> Reverse {
        try node.expectInputs(2)
        return Reverse(hasFlags: true)
    }

    static func axes(_ node: NodeReader) throws(OpError) -> Reverse {
        try node.expectInputs(2)
        return Reverse(hasFlags: false)
    }

    var valueInputs: [Int] { [1] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        if let rank = inputs[1].shape.rank, rank != 1 { throw .invalid("'dims' must be 1-dimension, not \(rank)") }
        if let rank = inputs[0].shape.rank {
            guard rank <= 8 else { throw .unsupported("reverse is not implemented for tensors of rank > 8.") }
            let count = inputs[1].shape.dimension(0)
            guard !hasFlags || count < 0 || count == rank else {
                throw .invalid(
                    "'dims' must have the same number of values as 'input' has dimensions. 'input' has \(rank)'dims' has "
                        + "\(count) values")
            }
            _ = try reversed(inputs[1], rank: rank)
        }
        return [TensorFact(inputs[0].dtype, inputs[0].shape)]
    }

    /// Whether each axis is turned around; nil if it is not known.
    private func reversed(_ fact: TensorFact, rank: Int) throws(OpError) -> [Bool]? {
        if hasFlags {
            try fact.require(.bool, "dims")
            return fact.value?.scalars(as: Bool.self)
        }
        guard let axes = try fact.indices("axis") else { return nil }
        var result = [Bool](repeating: false, count: rank)
        for (number, axis) in axes.enumerated() {
            let place = try axis.axis(
                rank: rank, outOfRange: "'axis'[\(number)] = \(axis) is out of valid range [0, \(rank - 1)")
            guard !result[place] else { throw .invalid("axis \(place) specified more than once.") }
            result[place] = true
        }
        return result
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? {
        guard node.isShared(1), let rank = node.rank(0), let reversed = try? reversed(node.inputs[1], rank: rank),
            reversed.first == false
        else { return node.mixed }
        return node.rowwise(0)
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let sizes = try spec.inputShape(0).dimensions
        guard let reversed = try reversed(spec.inputs[1], rank: sizes.count) else {
            throw OpError(.malformed, "the axes are not known")
        }
        return try .slice(
            spec,
            zip(sizes, reversed).map { size, isReversed in
                AxisSlice(begin: isReversed ? max(0, size - 1) : 0, count: size, step: isReversed ? -1 : 1)
            })
    }
}

/// The beginning of each sequence turned around.
///
/// - Inputs: `input`; `seq_lengths`, int32 or int64, a length for each batch: how much of it is turned around.
/// - Attributes: `seq_dim` and `batch_dim`, two axes.
struct ReverseSequence: KernelOp {
    private let sequence: Int
    private let batch: Int

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(2)
        sequence = try node.int("seq_dim")
        batch = try node.int("batch_dim", default: 0)
        guard sequence >= 0 else { throw node.malformed("Invalid seq_dim \(sequence)") }
        guard batch >= 0 else { throw node.malformed("Invalid batch_dim \(batch)") }
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        if let rank = inputs[1].shape.rank, rank != 1 { throw .invalid("seq_lengths must be 1-dim, not \(rank)") }
        guard batch != sequence else { throw .invalid("batch_dim == seq_dim == \(sequence)") }
        if let rank = inputs[0].shape.rank {
            guard sequence < rank else { throw .invalid("seq_dim must be < input rank ( \(sequence) vs. \(rank))") }
            guard batch < rank else { throw .invalid("batch_dim must be < input rank ( \(batch) vs. \(rank))") }
            let (count, size) = (inputs[1].shape.dimension(0), inputs[0].shape.dimension(batch))
            guard count < 0 || size < 0 || count == size else {
                throw .invalid("Length of seq_lengths != input.dims(\(batch)), (\(count) vs. \(size))")
            }
        }
        if let lengths = try inputs[1].indices("seq_lengths") {
            let size = inputs[0].shape.dimension(sequence)
            for (number, length) in lengths.enumerated() {
                guard length >= 0 else { throw .invalid("seq_lens(\(number)) < 0") }
                guard size < 0 || length <= size else {
                    throw .invalid("seq_lens(\(number)) > input.dims(\(sequence))")
                }
            }
        }
        return [TensorFact(inputs[0].dtype, inputs[0].shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { batch == 0 ? node.rowwise(0, 1) : node.mixed }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let shape = try spec.inputShape(0)
        guard shape.elementCount > 0 else { return .nothing }
        return .reverseSequences(
            shape, sequence: sequence, batch: batch, lengths: try spec.inputs[1].indexReader(),
            width: try spec.inputs[0].elementWidth)
    }
}

/// Elements moved along axes; what leaves at one end comes in at the other.
///
/// - Inputs: `input`, rank 1 or more; `shift` and `axis`, scalars or vectors of one length; shifts of one axis add up.
struct Roll: KernelOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(3) }

    var valueInputs: [Int] { [1, 2] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard inputs[0].shape.rank ?? 1 > 0 else { throw .invalid("input must be 1-D or higher") }
        for (input, name) in zip(inputs[1...], ["shift", "axis"]) where input.shape.rank ?? 0 > 1 {
            throw .invalid("\(name) must be a scalar or a 1-D vector. Found: \(input.shape)")
        }
        if let shift = inputs[1].shape.known, let axis = inputs[2].shape.known,
            shift.elementCount != axis.elementCount
        {
            throw .invalid("shift and axis must have the same size")
        }
        if let sizes = inputs[0].shape.dimensions { _ = try shifts(inputs, sizes) }
        return [TensorFact(inputs[0].dtype, inputs[0].shape)]
    }

    /// How far along each axis, from 0 up to its size; nil if it is not known.
    private func shifts(_ inputs: [TensorFact], _ sizes: [Int]) throws(OpError) -> [Int]? {
        let given = try inputs[1].indices("shift")
        guard let axes = try inputs[2].indices("axis") else { return nil }
        var result = [Int](repeating: 0, count: sizes.count)
        for (number, axis) in axes.enumerated() {
            let place = try axis.axis(rank: sizes.count, outOfRange: "axis \(axis) is out of range")
            guard let given, given.indices.contains(number), sizes[place] > 0 else { continue }
            let size = sizes[place]
            // Both are below the size before they are added, and the size is that of memory.
            let shift = given[number] % size
            result[place] = (result[place] + (shift < 0 ? shift + size : shift)) % size
        }
        return given == nil ? nil : result
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? {
        let places = node.integers(2)?.map { BatchedNode.place($0, rank: node.rank(0)) }
        guard let places, !places.contains(nil), !places.contains(0) else { return node.mixed }
        return node.rowwise(0)
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let shape = try spec.inputShape(0)
        guard shape.elementCount > 0 else { return .nothing }
        guard let shifts = try shifts(spec.inputs, shape.dimensions) else {
            throw OpError(.malformed, "shift and axis are not known")
        }
        guard shifts.contains(where: { $0 != 0 }) else { return .alias() }
        return .roll(shape, shifts: shifts, width: try spec.inputs[0].elementWidth)
    }
}
