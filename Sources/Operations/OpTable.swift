/// Every op that metaserve computes. A family is a file, which declares its rows in an extension; here it is one line.
package enum OpTable {
    private static let families: [[OpEntry]] = [
        graphInputs,
        variableUpdates,
        controlFlow,
        asserting,
        stacks,
        tensorArrays,
        tensorLists,
        elementwiseUnary,
        functions,
        elementwiseBinary,
        elementwiseTernary,
        elementwiseGradients,
        complexNumbers,
        casting,
        reductions,
        softmaxes,
        randomNumbers,
        shapeQueries,
        reshaping,
        joining,
        splitting,
        slicing,
        transposing,
        filling,
        sequences,
        gathering,
        matrixProducts,
        convolutions,
        pools,
        strings,
        stringFormatting,
        stringJoining,
        stringSplitting,
        regularExpressions,
        rawBytes,
        hashing,
        lookupTables,
        tableInitializers,
        exampleParsing,
        tensorMessages,
        csv,
        sparseConversion,
        sparseMovement,
        sparseArithmetic,
        sparseReductions,
        sequenceDistances,
        ctcDecoding,
    ]

    /// The rows, by name.
    package static let entries: [String: OpEntry] = Dictionary(
        families.joined().map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })

    /// All names, as often as they are declared.
    package static var declaredNames: [String] { families.joined().map(\.name) }
}
