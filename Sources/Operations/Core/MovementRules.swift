internal import Kernels
internal import Tensors

// What the ops that move elements have in common.

extension TensorFact {
    /// Bytes of an element.
    ///
    /// - Throws: `unsupported` for handles, which cannot be moved.
    var elementWidth: Int {
        get throws(OpError) {
            guard dtype.stride > 0 else { throw .unsupported(dtype) }
            return dtype.stride
        }
    }

    /// A list of whole numbers that is known when the plan is made.
    ///
    /// - `integers`: Its elements.
    /// - `dtype`: int32 or int64.
    /// - `shape`: Must have as many elements.
    ///
    /// Throws `invalidArgument` where an element does not fit.
    init(
        _ integers: [Int], as dtype: DataType, shape: Shape, tooLarge: (Int) -> String
    ) throws(OpError) {
        var tensor: Tensor?
        if dtype == .int64 {
            tensor = Tensor(integers.map(Int64.init), shape: shape.dimensions)
        } else {
            var narrow: [Int32] = []
            for (index, integer) in integers.enumerated() {
                guard let number = Int32(exactly: integer) else { throw .invalid(tooLarge(index)) }
                narrow.append(number)
            }
            tensor = Tensor(narrow, shape: shape.dimensions)
        }
        guard let tensor else { throw OpError(.resourceExhausted, "not enough memory for a shape") }
        self.init(tensor)
    }

    /// The one element of an input that holds an axis or a size; nil where it is not known.
    ///
    /// - `what`: The input's name.
    /// - `wrongCount`: The message when it is a tensor of another number of elements; nil lets a rule of its own check it.
    func index(_ what: String, wrongCount: @autoclosure () -> String) throws(OpError) -> Int? {
        if let shape = shape.known, shape.elementCount != 1 { throw .invalid(wrongCount()) }
        return try indices(what)?.first
    }
}

extension PartialShape {
    /// A shape of `rank` unknown dimensions.
    ///
    /// - `rank`: Negative where it is not known: then the result is unknown too.
    ///
    /// Throws `invalidArgument` for more dimensions than a tensor can have.
    static func ofRank(checking rank: Int) throws(OpError) -> PartialShape {
        guard rank >= 0 else { return .unknown }
        guard rank <= Shape.maximumRank else {
            throw .invalid("a tensor of \(rank) dimensions: at most \(Shape.maximumRank) are allowed")
        }
        return .ofRank(rank)
    }
}

extension Int {
    /// The product of two sizes, of which a negative one is unknown.
    ///
    /// - Throws: `resourceExhausted` where it is not representable.
    func times(_ other: Int) throws(OpError) -> Int {
        if self == 0 || other == 0 { return 0 }
        guard self >= 0, other >= 0 else { return PartialShape.unknownDimension }
        let (product, overflow) = multipliedReportingOverflow(by: other)
        guard !overflow else { throw .overflow(self, other, "multiplying") }
        return product
    }

    /// The sum of two sizes, of which a negative one is unknown.
    ///
    /// - Throws: `resourceExhausted` where it is not representable.
    func plus(_ other: Int) throws(OpError) -> Int {
        guard self >= 0, other >= 0 else { return PartialShape.unknownDimension }
        let (sum, overflow) = addingReportingOverflow(other)
        guard !overflow else { throw .overflow(self, other, "adding") }
        return sum
    }

    /// An axis counted from the front.
    ///
    /// - `outOfRange`: The message when there is no such axis.
    func axis(rank: Int, outOfRange: @autoclosure () -> String) throws(OpError) -> Int {
        guard self >= -rank, self < rank else { throw .invalid(outOfRange()) }
        return self < 0 ? self + rank : self
    }
}

extension OpError {
    fileprivate static func overflow(_ left: Int, _ right: Int, _ operation: String) -> OpError {
        OpError(.resourceExhausted, "Encountered overflow when \(operation) \(left) with \(right)")
    }
}

extension Collection<Int> {
    /// The product of some dimensions of a shape; it wraps around only where another dimension is zero.
    var wrappingProduct: Int { reduce(1, &*) }
}

extension Shape {
    /// Bytes from one element to the next along each axis. Meaningless for empty tensors, which have none.
    func byteStrides(width: Int) -> [Int] {
        var strides = [Int](repeating: width, count: rank)
        for axis in dimensions.indices.dropLast().reversed() {
            strides[axis] = strides[axis + 1] &* dimensions[axis + 1]
        }
        return strides
    }
}
