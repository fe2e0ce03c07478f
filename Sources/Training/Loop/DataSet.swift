public import Serving
public import Tensors

/// The samples to train with: columns of equal length, each a tensor whose first dimension counts the samples.
public struct DataSet: Sendable {
    /// The number of samples.
    public let count: Int
    private let columns: [String: Tensor]

    /// The names of the columns, in alphabetical order.
    public var names: [String] { columns.keys.sorted() }

    /// - Parameter columns: The columns by name.
    /// - Throws: ``ModelError`` of kind `invalidArgument` for an empty set, columns of different lengths, a scalar, and for a number that is
    ///   not finite, with its column and sample.
    public init(_ columns: [String: Tensor]) throws(ModelError) {
        guard let first = columns.min(by: { $0.key < $1.key }) else {
            throw ModelError(.invalidArgument, "the data has no columns")
        }
        count = first.value.shape.dimensions.first ?? 0
        for (name, column) in columns.sorted(by: { $0.key < $1.key }) {
            guard let length = column.shape.dimensions.first else {
                throw ModelError(
                    .invalidArgument,
                    "column \"\(name)\" of the data is a scalar; its first dimension must count the samples")
            }
            guard length == count else {
                throw ModelError(
                    .invalidArgument,
                    "column \"\(name)\" of the data has \(length) samples, column \"\(first.key)\" has \(count)")
            }
            if let place = column.firstNotFinite {
                let sample = place / max(1, column.shape.elementCount / max(1, length))
                throw ModelError(
                    .invalidArgument,
                    "column \"\(name)\" of the data has a number that is not finite, in sample \(sample)")
            }
        }
        guard count > 0 else { throw ModelError(.invalidArgument, "the data has no samples") }
        self.columns = columns
    }

    /// The dtype and the shape of a sample of a column.
    ///
    /// - Throws: ``ModelError`` of kind `invalidArgument` with the names that exist.
    public func column(_ name: String) throws(ModelError) -> (dtype: DataType, shape: Shape) {
        let column = try found(name)
        return (column.dtype, Shape(Array(column.shape.dimensions.dropFirst())) ?? .scalar)
    }

    /// Some samples of a column, in the given order.
    ///
    /// - Parameters:
    ///   - samples: The numbers of the samples.
    ///   - name: The column.
    ///   - dtype: The dtype to convert the numbers to.
    /// - Returns: A tensor whose first dimension is the number of samples.
    /// - Throws: ``ModelError`` of kind `invalidArgument` for an unknown column, or a number that does not fit the dtype.
    func batch(_ samples: ArraySlice<Int>, of name: String, as dtype: DataType) throws(ModelError) -> Tensor {
        let column = try found(name)
        guard let shape = Shape([samples.count] + column.shape.dimensions.dropFirst()),
            let rows = column.rows(samples, shape)
        else { throw ModelError(.resourceExhausted, "a batch of column \"\(name)\" does not fit into memory") }
        guard rows.dtype != dtype else { return rows }
        guard let converted = rows.converted(to: dtype) else {
            throw ModelError(
                .invalidArgument,
                "column \"\(name)\" of the data is \(rows.dtype), and cannot be fed as \(dtype) without loss")
        }
        return converted
    }

    private func found(_ name: String) throws(ModelError) -> Tensor {
        guard let column = columns[name] else {
            let known = names.map { "\"\($0)\"" }.joined(separator: ", ")
            throw ModelError(.invalidArgument, "the data has no column \"\(name)\"; it has \(known)")
        }
        return column
    }
}

extension Tensor {
    /// The place of the first number that is NaN or infinite; nil if there is none.
    fileprivate var firstNotFinite: Int? {
        withUnsafeBytes { bytes in
            switch dtype {
            case .float32: bytes.bindMemory(to: Float.self).firstIndex { !$0.isFinite }
            case .float64: bytes.bindMemory(to: Double.self).firstIndex { !$0.isFinite }
            default: nil
            }
        }
    }

    /// Rows along the first dimension; nil if memory is short.
    fileprivate func rows(_ samples: ArraySlice<Int>, _ shape: Shape) -> Tensor? {
        let width = (self.shape.dimensions.first ?? 0) == 0 ? 0 : byteCount / self.shape.dimensions[0]
        if dtype == .string {
            guard let all = strings else { return nil }
            let inner = samples.isEmpty ? 0 : shape.elementCount / samples.count
            return Tensor(strings: samples.flatMap { all[$0 * inner..<($0 + 1) * inner] }, shape: shape)
        }
        return withUnsafeBytes { source in
            Tensor(dtype: dtype, shape: shape) { target in
                // Safety: samples are below the number of rows, and the target has as many rows as there are samples.
                for (row, sample) in samples.enumerated() {
                    UnsafeMutableRawBufferPointer(rebasing: target[row * width..<(row + 1) * width])
                        .copyMemory(
                            from: UnsafeRawBufferPointer(rebasing: source[sample * width..<(sample + 1) * width]))
                }
            }
        }
    }

    /// The same numbers in another dtype; nil if the dtypes are no numbers, or an integer does not fit.
    fileprivate func converted(to dtype: DataType) -> Tensor? {
        switch dtype {
        case .float32: return numbers().flatMap { Tensor($0.map(Float.init), shape: shape.dimensions) }
        case .float64: return numbers().flatMap { Tensor($0, shape: shape.dimensions) }
        case .int32: return exact(Int32.self)
        case .int64: return exact(Int64.self)
        case .uint8: return exact(UInt8.self)
        default: return nil
        }
    }

    private func exact<Value: TensorScalar & FixedWidthInteger>(_ type: Value.Type) -> Tensor? {
        guard let numbers = numbers() else { return nil }
        var result: [Value] = []
        result.reserveCapacity(numbers.count)
        for number in numbers {
            guard let value = Value(exactly: number) else { return nil }
            result.append(value)
        }
        return Tensor(result, shape: shape.dimensions)
    }

    /// The elements as numbers; nil for other dtypes.
    private func numbers() -> [Double]? {
        switch dtype {
        case .float32: scalars(as: Float.self)?.map(Double.init)
        case .float64: scalars(as: Double.self)
        case .uint8: scalars(as: UInt8.self)?.map(Double.init)
        case .int8: scalars(as: Int8.self)?.map(Double.init)
        case .int16: scalars(as: Int16.self)?.map(Double.init)
        case .int32: scalars(as: Int32.self)?.map(Double.init)
        case .int64: scalars(as: Int64.self)?.map(Double.init)
        case .bool: scalars(as: Bool.self)?.map { $0 ? 1 : 0 }
        default: nil
        }
    }
}
