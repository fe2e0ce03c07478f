package import Kernels
internal import Tensors

/// softmax(queries * keys^T * factor / divisor + mask) * values for each of a batch of matrices. No graph has this op: a pass makes it of
/// the products and the softmax that graphs have.
///
/// - Inputs: the queries, [batch..., queries, depth]; the keys, [batch..., keys, depth]; the values, [batch..., keys, width]; perhaps a mask
///   that broadcasts to [batch..., queries, keys]. All float32, of rank 3 or 4. They may be given with other orders of axes.
/// - Output: [batch..., queries, width], perhaps with another order of axes.
package struct Attention: KernelOp {
    /// Axis i of an operand is axis `order[i]` of the tensor; empty where they are the same.
    private let orders: [[Int]]
    /// Axis i of the output is axis `resultOrder[i]` of [batch..., queries, width].
    private let resultOrder: [Int]
    private let factor: Float
    private let divisor: Float
    private let hasMask: Bool

    /// - Parameters:
    ///   - orders: For queries, keys and values: axis i of the operand is axis `order[i]` of the input; empty where they are the same.
    ///   - resultOrder: Axis i of the output is axis `resultOrder[i]` of the result; empty where they are the same.
    ///   - factor: What scores are multiplied with.
    ///   - divisor: What scores are divided by.
    ///   - hasMask: Whether something is added to the scores.
    package init(orders: [[Int]], resultOrder: [Int], factor: Float, divisor: Float, hasMask: Bool) {
        self.orders = orders
        self.resultOrder = resultOrder
        self.factor = factor
        self.divisor = divisor
        self.hasMask = hasMask
    }

    package func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs.requireOneDType()
        let shape = try resultShape(inputs)
        return [TensorFact(inputs[0].dtype, resultOrder.isEmpty ? shape : shape.permuted(resultOrder))]
    }

    /// [batch..., queries, width]
    private func resultShape(_ inputs: [TensorFact]) throws(OpError) -> PartialShape {
        let shapes = orders.indices.map { inputs[$0].shape.permuted(orders[$0]) }
        guard let query = shapes[0].dimensions, let key = shapes[1].dimensions, let value = shapes[2].dimensions,
            query.count == key.count, key.count == value.count, query.count >= 2
        else { return .unknown }
        let rank = query.count
        guard query[rank - 1] < 0 || key[rank - 1] < 0 || query[rank - 1] == key[rank - 1],
            key[rank - 2] < 0 || value[rank - 2] < 0 || key[rank - 2] == value[rank - 2]
        else {
            throw .invalid("Matrix size-incompatible: \(shapes[0]), \(shapes[1]), \(shapes[2])")
        }
        var scores = try PartialShape(Array(query.dropLast(2))).broadcast(with: PartialShape(Array(key.dropLast(2))))
        scores = PartialShape((scores.dimensions ?? []) + [query[rank - 2], key[rank - 2]])
        if hasMask { scores = try scores.broadcast(with: inputs[3].shape) }
        guard let sizes = scores.dimensions, sizes.count == rank else {
            throw .unsupported("a mask of shape \(inputs[3].shape) is not supported")
        }
        let batch = try PartialShape(Array(sizes.dropLast(2))).broadcast(with: PartialShape(Array(value.dropLast(2))))
        return PartialShape((batch.dimensions ?? []) + [sizes[rank - 2], value[rank - 1]])
    }

    package func batching(_ node: BatchedNode) -> [BatchRole]? {
        guard orders.allSatisfy({ $0.first ?? 0 == 0 }), resultOrder.first ?? 0 == 0,
            (0..<3).allSatisfy({ node.rank($0) ?? 0 > 2 })
        else { return node.mixed }
        guard hasMask, node.rows(3) == nil else { return node.rowwise(hasMask ? [0, 1, 2, 3] : [0, 1, 2]) }
        // The same mask for all, whose first axis is not that of the batch.
        guard node.rank(3).map({ $0 < node.rank(0) ?? 0 }) ?? false || node.inputs[3].shape.dimension(0) == 1 else {
            return node.mixed
        }
        return node.rowwise(0, 1, 2)
    }

    package func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        guard let result = try resultShape(spec.inputs).known else { throw OpError(.malformed, "a shape is not known") }
        guard result.elementCount > 0 else { return .nothing }
        let rank = result.rank
        let batch = Array(result.dimensions.dropLast(2))
        var operands: [AttentionKernel.Operand] = []
        for index in orders.indices {
            operands.append(try spec.inputShape(index).operand(orders[index], rank: rank, repeatsRows: false))
        }
        let output = try spec.outputShape().byteStrides(width: 1)
        // Where each axis of the result lies in the output.
        var strides = [Int](repeating: 0, count: rank)
        for axis in 0..<rank { strides[resultOrder.isEmpty ? axis : resultOrder[axis]] = output[axis] }
        let keys = try spec.inputShape(1).permuted(orders[1])
        let sizes = AttentionKernel.Sizes(
            batch: batch, queries: result.dimensions[rank - 2], keys: keys[rank - 2], depth: keys[rank - 1],
            width: result.dimensions[rank - 1])
        let queries = try spec.inputShape(0).permuted(orders[0])[rank - 2]
        var mask: AttentionKernel.Operand?
        if hasMask {
            let shape = try spec.inputShape(3)
            guard queries == sizes.queries, shape.dimensions.last ?? 1 == 1 || shape.dimensions.last == sizes.keys
            else {
                throw .unsupported("a mask of shape \(spec.inputs[3].shape) is not supported")
            }
            mask = shape.operand([], rank: rank, repeatsRows: true)
        }
        let kernel = AttentionKernel(
            sizes, operands, mask: mask,
            result: AttentionKernel.Operand(
                batch: Array(strides.dropLast(2)), row: strides[rank - 2], column: strides[rank - 1]),
            factor: factor, divisor: divisor
        )?.kernel()
        guard let kernel else { throw OpError(.resourceExhausted, "the matrices are too large") }
        return kernel
    }
}

extension PartialShape {
    fileprivate func permuted(_ order: [Int]) -> PartialShape {
        guard !order.isEmpty, let dimensions, dimensions.count == order.count else { return self }
        return PartialShape(order.map { dimensions[$0] })
    }
}

extension Shape {
    fileprivate func permuted(_ order: [Int]) -> [Int] { order.isEmpty ? dimensions : order.map { dimensions[$0] } }

    /// How the elements lie as an operand of `rank` axes; axes of a batch that have one element repeat, as do those that are not there.
    fileprivate func operand(_ order: [Int], rank: Int, repeatsRows: Bool) -> AttentionKernel.Operand {
        let own = byteStrides(width: 1)
        let sizes = permuted(order)
        let missing = rank - sizes.count
        let strides = (0..<rank).map { axis in
            guard axis >= missing else { return 0 }
            let place = axis - missing
            let mayRepeat = repeatsRows || axis < rank - 2
            return sizes[place] == 1 && mayRepeat ? 0 : own[order.isEmpty ? place : order[place]]
        }
        return AttentionKernel.Operand(
            batch: Array(strides.dropLast(2)), row: strides[rank - 2], column: strides[rank - 1])
    }
}
