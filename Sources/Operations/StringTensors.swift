internal import Kernels
internal import Tensors

// What the ops on strings have in common. A string is bytes to TensorFlow.

extension Tensor {
    /// A tensor of strings.
    ///
    /// Throws `resourceExhausted` if memory is short.
    static func holding(_ strings: [[UInt8]], _ shape: Shape) throws(CompileError) -> Tensor {
        guard let tensor = Tensor(strings: strings, shape: shape) else {
            throw CompileError(.resourceExhausted, "not enough memory for \(shape) strings")
        }
        return tensor
    }

    /// A vector of strings.
    static func holding(_ strings: [[UInt8]]) throws(CompileError) -> Tensor {
        try holding(strings, .vector(strings.count))
    }

    /// A tensor of numbers.
    ///
    /// - `dimensions`: The shape; that of a vector when left out.
    ///
    /// Throws `resourceExhausted` if memory is short.
    static func holding<Scalar: TensorScalar>(
        _ scalars: [Scalar], _ dimensions: [Int]? = nil
    ) throws(CompileError) -> Tensor {
        guard let tensor = Tensor(scalars, shape: dimensions) else {
            throw CompileError(.resourceExhausted, "not enough memory for \(dimensions ?? [scalars.count]) elements")
        }
        return tensor
    }

    /// The elements of a string tensor.
    ///
    /// - Throws: `invalidArgument`, "separator must be string, it is float32".
    func bytes(_ what: String) throws(CompileError) -> [[UInt8]] {
        guard let strings else { throw .invalid("\(what) must be string, it is \(dtype)") }
        return strings
    }

    /// The one element of a string tensor.
    ///
    /// - Throws: `invalidArgument` where it has another number of elements.
    func oneString(_ what: String) throws(CompileError) -> [UInt8] {
        let strings = try bytes(what)
        guard strings.count == 1, let only = strings.first else {
            throw .invalid("\(what) must be scalar, its shape is \(shape)")
        }
        return only
    }

    /// The elements of a tensor of indices or sizes.
    ///
    /// - Throws: `invalidArgument` where the dtype is not int32 or int64.
    func wholeNumbers(_ what: String) throws(CompileError) -> [Int] {
        guard dtype == .int32 || dtype == .int64, let integers else {
            throw .invalid("\(what) must be int32 or int64, it is \(dtype)")
        }
        return integers
    }

    /// The one element of a tensor of indices or sizes.
    ///
    /// - Throws: `invalidArgument` where it has another number of elements.
    func oneWholeNumber(_ what: String) throws(CompileError) -> Int {
        let numbers = try wholeNumbers(what)
        guard numbers.count == 1, let only = numbers.first else {
            throw .invalid("\(what) must be a scalar, its shape is \(shape)")
        }
        return only
    }
}

extension TensorOp {
    /// Applies the op's rule to inputs of which all is known: what it could not check when the plan was made, it checks now.
    func check(_ inputs: [Tensor]) throws(CompileError) -> [TensorFact] {
        var facts: [TensorFact] = []
        for input in inputs { facts.append(TensorFact(input)) }
        return try outputs(for: facts)
    }
}

extension Shape {
    /// Which element of this shape goes with each element of a shape that it broadcasts to, row-major.
    func positions(broadcastTo output: Shape) -> [Int] {
        if self == output { return Array(0..<output.elementCount) }
        let own = byteStrides(width: 1)
        let missing = output.rank - rank
        var positions = [0]
        for (axis, size) in output.dimensions.enumerated() {
            let inner = axis - missing
            let step = inner >= 0 && dimensions[inner] != 1 ? own[inner] : 0
            positions = positions.flatMap { start in (0..<size).map { start + $0 * step } }
        }
        return positions
    }
}

/// An op that makes one string of each string.
///
/// - Inputs: `input`, strings.
/// - Outputs: strings of the same shape.
protocol StringTransform: TensorOp {
    /// The new string.
    func transform(_ string: [UInt8]) throws(CompileError) -> [UInt8]
}

extension StringTransform {
    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
        try inputs[0].require(.string, "input")
        return [TensorFact(.string, inputs[0].shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0) }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(CompileError) -> [Tensor] {
        var results: [[UInt8]] = []
        for string in try inputs[0].bytes("input") { results.append(try transform(string)) }
        return [try .holding(results, inputs[0].shape)]
    }
}

extension UInt8 {
    /// Whether `isspace` says so in the C locale.
    var isASCIISpace: Bool { self == 32 || (9...13).contains(self) }

    /// Whether the byte continues a UTF-8 sequence.
    var isUTF8Continuation: Bool { self & 0xC0 == 0x80 }
}

extension Collection<UInt8> {
    /// The bytes without white space at both ends.
    var trimmed: [UInt8] {
        Array(Array(drop { $0.isASCIISpace }.reversed()).drop { $0.isASCIISpace }.reversed())
    }
}
