extension OpTable {
    /// Ops through which nothing flows back: their outputs are integers, truth values or strings, or they jump.
    static let opsWithoutGradient: [GradientRule] = GradientRule.none(
        "StopGradient", "Const", "Placeholder", "PlaceholderV2", "Variable", "VariableV2", "VarHandleOp", "NoOp",
        "Floor", "Ceil", "Round", "Rint", "FloorDiv", "TruncateDiv", "Mod", "TruncateMod",
        "Less", "LessEqual", "Greater", "GreaterEqual", "Equal", "NotEqual", "ApproximateEqual", "LogicalAnd",
        "LogicalOr", "LogicalNot", "IsNan", "IsInf", "IsFinite", "All", "Any", "ArgMax", "ArgMin", "Shape", "ShapeN",
        "Rank", "Size", "ZerosLike", "Range", "LinSpace", "OneHot", "Where", "ListDiff", "Unique", "UniqueWithCounts",
        "InvertPermutation", "BroadcastGradientArgs", "BroadcastArgs", "ConcatOffset", "Bincount",
        "RandomUniform", "RandomUniformInt", "RandomStandardNormal", "TruncatedNormal", "ParameterizedTruncatedNormal",
        "RandomGamma", "RandomPoissonV2", "RandomShuffle", "Multinomial", "StatelessRandomUniform",
        "StatelessRandomNormal", "StatelessTruncatedNormal", "StatelessMultinomial", "InTopK", "InTopKV2",
        "NonMaxSuppression", "NonMaxSuppressionV2", "NonMaxSuppressionV3", "NonMaxSuppressionV4", "NonMaxSuppressionV5",
        "IsVariableInitialized", "VarIsInitializedOp", "LoopCond", "ControlTrigger", "Assert",
        "TensorArraySize", "TensorArraySizeV2", "TensorArraySizeV3", "TensorArrayV3", "TensorArrayCloseV3", "StackV2",
        "AsString", "StringToNumber", "StringJoin", "DecodeJpeg", "DecodePng", "HistogramSummary", "ScalarSummary",
        "MergeSummary", "AdjustContrastv2", "ScatterAdd", "ScatterSub", "Assign", "AssignAdd", "AssignSub",
        "SparseReorder", "CTCGreedyDecoder", "LookupTableFindV2", "Bucketize", "Dequantize", "QuantizeV2"
    )
}
