internal import Kernels
internal import Tensors

extension OpTable {
    /// Rows dealt out, and put together again.
    static let partitioning: [OpEntry] = [
        OpEntry("DynamicPartition", make: DynamicPartition.init),
        OpEntry("DynamicStitch", make: DynamicStitch.init),
        OpEntry("ParallelDynamicStitch", make: DynamicStitch.init),
    ]
}

/// The rows of a tensor, each to the output that its number tells.
///
/// - Inputs: `data`; `partitions`, int32, whose dimensions are the first ones of data.
/// - Outputs: `num_partitions` tensors, each as many rows as there are of its number, in their order.
/// - Attributes: `num_partitions`.
struct DynamicPartition: KernelOp {
    private let count: Int

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(2)
        count = try node.outputCount("num_partitions", minimum: 1)
    }

    var valueInputs: [Int] { [1] }

    /// An output takes a kilobyte however small it is.
    func valueBytes(for inputs: [TensorFact]) -> Int {
        var sum = ByteSum()
        sum.add(elementBytes(of: inputs, each: 64))
        sum.add(count, times: 1 << 10)
        return sum.total
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let (data, partitions) = (inputs[0], inputs[1])
        var counts = [Int](repeating: PartialShape.unknownDimension, count: count)
        if let numbers = try partitions.indices("partitions") {
            counts = [Int](repeating: 0, count: count)
            for (index, number) in numbers.enumerated() {
                guard counts.indices.contains(number) else {
                    throw .invalid("partitions[\(index)] = \(number) is not in [0, \(count))")
                }
                counts[number] += 1
            }
        }
        guard let sizes = data.shape.dimensions, let prefix = partitions.shape.dimensions else {
            return counts.map { _ in TensorFact(data.dtype, .unknown) }
        }
        guard prefix.count <= sizes.count,
            PartialShape(Array(sizes.prefix(prefix.count))).merged(with: partitions.shape) != nil
        else {
            throw .invalid(
                "data.shape must start with partitions.shape, got data.shape = \(data.shape), partitions.shape = "
                    + "\(partitions.shape)")
        }
        let row = sizes[prefix.count...]
        _ = try PartialShape.ofRank(checking: row.count + 1)
        return counts.map { TensorFact(data.dtype, PartialShape([$0] + row)) }
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let width = try spec.inputs[0].elementWidth
        guard let numbers = spec.inputs[1].integers else { throw OpError(.malformed, "partitions are not known") }
        let rowSize = try spec.outputShape().dimensions.dropFirst().wrappingProduct
        var filled = [Int](repeating: 0, count: count)
        var places: [(output: Int, row: Int)] = []
        places.reserveCapacity(numbers.count)
        for number in numbers where filled.indices.contains(number) {
            places.append((number, filled[number]))
            filled[number] += 1
        }
        return .distribute(places, rowBytes: rowSize &* width)
    }
}

/// The rows of several tensors in one, each where its index tells; the last one for a place wins.
///
/// - Inputs: N tensors `indices`, int32; N tensors `data` of one dtype, whose dimensions begin with those of their indices.
/// - Outputs: as many rows as the largest index tells; a row that no index names is zero.
struct DynamicStitch: KernelOp {
    private let count: Int

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(atLeast: 2)
        guard node.inputCount.isMultiple(of: 2) else {
            throw node.malformed("expected as many indices as data, found \(node.inputCount) inputs")
        }
        count = node.inputCount / 2
    }

    var valueInputs: [Int] { Array(0..<count) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[count...].requireOneDType()
        var row = PartialShape.unknown
        var rows: Int? = 0
        for number in 0..<count {
            let (indices, data) = (inputs[number], inputs[count + number])
            if let part = try rowShape(number, indices.shape, data.shape) {
                guard let merged = row.merged(with: part) else {
                    throw .invalid(
                        "Need data[0].shape[\(inputs[0].shape.rank ?? 0):] = data[\(number)].shape["
                            + "\(indices.shape.rank ?? 0):], got data[0].shape = \(inputs[count].shape), data[\(number)].shape"
                            + " = \(data.shape), indices[0].shape = \(inputs[0].shape), indices[\(number)].shape = "
                            + "\(indices.shape)")
                }
                row = merged
            }
            guard let places = try indices.indices("indices") else {
                rows = nil
                continue
            }
            if let bad = places.firstIndex(where: { $0 < 0 }) { throw .invalid("indices[\(bad)] is out of range") }
            if let sofar = rows { rows = max(sofar, try (places.max() ?? -1).successor) }
        }
        guard let sizes = row.dimensions else { return [TensorFact(inputs[count].dtype, .unknown)] }
        _ = try PartialShape.ofRank(checking: sizes.count + 1)
        return [TensorFact(inputs[count].dtype, PartialShape([rows ?? PartialShape.unknownDimension] + sizes))]
    }

    /// The shape of a row, as one of the pairs tells it; nil if it does not.
    private func rowShape(
        _ number: Int, _ indices: PartialShape, _ data: PartialShape
    ) throws(OpError) -> PartialShape? {
        guard let prefix = indices.dimensions, let sizes = data.dimensions else { return nil }
        guard prefix.count <= sizes.count, PartialShape(Array(sizes.prefix(prefix.count))).merged(with: indices) != nil
        else {
            throw .invalid(
                "data[\(number)].shape = \(data) does not start with indices[\(number)].shape = \(indices)")
        }
        return PartialShape(Array(sizes[prefix.count...]))
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let width = try spec.outputs[0].elementWidth
        let output = try spec.outputShape()
        var pieces: [(input: Int, places: [Int])] = []
        for number in 0..<count {
            guard let places = spec.inputs[number].integers else {
                throw OpError(.malformed, "the indices are not known")
            }
            pieces.append((count + number, places))
        }
        return .collect(
            pieces, rowBytes: output.dimensions.dropFirst().wrappingProduct &* width,
            outputBytes: output.elementCount * width)
    }
}

extension Int {
    /// The next number.
    ///
    /// - Throws: `resourceExhausted` where there is none.
    fileprivate var successor: Int {
        get throws(OpError) { self < 0 ? 0 : try plus(1) }
    }
}
