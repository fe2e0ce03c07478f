internal import Kernels
internal import Tensors

extension OpTable {
    /// Products of matrices.
    static let matrixProducts: [OpEntry] = [
        OpEntry("MatMul", make: MatMul.init(_:output:), nil),
        OpEntry("SparseMatMul", make: MatMul.init(_:output:), .float32),
        OpEntry("BatchMatMul", make: BatchMatMul.init(_:broadcasts:hasOutputType:), false, false),
        OpEntry("BatchMatMulV2", make: BatchMatMul.init(_:broadcasts:hasOutputType:), true, false),
        OpEntry("BatchMatMulV3", make: BatchMatMul.init(_:broadcasts:hasOutputType:), true, true),
    ]
}

/// The product of two matrices.
///
/// - Inputs: two matrices of one dtype: float32, float64, complex64, complex128, int16, int32 or int64.
/// - Attributes: `transpose_a`, `transpose_b`; SparseMatMul's hints that a matrix has many zeros change nothing; its inputs are float32 or
///   bfloat16, its output is float32.
/// - Numerics: whole numbers wrap around. A sum over nothing is zero.
struct MatMul: KernelChoosing, LinearOp, FusibleProduct, PartableProduct, TransposableProduct {
    /// Nil where it is the inputs'.
    let output: DataType?
    private(set) var transposesLeft: Bool
    private(set) var transposesRight: Bool

    init(_ node: NodeReader, output: DataType?) throws(OpError) {
        try node.expectInputs(2)
        self.output = output
        transposesLeft = try node.bool("transpose_a", default: false)
        transposesRight = try node.bool("transpose_b", default: false)
    }

    init(transposesLeft: Bool, transposesRight: Bool) {
        output = nil
        self.transposesLeft = transposesLeft
        self.transposesRight = transposesRight
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        if output == nil { try inputs.requireOneDType() }
        let (left, right) = (inputs[0].shape, inputs[1].shape)
        if let l = left.rank, let r = right.rank, l != r {
            throw .invalid("In[0] and In[1] has different ndims: \(left) vs. \(right)")
        }
        if let rank = left.rank ?? right.rank, rank != 2 {
            throw .invalid("In[0] and In[1] ndims must be == 2: \(rank)")
        }
        let leftDepth = left.dimension(transposesLeft ? 0 : 1)
        let rightDepth = right.dimension(transposesRight ? 1 : 0)
        guard leftDepth < 0 || rightDepth < 0 || leftDepth == rightDepth else {
            throw .incompatible(left, right)
        }
        let shape = PartialShape([
            left.dimension(transposesLeft ? 1 : 0), right.dimension(transposesRight ? 0 : 1),
        ])
        return [TensorFact(output ?? inputs[0].dtype, shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { transposesLeft ? node.mixed : node.rowwise(0) }

    func linearRoles(_ inputs: [TensorFact]) -> [LinearRole] {
        guard inputs[0].dtype == inputs[1].dtype, inputs[0].dtype.complexPart == nil else { return [] }
        return [
            LinearRole(data: 0, weight: 1, weightAxes: [transposesRight ? 0 : 1], outputAxis: 1),
            LinearRole(data: 1, weight: 0, weightAxes: [transposesLeft ? 1 : 0], outputAxis: 0),
        ]
    }

    func taking(transposed input: Int, _ dtype: DataType) -> (any Op)? {
        var op = self
        if input == 0 { op.transposesLeft.toggle() } else { op.transposesRight.toggle() }
        return op
    }

    var isPlain: Bool { output == nil && !transposesLeft && !transposesRight }

    var ofSequence: any Op { BatchMatMul.plain }

    var sum: any Op { ElementwiseBinary(formula: .add, result: nil, shapesMayDiffer: false) }

    var fusibleProduct: FusibleProductKind? { output == nil ? .matrixProduct : nil }

    func kernels(for spec: KernelSpec) throws(OpError) -> [KernelChoice] {
        let left = try spec.inputShape(0)
        let output = try spec.outputShape()
        let product = try MatrixProduct.checked(
            rows: output.dimensions[0], columns: output.dimensions[1],
            depth: left.dimensions[transposesLeft ? 0 : 1], transposesLeft, transposesRight)
        let dtype = spec.inputs[0].dtype
        guard dtype == spec.inputs[1].dtype else { throw .unsupported(dtype) }
        let methods = dtype == .float32 ? product.methods : [(.matrices, 0)]
        return methods.map { method, picoseconds in
            KernelChoice(method.name, picoseconds: picoseconds) { () throws(OpError) in
                guard let kernel = product.with(method).kernel(dtype) else { throw .unsupported(dtype) }
                return kernel
            }
        }
    }
}

/// The products of matrices that the last two dimensions hold; V2 repeats batch dimensions of 1.
///
/// - Inputs: two tensors of rank 2 or more and one dtype: float32, float64, complex64, complex128, int16, int32 or int64; those of
///   V3 may differ, and are converted to the output's.
/// - Attributes: `adj_x`, `adj_y`: the adjoints are multiplied; V3: `Tout`.
struct BatchMatMul: KernelChoosing, LinearOp, BatchedProductOp, TransposableProduct {
    let broadcasts: Bool
    /// Nil where it is the inputs'.
    let output: DataType?
    private(set) var transposesLeft: Bool
    private(set) var transposesRight: Bool

    var batchedProduct: BatchedProductSides? {
        output == nil
            ? BatchedProductSides(transposesLeft: transposesLeft, transposesRight: transposesRight) : nil
    }

    func taking(transposed input: Int, _ dtype: DataType) -> (any Op)? {
        // Adjoints of complex matrices are conjugated.
        guard dtype.complexPart == nil else { return nil }
        var op = self
        if input == 0 { op.transposesLeft.toggle() } else { op.transposesRight.toggle() }
        return op
    }

    /// `BatchMatMulV2` without attributes.
    static let plain = BatchMatMul()

    private init() {
        broadcasts = true
        output = nil
        transposesLeft = false
        transposesRight = false
    }

    init(_ node: NodeReader, broadcasts: Bool, hasOutputType: Bool) throws(OpError) {
        try node.expectInputs(2)
        self.broadcasts = broadcasts
        output = hasOutputType ? try node.type("Tout") : nil
        transposesLeft = try node.bool("adj_x", default: false)
        transposesRight = try node.bool("adj_y", default: false)
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        if output == nil { try inputs.requireOneDType() }
        let dtype = output ?? inputs[0].dtype
        let (left, right) = (inputs[0].shape, inputs[1].shape)
        for (index, shape) in [left, right].enumerated() {
            guard let rank = shape.rank, rank < 2 else { continue }
            throw .invalid("\(broadcasts ? "In[\(index)]" : "In[0] and In[1]") ndims must be >= 2: \(rank)")
        }
        guard let l = left.dimensions, let r = right.dimensions else {
            return [TensorFact(dtype, .unknown)]
        }
        let batch = try batchShape(left, right, l, r)
        let leftDepth = l[l.count - (transposesLeft ? 2 : 1)]
        let rightDepth = r[r.count - (transposesRight ? 1 : 2)]
        guard leftDepth < 0 || rightDepth < 0 || leftDepth == rightDepth else { throw .incompatible(left, right) }
        guard let dimensions = batch.dimensions else { return [TensorFact(dtype, .unknown)] }
        let matrix = [l[l.count - (transposesLeft ? 1 : 2)], r[r.count - (transposesRight ? 2 : 1)]]
        return [TensorFact(dtype, PartialShape(dimensions + matrix))]
    }

    private func batchShape(
        _ left: PartialShape, _ right: PartialShape, _ l: [Int], _ r: [Int]
    ) throws(OpError) -> PartialShape {
        let leftBatch = PartialShape(Array(l.dropLast(2)))
        let rightBatch = PartialShape(Array(r.dropLast(2)))
        if broadcasts {
            guard let batch = leftBatch.broadcastIfCompatible(with: rightBatch) else {
                throw .invalid("In[0] and In[1] must have compatible batch dimensions: \(left) vs. \(right)")
            }
            return batch
        }
        guard l.count == r.count else {
            throw .invalid("In[0] and In[1] has different ndims: \(left) vs. \(right)")
        }
        guard let batch = leftBatch.merged(with: rightBatch) else {
            let axis = l.indices.first { l[$0] >= 0 && r[$0] >= 0 && l[$0] != r[$0] } ?? 0
            throw .invalid("In[0].dim(\(axis)) and In[1].dim(\(axis)) must be the same: \(left) vs \(right)")
        }
        return batch
    }

    func linearRoles(_ inputs: [TensorFact]) -> [LinearRole] {
        guard inputs[0].dtype == inputs[1].dtype, output ?? inputs[0].dtype == inputs[0].dtype,
            inputs[0].dtype.complexPart == nil, let left = inputs[0].shape.rank, let right = inputs[1].shape.rank
        else { return [] }
        let rank = max(left, right)
        return [
            LinearRole(
                data: 0, weight: 1, weightAxes: [right - (transposesRight ? 2 : 1)], outputAxis: rank - 1),
            LinearRole(data: 1, weight: 0, weightAxes: [left - (transposesLeft ? 1 : 2)], outputAxis: rank - 2),
        ]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? {
        guard let left = node.rank(0), let right = node.rank(1) else { return node.mixed }
        switch (node.rows(0), node.rows(1)) {
        case (let rows?, let other?) where rows == other && left == right && left > 2: return [.rows(rows)]
        case (let rows?, nil) where node.isShared(1):
            // The rows of one matrix, or matrices that meet the same ones.
            if left == 2 { return right == 2 && !transposesLeft ? [.rows(rows)] : node.mixed }
            return right < left || right == left && node.inputs[1].shape.dimension(0) == 1 ? [.rows(rows)] : node.mixed
        case (nil, let rows?) where node.isShared(0) && right > 2:
            return left < right || left == right && node.inputs[0].shape.dimension(0) == 1 ? [.rows(rows)] : node.mixed
        default: return node.mixed
        }
    }

    func kernels(for spec: KernelSpec) throws(OpError) -> [KernelChoice] {
        let left = try spec.inputShape(0)
        let right = try spec.inputShape(1)
        let output = try spec.outputShape()
        let product = try MatrixProduct.checked(
            rows: output.dimensions[output.rank - 2], columns: output.dimensions[output.rank - 1],
            depth: left.dimensions[left.rank - (transposesLeft ? 2 : 1)], transposesLeft, transposesRight,
            conjugates: true)
        let leftStrides = left.batchStrides(rank: output.rank)
        let rightStrides = right.batchStrides(rank: output.rank)
        let axes = (0..<output.rank - 2).map { (output.dimensions[$0], leftStrides[$0], rightStrides[$0]) }
        let operands = [(spec.inputs[0].dtype, left.elementCount), (spec.inputs[1].dtype, right.elementCount)]
        let batched = BatchedProduct(product, axes: axes)
        let (dtype, refusal) = (spec.outputs[0].dtype, OpError.unsupported(spec.inputs[0].dtype))
        guard output.elementCount > 0 else {
            guard batched.kernel(dtype, of: operands) != nil else { throw refusal }
            return [KernelChoice("nothing", picoseconds: 0) { .nothing }]
        }
        return batched.methods(dtype).map { method, picoseconds in
            KernelChoice(method.name, picoseconds: picoseconds) { () throws(OpError) in
                guard let kernel = batched.with(method).kernel(dtype, of: operands) else { throw refusal }
                return kernel
            }
        }
    }
}

extension Shape {
    /// Elements from one matrix to the next along each axis of a batch of `rank` dimensions; 0 where it repeats.
    fileprivate func batchStrides(rank: Int) -> [Int] {
        let strides = byteStrides(width: 1)
        return (0..<rank).map { axis in
            let own = axis - (rank - self.rank)
            return own < 0 || dimensions[own] == 1 ? 0 : strides[own]
        }
    }
}

extension MatrixProduct {
    fileprivate static func checked(
        rows: Int, columns: Int, depth: Int, _ transposesLeft: Bool, _ transposesRight: Bool, conjugates: Bool = false
    ) throws(OpError) -> MatrixProduct {
        let product = MatrixProduct(
            rows: rows, columns: columns, depth: depth, transposesLeft: transposesLeft,
            transposesRight: transposesRight, conjugates: conjugates)
        guard let product else {
            throw OpError(
                .resourceExhausted, "a product of [\(rows),\(depth)] and [\(depth),\(columns)] is too large")
        }
        return product
    }
}

extension OpError {
    fileprivate static func incompatible(_ left: PartialShape, _ right: PartialShape) -> OpError {
        .invalid("Matrix size-incompatible: In[0]: \(left), In[1]: \(right)")
    }
}
