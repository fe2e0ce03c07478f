internal import Kernels
internal import Tensors

extension OpTable {
    /// Serialized `tf.train.Example` messages to tensors.
    static let exampleParsing: [OpEntry] = [
        OpEntry("ParseExample", make: ParseExample.first),
        OpEntry("ParseExampleV2", make: ParseExample.second),
        OpEntry("ParseSingleExample", make: ParseExample.single),
    ]
}

/// Takes features from serialized `tf.train.Example` messages.
///
/// - Inputs: `serialized`: a vector (ParseExampleV2: or a scalar; ParseSingleExample: a scalar); `names`, for messages; the keys of
///   sparse, dense and (V2) ragged features (ParseSingleExample has keys as attributes); the default of each dense feature: empty
///   where the feature must be there.
/// - Outputs: indices, values and shapes of the sparse features; the dense features; values and row splits of the ragged ones.
/// - Attributes: `sparse_types`, `Tdense`, `dense_shapes`, `ragged_value_types`, `ragged_split_types`; the numbers of each.
struct ParseExample: TensorOp {
    private enum Version: Hashable {
        /// Each key is an input of its own.
        case first
        /// The keys of a kind are one input.
        case second
        /// The keys are attributes; there are no names.
        case single(sparse: [[UInt8]], dense: [[UInt8]])
    }

    private let version: Version
    private let sparseTypes: [DataType]
    private let denseTypes: [DataType]
    private let denseShapes: [PartialShape]
    private let raggedTypes: [DataType]
    private let splitTypes: [DataType]

    private init(_ node: NodeReader, _ version: Version) throws(OpError) {
        self.version = version
        sparseTypes = try node.types("sparse_types")
        denseTypes = try node.types("Tdense")
        denseShapes = try node.shapes("dense_shapes")
        let isSecond = version == .second
        raggedTypes = isSecond ? try node.types("ragged_value_types") : []
        splitTypes = isSecond ? try node.types("ragged_split_types") : []
        guard denseShapes.count == denseTypes.count, raggedTypes.count == splitTypes.count else {
            throw node.malformed("its lists of attributes differ in length")
        }
        for dtype in sparseTypes + denseTypes + raggedTypes where ![.float32, .int64, .string].contains(dtype) {
            throw .unsupported("features of dtype \(dtype) are not supported")
        }
        for dtype in splitTypes where dtype != .int32 && dtype != .int64 {
            throw .unsupported("row splits of dtype \(dtype) are not supported")
        }
        let keys =
            switch version {
            case .first: 2 + sparseTypes.count + denseTypes.count
            case .second: 5
            case .single: 1
            }
        try node.expectInputs(keys + denseTypes.count)
        if case .single(let sparse, let dense) = version {
            guard sparse.count == sparseTypes.count, dense.count == denseTypes.count else {
                throw node.malformed("its lists of keys and of dtypes differ in length")
            }
        }
    }

    static func first(_ node: NodeReader) throws(OpError) -> ParseExample { try ParseExample(node, .first) }

    static func second(_ node: NodeReader) throws(OpError) -> ParseExample { try ParseExample(node, .second) }

    static func single(_ node: NodeReader) throws(OpError) -> ParseExample {
        try ParseExample(
            node, .single(sparse: try node.strings("sparse_keys"), dense: try node.strings("dense_keys")))
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].require(.string, "serialized")
        let isBatch = try isBatch(inputs[0].shape.rank, inputs[0].shape)
        let unknown = PartialShape.unknownDimension
        let list = PartialShape([unknown])
        let rank = isBatch.map { $0 ? 2 : 1 }
        var facts = sparseTypes.map { _ in TensorFact(.int64, rank.map { PartialShape([unknown, $0]) } ?? .ofRank(2)) }
        facts += sparseTypes.map { TensorFact($0, list) }
        facts += sparseTypes.map { _ in TensorFact(.int64, rank.map { PartialShape([$0]) } ?? list) }
        for (dtype, shape) in zip(denseTypes, denseShapes) {
            guard let isBatch, let sizes = shape.dimensions else {
                facts.append(TensorFact(dtype, .unknown))
                continue
            }
            facts.append(
                TensorFact(dtype, PartialShape((isBatch ? [inputs[0].shape.dimension(0)] : []) + sizes)))
        }
        facts += raggedTypes.map { TensorFact($0, list) }
        facts += splitTypes.map { TensorFact($0, list) }
        return facts
    }

    /// Whether the input is a vector; nil where that is not known.
    private func isBatch(_ rank: Int?, _ shape: PartialShape) throws(OpError) -> Bool? {
        guard let rank else { return version == .first ? true : version == .second ? nil : false }
        switch version {
        case .first where rank == 1: return true
        case .second where rank < 2: return rank == 1
        case .single where rank == 0: return false
        default:
            throw .invalid("serialized has the shape \(shape): it must be a \(version == .first ? "vector" : "scalar")")
        }
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? {
        // What is not dense tells in which row it stands.
        let dense = sparseTypes.count * 3..<sparseTypes.count * 3 + denseTypes.count
        let roles = node.rowwise(0)
        return roles.indices.map { dense.contains($0) ? roles[$0] : .mixed }
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        _ = try check(inputs)
        let names: StringElements? = if case .single = version { nil } else { try inputs[1].stringElements("names") }
        let serialized = try inputs[0].stringElements("serialized")
        guard names?.isEmpty ?? true || inputs[1].shape == inputs[0].shape else {
            throw .invalid(
                "Expected names have the same shape as serialized: name.shape=\(inputs[1].shape), serialized.shape="
                    + "\(inputs[0].shape)")
        }
        let keys = try keys(inputs, account)
        defer { withExtendedLifetime(keys.holders) {} }
        let defaults = Array(inputs.suffix(denseTypes.count))
        for (dtype, fallback) in zip(denseTypes, defaults) where fallback.dtype != dtype {
            throw .invalid("a default is \(fallback.dtype), Tdense says \(dtype)")
        }
        let parser = try ExampleParser(
            serialized: serialized, names: names, isBatch: inputs[0].shape.rank == 1,
            keys: keys.sparse + keys.dense + keys.ragged, account)
        var (indices, values, shapes): ([Tensor], [Tensor], [Tensor]) = ([], [], [])
        for (key, dtype) in zip(keys.sparse, sparseTypes) {
            let sparse = try parser.sparse(.init(key: key, dtype: dtype))
            indices.append(sparse.indices)
            values.append(sparse.values)
            shapes.append(sparse.shape)
        }
        var dense: [Tensor] = []
        for (number, key) in keys.dense.enumerated() {
            let feature = ExampleParser.Dense(key: key, shape: denseShapes[number], fallback: defaults[number])
            dense.append(try parser.dense(feature, number: number))
        }
        var (raggedValues, splits): ([Tensor], [Tensor]) = ([], [])
        for (number, key) in keys.ragged.enumerated() {
            let column = ExampleParser.Column(key: key, dtype: raggedTypes[number])
            let ragged = try parser.ragged(column, splits: splitTypes[number])
            raggedValues.append(ragged.values)
            splits.append(ragged.splits)
        }
        return indices + values + shapes + dense + raggedValues + splits
    }

    /// The names of the features; `holders` are tensors that they lie in.
    private typealias Keys = (
        sparse: [TensorString], dense: [TensorString], ragged: [TensorString], holders: [Tensor]
    )

    private func keys(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> Keys {
        var keys: Keys = ([], [], [], [])
        switch version {
        case .single(let sparse, let dense):
            keys.holders = [try .holding(sparse), try .holding(dense)]
            keys.sparse = Array(try keys.holders[0].stringElements("sparse_keys"))
            keys.dense = Array(try keys.holders[1].stringElements("dense_keys"))
        case .second:
            for (index, name) in [(2, "sparse_keys"), (3, "dense_keys"), (4, "ragged_keys")] {
                let elements = try inputs[index].stringElements(name)
                // They are put together, too.
                try account.reserve(2 * elements.count, of: TensorString.self)
                let list = Array(elements)
                if index == 2 {
                    keys.sparse = list
                } else if index == 3 {
                    keys.dense = list
                } else {
                    keys.ragged = list
                }
            }
        case .first:
            func key(_ index: Int, _ name: String) throws(OpError) -> TensorString {
                let bytes = try inputs[index].oneStringElement(name)
                return TensorString(start: bytes.baseAddress, count: bytes.count)
            }
            for index in sparseTypes.indices { keys.sparse.append(try key(2 + index, "sparse_keys")) }
            for index in denseTypes.indices {
                keys.dense.append(try key(2 + sparseTypes.count + index, "dense_keys"))
            }
        }
        guard keys.sparse.count == sparseTypes.count, keys.dense.count == denseTypes.count,
            keys.ragged.count == raggedTypes.count
        else { throw .invalid("the numbers of keys and of dtypes differ") }
        return keys
    }
}
