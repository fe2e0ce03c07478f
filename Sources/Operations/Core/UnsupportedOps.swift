extension OpTable {
    /// The traits of an op that metaserve does not compute; nil where it does not know the op.
    static func traits(ofUnsupported op: String) -> OpTraits? { UnsupportedOps.traits[op] }
}

/// Ops that metaserve does not compute, but whose traits it knows: they tell the training of a graph from the rest.
private enum UnsupportedOps {
    static let traits: [String: OpTraits] = Dictionary(
        rows.flatMap { row in row.names.map { ($0, row.traits) } }, uniquingKeysWith: { $0.union($1) })

    private static let rows: [(names: [String], traits: OpTraits)] = [
        (accumulators, [.state, .effect, .changesVariable, .trains]),
        (variableChanges, [.state, .effect, .changesVariable]),
        (["AutoReloadVariable"], [.identity, .variable]),
        (["Save", "SaveSlices", "SaveV2", "MergeV2Checkpoints"], [.effect, .files, .checkpoints]),
        (["Restore", "RestoreSlice", "RestoreV2"], [.state, .files, .checkpoints]),
        (["ShardedFilespec", "DisableCopyOnRead", "CheckpointHasTensor"], [.state, .checkpoints]),
        (["MatchingFiles", "ReadFile"], [.state, .files]),
        (["WriteFile"], [.effect, .files]),
        (summaries, [.bookkeeping]),
        (["Print", "PrintV2"], [.effect, .bookkeeping]),
        (summaryWriters, [.effect, .bookkeeping]),
        (randomNumbersOfOtherKinds, [.random]),
    ]

    private static let accumulators = [
        "AccumulatorApplyGradient", "ResourceAccumulatorApplyGradient", "SparseAccumulatorApplyGradient",
    ]

    private static let variableChanges = [
        "AssignVariableXlaConcatND", "CountUpTo", "ResourceCountUpTo", "ResourceScatterNdAdd", "ResourceScatterNdMax",
        "ResourceScatterNdMin", "ResourceScatterNdSub", "ResourceScatterNdUpdate", "ResourceStridedSliceAssign",
        "ScatterNdAdd", "ScatterNdMax", "ScatterNdMin", "ScatterNdSub", "ScatterNdUpdate", "StridedSliceAssign",
    ]

    /// Ops whose output is a serialized summary.
    private static let summaries = [
        "AudioSummary", "AudioSummaryV2", "BoostedTreesMakeStatsSummary", "ImageSummary", "StatsAggregatorSummary",
    ]

    private static let summaryWriters = [
        "WriteAudioSummary", "WriteGraphSummary", "WriteHistogramSummary", "WriteImageSummary", "WriteRawProtoSummary",
        "WriteScalarSummary", "WriteSummary",
    ]

    private static let randomNumbersOfOtherKinds = [
        "AllCandidateSampler", "AnonymousRandomSeedGenerator", "AnonymousSeedGenerator", "FixedUnigramCandidateSampler",
        "LearnedUnigramCandidateSampler", "LogUniformCandidateSampler", "NonDeterministicInts",
        "StatefulRandomBinomial",
        "StatefulStandardNormal", "StatefulStandardNormalV2", "StatefulTruncatedNormal", "StatefulUniform",
        "StatefulUniformFullInt", "StatefulUniformInt", "ThreadUnsafeUnigramCandidateSampler",
        "UniformCandidateSampler",
    ]
}
