internal import Kernels
internal import Tensors

// What the ops on strings have in common. A string is bytes to TensorFlow.

extension Tensor {
    /// A tensor of strings.
    ///
    /// Throws `resourceExhausted` if memory is short.
    static func holding(_ strings: [[UInt8]], _ shape: Shape) throws(OpError) -> Tensor {
        guard let tensor = Tensor(strings: strings, shape: shape) else {
            throw OpError(.resourceExhausted, "not enough memory for \(shape) strings")
        }
        return tensor
    }

    /// A vector of strings.
    static func holding(_ strings: [[UInt8]]) throws(OpError) -> Tensor {
        try holding(strings, .vector(strings.count))
    }

    /// A tensor of numbers.
    ///
    /// - `dimensions`: The shape; that of a vector when left out.
    ///
    /// Throws `resourceExhausted` if memory is short.
    static func holding<Scalar: TensorScalar>(
        _ scalars: [Scalar], _ dimensions: [Int]? = nil
    ) throws(OpError) -> Tensor {
        guard let tensor = Tensor(scalars, shape: dimensions) else {
            throw OpError(.resourceExhausted, "not enough memory for \(dimensions ?? [scalars.count]) elements")
        }
        return tensor
    }

    /// The elements of a string tensor.
    ///
    /// - Throws: `invalidArgument`, "separator must be string, it is float32".
    func bytes(_ what: String) throws(OpError) -> [[UInt8]] {
        guard let strings else { throw .invalid("\(what) must be string, it is \(dtype)") }
        return strings
    }

    /// The one element of a string tensor.
    ///
    /// - Throws: `invalidArgument` where it has another number of elements.
    func oneString(_ what: String) throws(OpError) -> [UInt8] {
        let strings = try bytes(what)
        guard strings.count == 1, let only = strings.first else {
            throw .invalid("\(what) must be scalar, its shape is \(shape)")
        }
        return only
    }

    /// The elements of a tensor of indices or sizes.
    ///
    /// - Throws: `invalidArgument` where the dtype is not int32 or int64.
    func wholeNumbers(_ what: String) throws(OpError) -> [Int] {
        guard dtype == .int32 || dtype == .int64, let integers else {
            throw .invalid("\(what) must be int32 or int64, it is \(dtype)")
        }
        return integers
    }

    /// The one element of a tensor of indices or sizes.
    ///
    /// - Throws: `invalidArgument` where it has another number of elements.
    func oneWholeNumber(_ what: String) throws(OpError) -> Int {
        let numbers = try wholeNumbers(what)
        guard numbers.count == 1, let only = numbers.first else {
            throw .invalid("\(what) must be a scalar, its shape is \(shape)")
        }
        return only
    }
}

extension TensorOp {
    /// Applies the op's rule to inputs of which all is known: what it could not check when the plan was made, it checks now.
    func check(_ inputs: [Tensor]) throws(OpError) -> [TensorFact] {
        var facts: [TensorFact] = []
        for input in inputs { facts.append(TensorFact(input)) }
        return try outputs(for: facts)
    }
}

/// Which element of a shape goes with each element of a shape that it broadcasts to, row-major.
struct BroadcastPlaces {
    /// The sizes of the result, and how far its neighbours along each axis lie apart here; the last axis first. None where the
    /// shapes are the same.
    private let axes: [(size: Int, step: Int)]

    init(_ shape: Shape, broadcastTo output: Shape) {
        guard shape != output else {
            axes = []
            return
        }
        let own = shape.byteStrides(width: 1)
        let missing = output.rank - shape.rank
        axes = output.dimensions.enumerated().reversed().map { axis, size in
            let inner = axis - missing
            return (size, inner >= 0 && shape.dimensions[inner] != 1 ? own[inner] : 0)
        }
    }

    /// For an element of the result the element here.
    subscript(index: Int) -> Int {
        guard !axes.isEmpty else { return index }
        var (rest, place) = (index, 0)
        for axis in axes {
            place += rest % axis.size * axis.step
            rest /= axis.size
        }
        return place
    }
}

/// An op that makes one string of each string.
///
/// - Inputs: `input`, strings.
/// - Outputs: strings of the same shape.
protocol StringTransform: TensorOp {
    /// How many bytes the new strings are expected to have, of old ones that have `byteCount`.
    func expectedBytes(of byteCount: Int) -> Int

    /// Appends the new string.
    func transform(
        _ string: UnsafeBufferPointer<UInt8>, to result: inout StringTensorBuilder
    ) throws(OpError)
}

extension StringTransform {
    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].require(.string, "input")
        return [TensorFact(.string, inputs[0].shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0) }

    func expectedBytes(of byteCount: Int) -> Int { byteCount }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        let strings = try inputs[0].stringElements("input")
        var result = try StringTensorBuilder(
            inputs[0].shape, byteCount: expectedBytes(of: strings.byteCount), account)
        for string in strings {
            try transform(string.bytes, to: &result)
            try result.endString()
        }
        return [try result.tensor()]
    }
}

extension UInt8 {
    /// Whether `isspace` says so in the C locale.
    var isASCIISpace: Bool { self == 32 || (9...13).contains(self) }

    /// Whether the byte continues a UTF-8 sequence.
    var isUTF8Continuation: Bool { self & 0xC0 == 0x80 }
}

extension UnsafeBufferPointer<UInt8> {
    /// The bytes without white space at both ends.
    var trimmed: UnsafeBufferPointer<UInt8> {
        var (begin, end) = (0, count)
        while begin < end, self[begin].isASCIISpace { begin += 1 }
        while end > begin, self[end - 1].isASCIISpace { end -= 1 }
        return part(begin..<end)
    }

    /// The bytes of a range that lies within these.
    func part(_ range: Range<Int>) -> UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(rebasing: self[range]) }
}
