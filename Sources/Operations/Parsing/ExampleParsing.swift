internal import Kernels
internal import Tensors

/// What to take from each `tf.train.Example` of a batch, or from a single one, and how to make tensors of it.
struct ExampleParser {
    /// Features of any length.
    struct Column {
        let key: TensorString
        let dtype: DataType
    }

    /// Features of a fixed shape, or of a fixed shape but for the first dimension.
    struct Dense {
        let key: TensorString
        let shape: PartialShape
        let fallback: Tensor
    }

    private let serialized: StringElements
    /// Of the examples, for messages; nil where they have none.
    private let names: StringElements?
    /// Whether there is a batch dimension.
    private let isBatch: Bool
    /// The number of each key.
    private let numbers: [ByteKey: Int]
    /// Where each example has the features, by the number of the key; nil where it has none.
    private let places: [Range<Int>?]
    private let account: RunAccount

    /// - Parameters:
    ///   - serialized: The examples.
    ///   - names: Of the examples, for messages; nil where they have none.
    ///   - isBatch: Whether there is a batch dimension.
    ///   - keys: The features that will be asked for.
    ///   - account: Counts the memory.
    /// - Throws: `invalidArgument` where an example is none.
    init(
        serialized: StringElements, names: StringElements?, isBatch: Bool, keys: [TensorString], _ account: RunAccount
    ) throws(OpError) {
        self.serialized = serialized
        self.names = names
        self.isBatch = isBatch
        self.account = account
        try account.reserve(keys.count, of: (ByteKey, Int, ByteKey, Int, ByteKey, Int, ByteKey, Int).self)
        var numbers: [ByteKey: Int] = [:]
        for key in keys where numbers[ByteKey(key.bytes)] == nil { numbers[ByteKey(key.bytes)] = numbers.count }
        let (count, overflow) = serialized.count.multipliedReportingOverflow(by: numbers.count)
        var places = try account.array(repeating: Range<Int>?.none, count: overflow ? .max : count)
        var work = WorkCount(account)
        for (index, bytes) in serialized.enumerated() {
            try work.add(4 * bytes.count)
            do throws(ProtobufReader.Malformed) {
                try ExampleFeatures(bytes.bytes).forEach { name, place in
                    if let number = numbers[ByteKey(name)] { places[index * numbers.count + number] = place }
                }
            } catch { throw Self.unreadable(bytes.bytes) }
        }
        self.numbers = numbers
        self.places = places
    }

    private static func unreadable(_ bytes: UnsafeBufferPointer<UInt8>) -> OpError {
        .invalid("Could not parse example input, value: '\(String(decoding: bytes.prefix(64), as: UTF8.self))'")
    }

    private func name(_ index: Int) -> String {
        guard let names, names.indices.contains(index) else { return "<unknown>" }
        return String(shown: names[index].bytes)
    }

    /// The feature of each example; nil where it has none.
    private func lists(_ key: TensorString, _ dtype: DataType) throws(OpError) -> [FeatureValues?] {
        guard let number = numbers[ByteKey(key.bytes)] else { throw OpError(.malformed, "a key is not known") }
        var lists: [FeatureValues?] = try account.list(capacity: serialized.count)
        var work = WorkCount(account)
        for (index, example) in serialized.enumerated() {
            var values: FeatureValues?
            let place = places[index * numbers.count + number]
            try work.add(4 * (place?.count ?? 0) + 16)
            do throws(ProtobufReader.Malformed) {
                if let place {
                    values = try ExampleFeatures(example.bytes).values(at: place)
                }
            } catch { throw Self.unreadable(example.bytes) }
            guard values?.dtype ?? dtype == dtype else {
                throw .invalid(
                    "Name: \(name(index)), Key: \(String(shown: key.bytes)), Index: \(index).  Data types "
                        + "don't match. Expected type: \(dtype), Actual type: \(values?.dtype ?? dtype)")
            }
            lists.append(values)
        }
        return lists
    }

    /// What stands in the rows that have no values, or few.
    private enum Filling {
        /// Nothing.
        case none
        /// The tensor's elements in rows without a list.
        case whole(Tensor)
        /// The tensor's one element, up to a length.
        case padded(Tensor, length: Int)

        /// How many elements a row lacks.
        func missing(_ list: FeatureValues?) -> Int {
            switch self {
            case .none: 0
            case .whole(let tensor): list == nil ? tensor.shape.elementCount : 0
            case .padded(_, let length): max(0, length - (list?.count ?? 0))
            }
        }
    }

    /// The values of all examples, one row after another.
    private func values(
        _ lists: [FeatureValues?], _ dtype: DataType, _ dimensions: [Int], _ filling: Filling
    ) throws(OpError) -> Tensor {
        var count = ByteSum()
        for list in lists { count.add((list?.count ?? 0) + filling.missing(list)) }
        guard let shape = Shape(dimensions), shape.elementCount == count.total else {
            throw .invalid("\(count.total) values do not fill the shape \(dimensions)")
        }
        switch dtype {
        case .string: return try strings(lists, shape, filling)
        case .float32:
            return try scalars(lists, shape, filling, Float(0)) {
                (list, body) throws(ProtobufReader.Malformed) in try list.forEachFloat(body)
            }
        case .int64:
            return try scalars(lists, shape, filling, Int64(0)) {
                (list, body) throws(ProtobufReader.Malformed) in try list.forEachInteger(body)
            }
        default: throw .unsupported(dtype)
        }
    }

    private func strings(
        _ lists: [FeatureValues?], _ shape: Shape, _ filling: Filling
    ) throws(OpError) -> Tensor {
        var fallback: StringElements?
        switch filling {
        case .none: break
        case .whole(let tensor), .padded(let tensor, _): fallback = try tensor.stringElements("a default")
        }
        func filler(_ place: Int) -> TensorString {
            if case .padded = filling { return fallback?.first ?? TensorString(start: nil, count: 0) }
            return fallback?[place] ?? TensorString(start: nil, count: 0)
        }
        var bytes = ByteSum()
        for list in lists {
            bytes.add(list?.byteCount ?? 0)
            let missing = filling.missing(list)
            if case .padded = filling {
                bytes.add(filler(0).count, times: missing)
            } else if missing > 0 {
                bytes.add(fallback?.byteCount ?? 0)
            }
        }
        var result = try StringTensorBuilder(shape, byteCount: bytes.total, account)
        for list in lists {
            if let list {
                var refusal: OpError?
                do throws(ProtobufReader.Malformed) {
                    try list.forEachString { string in
                        do throws(OpError) { if refusal == nil { try result.add(string) } } catch {
                            refusal = error
                        }
                    }
                } catch { throw .invalid("Could not parse example input") }
                if let refusal { throw refusal }
            }
            for place in 0..<filling.missing(list) { try result.add(filler(place).bytes) }
        }
        return try result.tensor()
    }

    private func scalars<Scalar: TensorScalar>(
        _ lists: [FeatureValues?], _ shape: Shape, _ filling: Filling, _ zero: Scalar,
        _ visit: (FeatureValues, (Scalar) -> Void) throws(ProtobufReader.Malformed) -> Void
    ) throws(OpError) -> Tensor {
        var fallback: [Scalar] = []
        switch filling {
        case .none: break
        case .whole(let tensor), .padded(let tensor, _):
            try account.reserve(tensor.shape.elementCount, of: Scalar.self)
            fallback = tensor.scalars(as: Scalar.self) ?? []
        }
        var work = WorkCount(account)
        return try account.numbers(shape, of: Scalar.self) { (memory) throws(OpError) in
            var next = 0
            func put(_ scalar: Scalar) {
                guard next < memory.count else { return }
                memory[next] = scalar
                next += 1
            }
            for list in lists {
                if let list {
                    do throws(ProtobufReader.Malformed) { try visit(list, put) } catch {
                        throw .invalid("Could not parse example input")
                    }
                }
                let missing = filling.missing(list)
                if case .padded = filling {
                    for _ in 0..<missing { put(fallback.first ?? zero) }
                } else if missing > 0 {
                    for scalar in fallback { put(scalar) }
                }
                try work.add(16 + 16 * ((list?.count ?? 0) + missing))
            }
        }
    }

    /// Indices, values and shape of a sparse tensor: a row an example.
    func sparse(_ column: Column) throws(OpError) -> (indices: Tensor, values: Tensor, shape: Tensor) {
        let lists = try lists(column.key, column.dtype)
        var count = ByteSum()
        var longest = 0
        for list in lists {
            count.add(list?.count ?? 0)
            longest = max(longest, list?.count ?? 0)
        }
        let width = isBatch ? 2 : 1
        guard let indexShape = Shape([count.total, width]) else { throw .invalid("too many values") }
        var work = WorkCount(account)
        let indices = try account.numbers(indexShape, of: Int64.self) { (memory) throws(OpError) in
            var next = 0
            for (row, list) in lists.enumerated() {
                for place in 0..<(list?.count ?? 0) {
                    if isBatch { memory[next] = Int64(row) }
                    memory[next + width - 1] = Int64(place)
                    next += width
                }
                try work.add(16 + 16 * (list?.count ?? 0))
            }
        }
        let values = try values(lists, column.dtype, [count.total], .none)
        let shape = isBatch ? [Int64(lists.count), Int64(longest)] : [Int64(longest)]
        return (indices, values, try .holding(shape))
    }

    /// Values and row splits of a ragged tensor.
    func ragged(_ column: Column, splits dtype: DataType) throws(OpError) -> (values: Tensor, splits: Tensor) {
        let lists = try lists(column.key, column.dtype)
        var ends: [Int] = try account.list(capacity: isBatch ? lists.count + 1 : 0)
        var count = 0
        if isBatch { ends.append(0) }
        for list in lists {
            count += list?.count ?? 0
            if isBatch { ends.append(count) }
        }
        try account.reserve(2 * ends.count, of: Int.self)
        let fact = try TensorFact(ends, as: dtype, shape: .vector(ends.count)) { _ in "too many values" }
        guard let splits = fact.value else { throw .invalid("too many values") }
        return (try values(lists, column.dtype, [count], .none), splits)
    }

    /// A dense tensor: each example's values, or the default where it has none.
    func dense(_ dense: Dense, number: Int) throws(OpError) -> Tensor {
        let fallback = dense.fallback
        guard let sizes = dense.shape.dimensions, [.string, .float32, .int64].contains(fallback.dtype) else {
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

    private func check(_ dense: Dense, _ isVariable: Bool, _ number: Int) throws(OpError) {
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
        _ dense: Dense, _ row: Shape, _ fallback: Tensor, _ lists: [FeatureValues?]
    ) throws(OpError) -> Tensor {
        let key = String(shown: dense.key.bytes)
        for (index, list) in lists.enumerated() {
            guard let list else {
                guard fallback.shape.elementCount > 0 || row.elementCount == 0 else {
                    throw .invalid(
                        "Name: \(name(index)), Feature: \(key) (data type: \(fallback.dtype)) is required but could not "
                            + "be found.")
                }
                continue
            }
            guard list.count == row.elementCount else {
                throw .invalid(
                    "Name: \(name(index)), Key: \(key), Index: \(index).  Number of \(Self.word(list.dtype)) values != "
                        + "expected.  Values size: \(list.count) but output shape: \(row)")
            }
        }
        return try values(
            lists, fallback.dtype, (isBatch ? [lists.count] : []) + row.dimensions, .whole(fallback))
    }

    /// Rows of any number of items, padded to the longest.
    private func variable(
        _ dense: Dense, _ item: Shape, _ fallback: Tensor, _ lists: [FeatureValues?]
    ) throws(OpError) -> Tensor {
        let size = max(1, item.elementCount)
        var longest = 0
        for (index, list) in lists.enumerated() {
            let count = list?.count ?? 0
            guard count % size == 0 else {
                throw .invalid(
                    "Name: \(name(index)), Key: \(String(shown: dense.key.bytes)), Index: \(index).  Number "
                        + "of \(Self.word(fallback.dtype)) values is not a multiple of stride length. Values size: "
                        + "\(count) but output shape: \(dense.shape)")
            }
            longest = max(longest, count)
        }
        return try values(
            lists, fallback.dtype, (isBatch ? [lists.count] : []) + [longest / size] + item.dimensions,
            .padded(fallback, length: longest))
    }

    private static func word(_ dtype: DataType) -> String {
        dtype == .float32 ? "float" : dtype == .string ? "bytes" : "int64"
    }
}
