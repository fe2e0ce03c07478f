internal import Graphs
internal import Tensors

/// The dtypes of an op that gradients use: which attributes its inputs give, and which dtypes its outputs have.
struct GradientSignature: Sendable {
    /// The dtype of an output.
    private enum Output: Sendable {
        case input(Int)
        case attribute(String)
        case fixed(DataType)
    }

    /// The attributes that are dtypes of inputs: their names, and the inputs' numbers.
    let types: [(name: String, input: Int)]
    private let outputs: [Output]

    /// The dtypes of the outputs.
    func outputs(of inputs: [DataType], _ attributes: [String: AttributeValue]) throws(OpError) -> [DataType] {
        var result: [DataType] = []
        for output in outputs {
            switch output {
            case .fixed(let type): result.append(type)
            case .input(let index):
                guard inputs.indices.contains(index) else {
                    throw OpError(.malformed, "a gradient's node lacks an input")
                }
                result.append(inputs[index])
            case .attribute(let name):
                guard case .type(let type?)? = attributes[name] else {
                    throw OpError(.malformed, "a gradient's node lacks the attribute \(name)")
                }
                result.append(type)
            }
        }
        return result
    }

    /// A row: `Sum T:0 Tidx:1 > 0` has the dtype of input 0 as `T`, that of input 1 as `Tidx`, and gives the dtype of input 0. A name of
    /// an attribute behind `>` gives its dtype.
    private init?(_ row: Substring) {
        var types: [(String, Int)] = []
        var outputs: [Output] = []
        var isOutput = false
        for word in row.split(separator: " ").dropFirst() {
            if word == ">" { isOutput = true; continue }
            if isOutput {
                if let index = Int(word) {
                    outputs.append(.input(index))
                } else if let type = Self.fixed[String(word)] {
                    outputs.append(.fixed(type))
                } else {
                    outputs.append(.attribute(String(word)))
                }
                continue
            }
            let parts = word.split(separator: ":")
            guard parts.count == 2, let index = Int(parts[1]) else { return nil }
            types.append((String(parts[0]), index))
        }
        self.types = types
        self.outputs = outputs
    }

    private static let fixed: [String: DataType] = ["bool": .bool, "int32": .int32, "int64": .int64, "float": .float32]

    /// The signatures by op.
    static let all: [String: GradientSignature] = {
        var result: [String: GradientSignature] = [:]
        for row in table.split(separator: "\n") {
            guard let op = row.split(separator: " ").first else { continue }
            result[String(op)] = GradientSignature(row)
        }
        return result
    }()

    private static let table = """
        Identity T:0 > 0
        Neg T:0 > 0
        Abs T:0 > 0
        Sign T:0 > 0
        Conj T:0 > 0
        Exp T:0 > 0
        Log T:0 > 0
        Sin T:0 > 0
        Cos T:0 > 0
        Sinh T:0 > 0
        Cosh T:0 > 0
        Sqrt T:0 > 0
        Square T:0 > 0
        Reciprocal T:0 > 0
        Sigmoid T:0 > 0
        Softmax T:0 > 0
        Digamma T:0 > 0
        Floor T:0 > 0
        ZerosLike T:0 > 0
        OnesLike T:0 > 0
        LogicalNot > bool
        Add T:0 > 0
        AddV2 T:0 > 0
        Sub T:0 > 0
        Mul T:0 > 0
        RealDiv T:0 > 0
        DivNoNan T:0 > 0
        MulNoNan T:0 > 0
        Xdivy T:0 > 0
        Xlogy T:0 > 0
        Xlog1py T:0 > 0
        FloorDiv T:0 > 0
        FloorMod T:0 > 0
        Pow T:0 > 0
        Polygamma T:0 > 0
        Maximum T:0 > 0
        Minimum T:0 > 0
        Greater T:0 > bool
        GreaterEqual T:0 > bool
        Less T:0 > bool
        LessEqual T:0 > bool
        Equal T:0 > bool
        NotEqual T:0 > bool
        LogicalAnd > bool
        SelectV2 T:1 > 1
        Select T:1 > 1
        AddN T:0 > 0
        Cast SrcT:0 > DstT
        Shape T:0 > out_type
        ShapeN T:0 > int32 int32
        Size T:0 > out_type
        Rank T:0 > int32
        Reshape T:0 Tshape:1 > 0
        ExpandDims T:0 Tdim:1 > 0
        Squeeze T:0 > 0
        Fill T:1 index_type:0 > 1
        BroadcastTo T:0 Tidx:1 > 0
        BroadcastGradientArgs T:0 > 0 0
        Sum T:0 Tidx:1 > 0
        Prod T:0 Tidx:1 > 0
        Mean T:0 Tidx:1 > 0
        Max T:0 Tidx:1 > 0
        Cumsum T:0 Tidx:1 > 0
        Cumprod T:0 Tidx:1 > 0
        Range Tidx:0 > 0
        DynamicStitch > T
        InvertPermutation T:0 > 0
        Transpose T:0 Tperm:1 > 0
        Pack T:0 > 0
        Unpack T:0 > 0
        ConcatV2 T:0 > 0
        ConcatOffset > int32
        Slice T:0 Index:1 > 0
        StridedSlice T:0 Index:1 > 0
        StridedSliceGrad T:4 Index:0 > 4
        Pad T:0 Tpaddings:1 > 0
        MirrorPad T:0 Tpaddings:1 > 0
        MirrorPadGrad T:0 Tpaddings:1 > 0
        Tile T:0 Tmultiples:1 > 0
        ReverseV2 T:0 Tidx:1 > 0
        ReverseSequence T:0 Tlen:1 > 0
        Roll T:0 Tshift:1 Taxis:2 > 0
        GatherV2 Tparams:0 Tindices:1 Taxis:2 > 0
        GatherNd Tparams:0 Tindices:1 > 0
        ScatterNd Tindices:0 T:1 > 1
        UnsortedSegmentSum T:0 Tindices:1 Tnumsegments:2 > 0
        SpaceToBatchND T:0 Tblock_shape:1 Tpaddings:2 > 0
        BatchToSpaceND T:0 Tblock_shape:1 Tcrops:2 > 0
        SpaceToDepth T:0 > 0
        DepthToSpace T:0 > 0
        Diag T:0 > 0
        DiagPart T:0 > 0
        MatrixDiag T:0 > 0
        MatrixDiagPart T:0 > 0
        MatrixSetDiag T:0 > 0
        MatrixBandPart T:0 Tindex:1 > 0
        MatMul T:0 > 0
        BatchMatMulV2 T:0 > 0
        MatrixInverse T:0 > 0
        MatrixSolve T:0 > 0
        MatrixTriangularSolve T:0 > 0
        ReluGrad T:0 > 0
        Relu6Grad T:0 > 0
        EluGrad T:0 > 0
        SeluGrad T:0 > 0
        LeakyReluGrad T:0 > 0
        SoftplusGrad T:0 > 0
        SoftsignGrad T:0 > 0
        TanhGrad T:0 > 0
        SigmoidGrad T:0 > 0
        SqrtGrad T:0 > 0
        RsqrtGrad T:0 > 0
        ReciprocalGrad T:0 > 0
        BiasAddGrad T:0 > 0
        LogSoftmax T:0 > 0
        Conv2D T:0 > 0
        Conv2DBackpropInput T:1 > 1
        Conv2DBackpropFilter T:0 > 0
        DepthwiseConv2dNative T:0 > 0
        DepthwiseConv2dNativeBackpropInput T:1 > 1
        DepthwiseConv2dNativeBackpropFilter T:0 > 0
        Conv3DBackpropInputV2 T:1 Tshape:0 > 1
        Conv3DBackpropFilterV2 T:0 > 0
        MaxPoolGrad T:0 > 0
        MaxPoolGradV2 T:0 > 0
        MaxPool3DGrad T:2 TInput:0 > 2
        AvgPool T:0 > 0
        AvgPoolGrad T:1 > 1
        AvgPool3DGrad T:1 > 1
        FusedBatchNormGrad T:0 > 0 0 0 0 0
        FusedBatchNormGradV2 T:0 U:3 > 0 3 3 3 3
        FusedBatchNormGradV3 T:0 U:3 > 0 3 3 3 3
        LRNGrad T:0 > 0
        ResizeBilinearGrad T:1 > 1
        ResizeNearestNeighborGrad T:0 > 0
        ResizeBicubicGrad T:1 > 1
        CropAndResizeGradImage > T
        CropAndResizeGradBoxes T:1 > float
        """
}
