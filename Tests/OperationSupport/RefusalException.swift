package import Operations

/// A refusal of another kind than TensorFlow's error, with its justification.
package struct RefusalException: Hashable, Sendable, CustomStringConvertible {
    /// The class of TensorFlow's error.
    package let errorClass: String
    /// The op that refuses.
    package let op: String
    /// The names of the recorded runs; empty for all runs of the op.
    package let labels: [String]
    /// The kind of our error.
    package let kind: OpError.Kind
    /// The reason why the kind differs from TensorFlow's.
    package let reason: String

    /// The op, the runs, and the class of TensorFlow's error.
    package var description: String { "\(op) \(labels), \(errorClass)" }

    private init(
        _ op: String, _ errorClass: String, in labels: [String] = [], is kind: OpError.Kind, because reason: String
    ) {
        self.op = op
        self.labels = labels
        self.errorClass = errorClass
        self.kind = kind
        self.reason = reason
    }

    /// All exceptions.
    package static let all = ops + tables + graphs

    /// The exceptions for recorded runs of single ops.
    package static let ops: [RefusalException] = [
        // TensorFlow uses this class for a missing state, and also for data that does not fit.
        shape("CTCBeamSearchDecoder"), shape("CTCGreedyDecoder"), shape("Cross"), shape("HSVToRGB"), shape("RGBToHSV"),
        shape("RandomCrop"),
        limitation("DepthwiseConv2dNative", ["refused: strides differ", "refused: strides of the depth"]),
        limitation("Conv3D", ["refused: strides of the depth"]),
        encoding("UnicodeDecode"), encoding("UnicodeDecodeWithOffsets"), encoding("UnicodeTranscode"),
        size("Fill", ["too large"]), size("Tile", ["too large", "a dimension too large"]), size("Pad", ["huge"]),
        size("SpaceToBatchND", ["huge", "huge blocks"]),
        RefusalException(
            "Slice", "ResourceExhaustedError", in: ["larger"], is: .invalidArgument,
            because: "TensorFlow allocates the output before it compares the sizes with the input's"),
        division("TruncateDiv"), division("TruncateMod"),
        image("EncodeJpeg"), image("EncodePng"),
        example("ParseExample", "no example"), example("ParseExampleV2", "no example"),
        example("ParseSingleExample", "damaged"),
    ]

    /// The exceptions for recorded runs of lookup tables.
    package static let tables: [RefusalException] = [
        table("LookupTableFindV2", "two values"), table("InitializeTableFromTextFileV2", "a word twice"),
    ]

    /// The exceptions for recorded runs of graphs.
    package static let graphs: [RefusalException] = [
        RefusalException(
            "AddV2", "InternalError", in: ["a fetch in a loop"], is: .invalidArgument,
            because: "TensorFlow notices only at the end of the run that the fetch has no value"),
        RefusalException(
            "LookupTableFindV2", "FailedPreconditionError", in: ["a table that nothing fills"], is: .unsupported,
            because: "no node of the graph fills the table, and it cannot be filled from outside of the graph"),
    ]

    private static func shape(_ op: String) -> RefusalException {
        RefusalException(
            op, "FailedPreconditionError", is: .invalidArgument, because: "the shapes or values that are fed do not fit"
        )
    }

    private static func table(_ op: String, _ label: String) -> RefusalException {
        RefusalException(
            op, "FailedPreconditionError", in: [label], is: .invalidArgument,
            because: "no state is missing: a key is given twice, with two values")
    }

    private static func limitation(_ op: String, _ labels: [String]) -> RefusalException {
        RefusalException(
            op, "InvalidArgumentError", in: labels, is: .unsupported,
            because: "TensorFlow's text says it is not supported")
    }

    private static func encoding(_ op: String) -> RefusalException {
        RefusalException(
            op, "InvalidArgumentError", in: ["no encoding"], is: .unsupported,
            because: "TensorFlow knows more encodings: a name that is unknown here may be one of them")
    }

    private static func size(_ op: String, _ labels: [String]) -> RefusalException {
        RefusalException(
            op, "InvalidArgumentError", in: labels, is: .resourceExhausted,
            because: "an output with such a size does not fit into any memory")
    }

    private static func division(_ op: String) -> RefusalException {
        RefusalException(
            op, "InternalError", is: .invalidArgument,
            because: "TensorFlow expects a division by zero in other ops only")
    }

    private static func image(_ op: String) -> RefusalException {
        RefusalException(op, "InternalError", is: .invalidArgument, because: "the image that is fed is empty")
    }

    private static func example(_ op: String, _ label: String) -> RefusalException {
        RefusalException(
            op, "UnicodeDecodeError", in: [label], is: .invalidArgument,
            because: "Python cannot decode TensorFlow's message, which contains the damaged bytes")
    }
}
