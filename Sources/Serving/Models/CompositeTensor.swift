internal import SwiftProtobuf
internal import TensorFlowProtos
internal import Tensors

/// An input or output of a signature that consists of several tensors of the graph, such as a sparse or ragged tensor.
package struct CompositeTensor: Sendable {
    /// The kind of the composite tensor.
    package enum Kind: String, Sendable {
        /// Indices, values and a shape.
        case sparse
        /// Values and row splits.
        case ragged
        /// Unknown parts.
        case composite
    }

    /// One of the tensors that it consists of.
    struct Part: Sendable {
        /// The signature's key, and the part after a slash: `x/values`.
        let name: String
        let info: TensorInfo
    }

    /// The signature's key.
    package let name: String
    /// The kind of the composite tensor.
    package let kind: Kind
    let parts: [Part]

    /// The names of its parts in the signature.
    package var partNames: [String] { parts.map(\.name) }

    /// TensorFlow's numbers of kinds.
    private static let sparseClass: Int32 = 1
    private static let raggedClass: Int32 = 3

    /// Returns nil if it is a single tensor.
    init?(_ name: String, _ info: TensorInfo) {
        self.name = name
        switch info.encoding {
        case .cooSparse(let sparse)?:
            let rank = info.tensorShape.unknownRank ? -1 : Int64(info.tensorShape.dim.count)
            kind = .sparse
            parts = [
                Self.part(name, "indices", sparse.indicesTensorName, .int64, [-1, rank]),
                Self.part(name, "values", sparse.valuesTensorName, DataType(protoNumber: info.dtype), [-1]),
                Self.part(name, "dense_shape", sparse.denseShapeTensorName, .int64, [rank]),
            ]
        case .compositeTensor(let composite)?:
            kind =
                switch (composite.typeSpec.typeSpecClass, composite.components.count) {
                case (Self.sparseClass, 3): .sparse
                case (Self.raggedClass, 2...): .ragged
                default: .composite
                }
            let suffixes = Self.suffixes(kind, composite.components.count)
            parts = zip(suffixes, composite.components).map { Part(name: "\(name)/\($0)", info: $1) }
        default: return nil
        }
    }

    private static func part(
        _ name: String, _ suffix: String, _ tensor: String, _ dtype: DataType?, _ sizes: [Int64]
    ) -> Part {
        Part(
            name: "\(name)/\(suffix)",
            info: .with { info in
                info.name = tensor
                info.dtype = dtype?.rawValue ?? 0
                info.tensorShape.dim = sizes.map { size in .with { $0.size = size } }
            })
    }

    /// The suffixes of the parts' names, in TensorFlow's order.
    private static func suffixes(_ kind: Kind, _ count: Int) -> [String] {
        switch kind {
        case .sparse: ["indices", "values", "dense_shape"]
        case .ragged where count == 2: ["values", "row_splits"]
        case .ragged: ["values"] + (0..<count - 1).map { "row_splits_\($0)" }
        case .composite: (0..<count).map { "component_\($0)" }
        }
    }

    /// A description of a part.
    func note(of part: Part) -> String {
        "\(part.name.dropFirst(name.count + 1)) of the \(kind == .composite ? "composite" : kind.rawValue) tensor \"\(name)\""
    }
}
