import Checkpoints
import Foundation
import Operations
import Serving
import Tensors

/// The line that `metaserve inspect --json` prints for a model.
struct InspectedModel: Encodable {
    private var name: String
    private var format: String
    private var prefix: String
    private var version: Int?
    private var step: Int?
    /// The reason why it cannot be served.
    private var error: String?
    private var warnings: [String] = []
    private var notes: [String] = []
    private var inputs: [Named] = []
    private var outputs: [Named] = []
    private var signatures: [String: Interface] = [:]
    /// Whether requests may assign variables, and why.
    private var variablesMode: String?
    private var variablesReason: String?
    /// The numbers of weights.
    private var precision: String?
    /// The tensors of the checkpoint.
    private var tensors: [Stored] = []
    private var ops: [InspectedOp] = []

    private struct Interface: Encodable {
        let inputs: [Named]
        let outputs: [Named]
    }

    /// An input or an output.
    private struct Named: Encodable {
        let name: String
        /// The tensor of a signature's key.
        let tensor: String?
        let dtype: String?
        /// The shape. Unknown sizes are null. Without a shape, the rank is unknown.
        let shape: [Int?]?
        let `default`: DefaultNumber?
        let note: String?
        /// `signature`, or `guessed`.
        let source: String

        init(_ description: TensorDescription) {
            name = description.name
            tensor = description.name == description.tensor ? nil : description.tensor
            dtype = description.dtype?.name
            shape = description.shape.dimensions?.map { $0 < 0 ? nil : $0 }
            `default` = description.defaultValue.map(DefaultNumber.init)
            note = description.note
            source = description.isGuessed ? "guessed" : "signature"
        }
    }

    private struct Stored: Encodable {
        let name: String
        let dtype: String
        let shape: [Int]
        let shards: [Int]
        let bytes: Int

        init(_ tensor: CheckpointReader.TensorInfo) {
            name = tensor.name
            dtype = tensor.dtype.name
            shape = tensor.shape.dimensions
            shards = tensor.shards
            bytes = tensor.byteCount
        }
    }

    init(_ model: Model) {
        name = model.name
        format = model.format
        prefix = model.prefix
        version = model.version
        step = model.step
        warnings = model.warnings
        notes = model.notes
        inputs = model.inputs.map(Named.init)
        outputs = model.outputs.map(Named.init)
        signatures = model.signatures.mapValues { signature in
            Interface(inputs: signature.inputs.map(Named.init), outputs: signature.outputs.map(Named.init))
        }
        variablesMode = model.variablesMode.rawValue
        variablesReason = model.variablesReason
        precision = model.precision.rawValue
        tensors = model.reader?.tensors.map(Stored.init) ?? []
        ops = InspectedOp.all(of: model.graph)
    }

    /// A checkpoint without a graph.
    init(_ path: String, _ reader: CheckpointReader, error: ModelError) {
        name = ModelFolders.name(of: path)
        format = reader.format
        prefix = reader.prefix
        self.error = "\(error)"
        tensors = reader.tensors.map(Stored.init)
    }

    /// A line of JSON.
    func line() throws -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}

/// The default value of an input: a single element as it is, otherwise only dtype and shape.
struct DefaultNumber: Encodable, CustomStringConvertible {
    private let tensor: Tensor

    init(_ tensor: Tensor) { self.tensor = tensor }

    private var element: (any Encodable & CustomStringConvertible)? {
        guard tensor.shape.elementCount == 1 else { return nil }
        if let value = tensor.scalars(as: Float.self)?.first { return value }
        if let value = tensor.scalars(as: Double.self)?.first { return value }
        if let value = tensor.scalars(as: Bool.self)?.first { return value }
        if let value = tensor.integers?.first { return value }
        return tensor.strings?.first.map { String(decoding: $0, as: UTF8.self) }
    }

    var description: String { element?.description ?? "a \(tensor.dtype) \(tensor.shape)" }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let element { try container.encode(element) } else { try container.encode(description) }
    }
}
