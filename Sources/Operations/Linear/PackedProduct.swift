internal import Kernels
internal import Tensors

/// A product of matrices whose right one lies in panels.
///
/// - Inputs: `data`, float32 [..., depth]; panels; then what the finish takes.
/// - Outputs: float32 [..., columns].
/// - Numerics: each sum is added up in the order of the depth, in float32, by fused multiplications and additions. Panels of bfloat16 are
///   widened first, which is exact.
struct PackedProduct: FinishingOp {
    let format: PanelFormat
    /// The dimensions of the weight before it was packed, for messages.
    let weight: [Int]
    /// That of the output; nil for that of the data.
    let rank: Int?
    private(set) var finish = LinearFinish()

    init(_ format: PanelFormat, weight: [Int], rank: Int? = nil) {
        self.format = format
        self.weight = weight
        self.rank = rank
    }

    func with(_ finish: LinearFinish) -> any FinishingOp {
        var op = self
        op.finish = finish
        return op
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        var output = TensorFact(.float32, .unknown)
        if var dimensions = inputs.first?.shape.dimensions {
            guard let depth = dimensions.last, depth < 0 || depth == format.depth else {
                throw .invalid(
                    "Matrix size-incompatible: In[0]: \(inputs[0].shape), In[1]: \(PartialShape(weight))")
            }
            if let rank, rank != dimensions.count {
                throw .invalid("In[0] and In[1] ndims must be == \(rank): \(dimensions.count)")
            }
            dimensions[dimensions.count - 1] = format.columns
            output.shape = PartialShape(dimensions)
        }
        try checkFinish(inputs, output, format.precision)
        return [output]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { finishedBatching(node) }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let shape = try spec.outputShape()
        guard shape.elementCount > 0 else { return .nothing }
        return PanelProduct(rows: shape.elementCount / format.columns, format, finish).kernel
    }
}

extension MatMul: PackableOp {
    func packed(_ inputs: [TensorFact], _ precision: Precision) -> PackedForm? {
        guard !transposesLeft, output ?? .float32 == .float32, inputs.allSatisfy({ $0.dtype == .float32 }),
            inputs[0].shape.rank == 2, let weight = inputs[1].shape.known?.dimensions, weight.count == 2
        else { return nil }
        return PackedForm(weight, precision, transposed: transposesRight, rank: 2)
    }
}

extension BatchMatMul: PackableOp {
    func packed(_ inputs: [TensorFact], _ precision: Precision) -> PackedForm? {
        // One matrix for all.
        guard !transposesLeft, output ?? .float32 == .float32, inputs.allSatisfy({ $0.dtype == .float32 }),
            let rank = inputs[0].shape.rank, let weight = inputs[1].shape.known?.dimensions, weight.count >= 2,
            weight.count <= rank, weight.dropLast(2).allSatisfy({ $0 == 1 }), broadcasts || rank == weight.count,
            // Without broadcasting the other batch dimensions must be 1 too.
            broadcasts || inputs[0].shape.dimensions?.dropLast(2).allSatisfy({ $0 == 1 }) ?? false
        else { return nil }
        return PackedForm(weight, precision, transposed: transposesRight, rank: rank)
    }
}

extension PackedForm {
    /// - Parameters:
    ///   - weight: The dimensions of the right matrix, as it lies; those before the last two are 1.
    ///   - precision: The numbers in the panels.
    ///   - transposed: Whether it lies as [columns, depth].
    ///   - rank: Of the data.
    fileprivate init?(_ weight: [Int], _ precision: Precision, transposed: Bool, rank: Int) {
        let matrix = Array(weight.suffix(2))
        let format = PanelFormat(
            depth: matrix[transposed ? 1 : 0], columns: matrix[transposed ? 0 : 1], precision)
        // A sum over nothing, and a column alone, are done otherwise.
        guard format.depth > 0, format.columns > 1 else { return nil }
        self.init(format, transposed: transposed, PackedProduct(format, weight: weight, rank: rank))
    }
}
