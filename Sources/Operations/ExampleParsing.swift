internal import Tensors

/// What to take from each `tf.train.Example` of a batch, or from a single one, and how to make tensors of it.
struct ExampleParser {
    /// Features of any length.
    struct Column: Hashable, Sendable {
        let key: [UInt8]
        let dtype: DataType
    }

    /// Features of a fixed shape, or of a fixed shape but for the first dimension.
    struct Dense {
        let key: [UInt8]
        let shape: PartialShape
        let fallback: Tensor
    }

    let serialized: [[UInt8]]
    /// Of the examples, for messages; empty where they have none.
    let names: [[UInt8]]
    /// Whether there is a batch dimension.
    let isBatch: Bool

    private let features: [ExampleFeatures]

    /// The most bytes that padding may make of a request.
    private static let limitBytes = 1 << 30

    init(serialized: [[UInt8]], names: [[UInt8]], isBatch: Bool) throws(CompileError) {
        self.serialized = serialized
        self.names = names
        self.isBatch = isBatch
        var features: [ExampleFeatures] = []
        for bytes in serialized {
            do throws(ProtobufReader.Malformed) { features.append(try ExampleFeatures(bytes)) } catch {
                throw Self.unreadable(bytes)
            }
        }
        self.features = features
    }

    private static func unreadable(_ bytes: [UInt8]) -> CompileError {
        .invalid("Could not parse example input, value: '\(String(decoding: bytes.prefix(64), as: UTF8.self))'")
    }

    private func name(_ index: Int) -> String {
        names.indices.contains(index) ? String(decoding: names[index], as: UTF8.self) : "<unknown>"
    }

    /// The feature of each example; nil where it has none.
    private func lists(_ key: [UInt8], _ dtype: DataType) throws(CompileError) -> [FeatureValues?] {
        var lists: [FeatureValues?] = []
        for (index, example) in features.enumerated() {
            let values: FeatureValues?
            do throws(ProtobufReader.Malformed) { values = try example.values(of: key) } catch {
                throw Self.unreadable(serialized[index])
            }
            guard values?.dtype ?? dtype == dtype else {
                throw .invalid(
                    "Name: \(name(index)), Key: \(String(decoding: key, as: UTF8.self)), Index: \(index).  Data types "
                        + "don't match. Expected type: \(dtype), Actual type: \(values?.dtype ?? dtype)")
            }
            lists.append(values)
        }
        return lists
    }

    /// Indices, values and shape of a sparse tensor: a row an example.
    func sparse(_ column: Column) throws(CompileError) -> (indices: Tensor, values: Tensor, shape: Tensor) {
        let lists = try lists(column.key, column.dtype)
        var indices: [Int64] = []
        var longest = 0
        for (row, list) in lists.enumerated() {
            let count = list?.count ?? 0
            longest = max(longest, count)
            for place in 0..<count { indices += isBatch ? [Int64(row), Int64(place)] : [Int64(place)] }
        }
        let values = try FeatureValues.joined(lists.compactMap { $0 }, column.dtype)
        let shape = isBatch ? [Int64(lists.count), Int64(longest)] : [Int64(longest)]
        return (
            try .holding(indices, [values.count, isBatch ? 2 : 1]), try values.tensor([values.count]),
            try .holding(shape)
        )
    }

    /// Values and row splits of a ragged tensor.
    func ragged(_ column: Column, splits dtype: DataType) throws(CompileError) -> (values: Tensor, splits: Tensor) {
        let lists = try lists(column.key, column.dtype)
        let values = try FeatureValues.joined(lists.compactMap { $0 }, column.dtype)
        var ends = isBatch ? [0] : []
        if isBatch { for list in lists { ends.append((ends.last ?? 0) + (list?.count ?? 0)) } }
        let fact = try TensorFact(ends, as: dtype, shape: .vector(ends.count)) { _ in "too many values" }
        guard let splits = fact.value else { throw .invalid("too many values") }
        return (try values.tensor([values.count]), splits)
    }

    /// A dense tensor: each example's values, or the default where it has none.
    func dense(_ dense: Dense, number: Int) throws(CompileError) -> Tensor {
        guard let sizes = dense.shape.dimensions, let fallback = FeatureValues(dense.fallback) else {
            throw .unsupported("a dense feature of unknown rank, or of dtype \(dense.fallback.dtype), is not supported")
        }
        let lists = try lists(dense.key, fallback.dtype)
        let isVariable = sizes.first == PartialShape.unknownDimension
        guard let row = Shape(Array(sizes.dropFirst(isVariable ? 1 : 0))) else {
            throw .unsupported(
                "dense_shapes[\(number)] must be known but for its first dimension, it is \(dense.shape)")
        }
        try check(dense, isVariable, number)
        return isVariable
            ? try variable(dense, row, fallback, lists) : try fixed(dense, row, fallback, lists)
    }

    private func check(_ dense: Dense, _ isVariable: Bool, _ number: Int) throws(CompileError) {
        let given = dense.fallback.shape
        if isVariable {
            guard given.elementCount == 1 || !isBatch else {
                throw .invalid(
                    "dense_shape[\(number)] is a variable length shape: \(dense.shape), therefore def_value[\(number)] "
                        + "must contain a single element (the padding element).  But its shape is: \(given)")
            }
        } else if given.elementCount > 0 {
            guard dense.shape.admits(given) else {
                throw .invalid(
                    "def_value[\(number)].shape() == \(given) is not compatible with dense_shapes_[\(number)] == "
                        + "\(dense.shape)")
            }
        }
    }

    private func fixed(
        _ dense: Dense, _ row: Shape, _ fallback: FeatureValues, _ lists: [FeatureValues?]
    ) throws(CompileError) -> Tensor {
        var rows: [FeatureValues] = []
        let key = String(decoding: dense.key, as: UTF8.self)
        for (index, list) in lists.enumerated() {
            guard let list else {
                guard fallback.count > 0 || row.elementCount == 0 else {
                    throw .invalid(
                        "Name: \(name(index)), Feature: \(key) (data type: \(fallback.dtype)) is required but could not "
                            + "be found.")
                }
                rows.append(fallback)
                continue
            }
            guard list.count == row.elementCount else {
                throw .invalid(
                    "Name: \(name(index)), Key: \(key), Index: \(index).  Number of \(Self.word(list.dtype)) values != "
                        + "expected.  Values size: \(list.count) but output shape: \(row)")
            }
            rows.append(list)
        }
        let values = try FeatureValues.joined(rows, fallback.dtype)
        return try values.tensor((isBatch ? [lists.count] : []) + row.dimensions)
    }

    /// Rows of any number of items, padded to the longest.
    private func variable(
        _ dense: Dense, _ item: Shape, _ fallback: FeatureValues, _ lists: [FeatureValues?]
    ) throws(CompileError) -> Tensor {
        let size = max(1, item.elementCount)
        var longest = 0
        for (index, list) in lists.enumerated() {
            let count = list?.count ?? 0
            guard count % size == 0 else {
                throw .invalid(
                    "Name: \(name(index)), Key: \(String(decoding: dense.key, as: UTF8.self)), Index: \(index).  Number "
                        + "of \(Self.word(fallback.dtype)) values is not a multiple of stride length. Values size: "
                        + "\(count) but output shape: \(dense.shape)")
            }
            longest = max(longest, count)
        }
        let total = longest.multipliedReportingOverflow(by: max(1, lists.count))
        guard !total.overflow, total.partialValue <= Self.limitBytes / fallback.dtype.stride else {
            throw CompileError(.resourceExhausted, "the padded feature would take more than \(Self.limitBytes) bytes")
        }
        var rows: [FeatureValues] = []
        for list in lists {
            if let list { rows.append(list) }
            rows.append(fallback.repeated(longest - (list?.count ?? 0)))
        }
        let values = try FeatureValues.joined(rows, fallback.dtype)
        return try values.tensor((isBatch ? [lists.count] : []) + [longest / size] + item.dimensions)
    }

    private static func word(_ dtype: DataType) -> String {
        dtype == .float32 ? "float" : dtype == .string ? "bytes" : "int64"
    }
}
