internal import Kernels
internal import Tensors

/// A sparse tensor as three inputs give it: where its elements are, what they are, and its shape.
struct SparseParts {
    let count: Int
    /// All indices, row-major: `rank` for each element.
    let indices: WholeNumbers
    let values: Tensor
    let shape: [Int]

    var rank: Int { shape.count }

    /// Checks that the three go together; not that the indices are within the shape.
    ///
    /// - Throws: `invalidArgument`.
    init(_ indices: Tensor, _ values: Tensor, _ shape: Tensor) throws(OpError) {
        try self.init(indices, values, count: values.shape, shape)
    }

    /// The same where nobody asks for the values.
    init(indicesOnly indices: Tensor, _ shape: Tensor) throws(OpError) {
        guard indices.shape.rank == 2 else {
            throw .invalid("Input indices should be a matrix but received shape \(indices.shape)")
        }
        try self.init(indices, indices, count: .vector(indices.shape.dimensions[0]), shape)
    }

    private init(_ indices: Tensor, _ values: Tensor, count: Shape, _ shape: Tensor) throws(OpError) {
        guard indices.shape.rank == 2 else {
            throw .invalid("Input indices should be a matrix but received shape \(indices.shape)")
        }
        guard count.rank == 1 else {
            throw .invalid("Input values should be a vector but received shape \(count)")
        }
        guard shape.shape.rank == 1 else {
            throw .invalid("Input shape should be a vector but received shape \(shape.shape)")
        }
        guard indices.shape.dimensions[0] == count.dimensions[0],
            indices.shape.dimensions[1] == shape.shape.dimensions[0]
        else {
            throw .invalid(
                "Number of values and dimensions must match those of the indices: \(indices.shape), \(count), "
                    + "\(shape.shape)")
        }
        // Before it is read: it may be as long as a request is.
        guard shape.shape.elementCount <= Shape.maximumRank else {
            throw .invalid("\(shape.shape.elementCount) dimensions are more than a tensor can have")
        }
        self.count = count.elementCount
        self.indices = try indices.wholeNumberElements("indices")
        self.values = values
        self.shape = try shape.wholeNumbers("shape")
        guard self.shape.count <= Shape.maximumRank, self.shape.allSatisfy({ $0 >= 0 }) else {
            throw .invalid("the shape \(self.shape) is not one that a tensor can have")
        }
    }

    /// The indices of an element.
    func index(_ element: Int) -> Slice<WholeNumbers> { indices[(element * rank)..<((element + 1) * rank)] }

    /// Checks that all indices are within the shape.
    func checkBounds(_ account: RunAccount) throws(OpError) {
        var work = WorkCount(account)
        for element in 0..<count {
            try work.add(16 * (rank + 1))
            guard zip(index(element), shape).allSatisfy({ $0 >= 0 && $0 < $1 }) else {
                throw .invalid(
                    "indices[\(element)] = \(text(element)) is out of bounds: need 0 <= index < "
                        + Self.text(shape))
            }
        }
    }

    /// Checks that the indices ascend, none being there twice.
    func checkOrder(_ account: RunAccount) throws(OpError) {
        var work = WorkCount(account)
        for element in 1..<max(1, count) {
            try work.add(16 * (rank + 1))
            let (before, here) = (index(element - 1), index(element))
            if before.elementsEqual(here) { throw .invalid("indices[\(element)] = \(text(element)) is repeated") }
            guard before.lexicographicallyPrecedes(here) else {
                throw .invalid(
                    "indices[\(element)] = \(text(element)) is out of order. Many sparse ops require sorted indices.")
            }
        }
    }

    private func text(_ element: Int) -> String { Self.text(index(element)) }

    private static func text(_ numbers: some Collection<Int>) -> String {
        "[" + numbers.map(String.init).joined(separator: ",") + "]"
    }

    /// The elements by ascending index, equal ones as they came.
    func ascending(_ account: RunAccount) throws(OpError) -> [Int] {
        try ascending(by: Array(0..<rank), account)
    }

    /// The elements by ascending index along some axes, the first counting most; equal ones as they came.
    func ascending(by axes: [Int], _ account: RunAccount) throws(OpError) -> [Int] {
        // Sorting takes as much again at most.
        try account.reserve(count, bytesEach: 2 * MemoryLayout<Int>.stride)
        var order = Array(0..<count)
        try account.sort(&order) { left, right in
            for axis in axes {
                let (mine, theirs) = (indices[left * rank + axis], indices[right * rank + axis])
                if mine != theirs { return mine < theirs }
            }
            return left < right
        }
        return order
    }

    /// The indices of some elements, as a tensor.
    func indices(of elements: some Collection<Int>, _ account: RunAccount) throws(OpError) -> Tensor {
        guard let shape = Shape([elements.count, rank]) else {
            throw OpError(.resourceExhausted, "\(elements.count) indices would take too much memory")
        }
        return try account.numbers(shape, of: Int64.self) { (numbers) throws(OpError) in
            var work = WorkCount(account)
            for (row, element) in elements.enumerated() {
                for axis in 0..<rank { numbers[row * rank + axis] = Int64(indices[element * rank + axis]) }
                try work.add(16 * rank)
            }
        }
    }

    /// The dense shape.
    ///
    /// - Throws: `resourceExhausted` where no tensor can have it.
    func denseShape(of dtype: DataType) throws(OpError) -> Shape {
        guard let dense = Shape(shape), dense.byteCount(of: dtype) ?? .max <= Tensor.repeatedStringsLimitBytes else {
            throw OpError(.resourceExhausted, "the dense tensor \(shape) would take too much memory")
        }
        return dense
    }

    /// Each element's place in a dense tensor of a shape whose dimensions are at least those of this one.
    func places(in dense: Shape) -> some Sequence<Int> {
        let strides = dense.byteStrides(width: 1)
        return (0..<count).lazy.map { zip(index($0), strides).reduce(0) { $0 + $1.0 * $1.1 } }
    }
}

extension Tensor {
    /// The indices of a sparse tensor.
    static func sparseIndices(
        _ indices: some Collection<Int>, rank: Int, count: Int, _ account: RunAccount
    ) throws(OpError) -> Tensor {
        try account.int64s(indices, [count, rank])
    }

    /// Elements of the vector; strings own their bytes.
    ///
    /// Throws `resourceExhausted` if memory is short.
    func taking(_ elements: [Int], _ account: RunAccount) throws(OpError) -> Tensor {
        try taking(elements, byteCount: dtype.stride, shape: [elements.count], account)
    }
}

extension TensorFact {
    /// What is known of the indices of a sparse tensor: those of `count` elements.
    static func sparseIndices(rank: Int, count: Int = PartialShape.unknownDimension) -> TensorFact {
        TensorFact(.int64, PartialShape([count, rank]))
    }

    /// What is known of the values of a sparse tensor.
    static func sparseValues(_ dtype: DataType, count: Int = PartialShape.unknownDimension) -> TensorFact {
        TensorFact(dtype, PartialShape([count]))
    }

    /// How many elements a sparse tensor has whose indices these are; unknown otherwise.
    var sparseCount: Int { shape.dimension(0) }
}

/// A number that sparse ops calculate with.
protocol SparseNumber: TensorScalar, Comparable, Hashable {
    static var zero: Self { get }
    static func sum(_ left: Self, _ right: Self) -> Self
    static func product(_ left: Self, _ right: Self) -> Self
    /// nil where it divides a whole number by zero.
    static func quotient(_ left: Self, _ right: Self) -> Self?
    var size: Self { get }
}

extension SparseNumber where Self: FixedWidthInteger {
    static func sum(_ left: Self, _ right: Self) -> Self { left &+ right }
    static func product(_ left: Self, _ right: Self) -> Self { left &* right }
    static func quotient(_ left: Self, _ right: Self) -> Self? {
        right == 0 ? nil : left.dividedReportingOverflow(by: right).partialValue
    }
    var size: Self { self < 0 ? 0 &- self : self }
}

extension SparseNumber where Self: BinaryFloatingPoint {
    static func sum(_ left: Self, _ right: Self) -> Self { left + right }
    static func product(_ left: Self, _ right: Self) -> Self { left * right }
    static func quotient(_ left: Self, _ right: Self) -> Self? { left / right }
    var size: Self { magnitude }
}

extension Float: SparseNumber {}
extension Double: SparseNumber {}
extension Int8: SparseNumber {}
extension Int16: SparseNumber {}
extension Int32: SparseNumber {}
extension Int64: SparseNumber {}
extension UInt8: SparseNumber {}
extension UInt16: SparseNumber {}
extension UInt32: SparseNumber {}
extension UInt64: SparseNumber {}

extension DataType {
    /// The type of the numbers.
    ///
    /// - Throws: `unsupported` for a dtype that sparse ops do not calculate with.
    var sparseNumber: any SparseNumber.Type {
        get throws(OpError) {
            switch self {
            case .float32: Float.self
            case .float64: Double.self
            case .int8: Int8.self
            case .int16: Int16.self
            case .int32: Int32.self
            case .int64: Int64.self
            case .uint8: UInt8.self
            case .uint16: UInt16.self
            case .uint32: UInt32.self
            case .uint64: UInt64.self
            default: throw .unsupported(self)
            }
        }
    }
}

extension Tensor {
    /// The elements as numbers of the tensor's own type.
    func numbers<Number: SparseNumber>(
        _ type: Number.Type, _ account: RunAccount
    ) throws(OpError) -> [Number] {
        try account.reserve(shape.elementCount, of: Number.self)
        guard let numbers = scalars(as: Number.self) else {
            throw .invalid("the inputs' dtypes differ: \(Number.dataType) and \(dtype)")
        }
        return numbers
    }
}
