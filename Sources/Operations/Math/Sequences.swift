internal import Kernels
internal import Tensors

extension OpTable {
    /// Sequences of numbers.
    static let sequences: [OpEntry] = [
        OpEntry("Range", make: RangeOp.init),
        OpEntry("LinSpace", make: LinSpace.init),
    ]
}

/// The numbers from `start` up (or down) to but not including `limit`, by steps of `delta`.
///
/// - Inputs: three scalars of one dtype: int32, int64, float32 or float64.
/// - Outputs: a vector; element `i` is `start + i * delta`, rounded once for the product and once for the sum.
struct RangeOp: CountingOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(3) }

    var valueInputs: [Int] { [0, 1, 2] }

    var countingInputs: (start: Int, limit: Int, step: Int) { (0, 1, 2) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs.requireOneDType()
        for (input, name) in zip(inputs, ["start", "limit", "delta"]) {
            guard let shape = input.shape.known, shape.rank > 1 || shape.elementCount != 1 else { continue }
            throw .invalid("\(name) must be a scalar, not shape \(shape)")
        }
        return [TensorFact(inputs[0].dtype, PartialShape([try Self.count(inputs)]))]
    }

    private static func count(_ inputs: [TensorFact]) throws(OpError) -> Int {
        switch inputs[0].dtype {
        case .int32, .int64:
            guard let start = inputs[0].integers?.first, let limit = inputs[1].integers?.first,
                let delta = inputs[2].integers?.first
            else { break }
            return try count(from: start, to: limit, by: delta)
        case .float32: if let values = inputs.firsts(as: Float.self) { return try count(values) }
        case .float64: if let values = inputs.firsts(as: Double.self) { return try count(values) }
        default: throw .unsupported(inputs[0].dtype)
        }
        return PartialShape.unknownDimension
    }

    private static func count(from start: Int, to limit: Int, by delta: Int) throws(OpError) -> Int {
        guard delta != 0 else { throw .invalid("Requires delta != 0: 0") }
        try requireOrder(delta > 0, delta > 0 ? start <= limit : start >= limit, "\(start)/\(limit)")
        let distance = UInt(bitPattern: delta > 0 ? limit &- start : start &- limit)
        let (steps, rest) = distance.quotientAndRemainder(dividingBy: delta.magnitude)
        guard let whole = Int(exactly: steps), whole < .max else { throw .tooLong }
        return whole + (rest == 0 ? 0 : 1)
    }

    private static func count<Number: BinaryFloatingPoint>(_ values: [Number]) throws(OpError) -> Int {
        let (start, limit, delta) = (values[0], values[1], values[2])
        guard delta != 0 else { throw .invalid("Requires delta != 0: 0") }
        try requireOrder(
            delta > 0, delta > 0 ? start <= limit : start >= limit, "\(text(start))/\(text(limit))")
        let steps = ((limit - start) / delta).magnitude.rounded(.up)
        guard let count = Int(exactly: steps) else { throw .tooLong }
        return count
    }

    private static func requireOrder(_ isUp: Bool, _ holds: Bool, _ values: String) throws(OpError) {
        guard !holds else { return }
        throw .invalid("Requires start \(isUp ? "<=" : ">=") limit when delta \(isUp ? ">" : "<") 0: \(values)")
    }

    /// Without a fraction where there is none.
    private static func text(_ number: some BinaryFloatingPoint) -> String {
        guard let whole = Int(exactly: number), whole.magnitude < 1_000_000 else { return "\(number)" }
        return "\(whole)"
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let count = try spec.outputShape().elementCount
        switch spec.inputs[0].dtype {
        case .int32, .int64:
            guard let start = spec.inputs[0].integers?.first, let delta = spec.inputs[2].integers?.first else { break }
            guard spec.inputs[0].dtype == .int32 else { return .sequence(count: count) { Int64(start &+ $0 &* delta) } }
            return .sequence(count: count) { Int32(truncatingIfNeeded: start &+ $0 &* delta) }
        case .float32:
            guard let values = spec.inputs.firsts(as: Float.self) else { break }
            return .sequence(count: count) { [start = values[0], delta = values[2]] in start + Float($0) * delta }
        case .float64:
            guard let values = spec.inputs.firsts(as: Double.self) else { break }
            return .sequence(count: count) { [start = values[0], delta = values[2]] in start + Double($0) * delta }
        default: throw .unsupported(spec.inputs[0].dtype)
        }
        throw OpError(.malformed, "start, limit and delta are not known")
    }
}

/// `num` numbers from `start` to `stop`, evenly spaced; the last is `stop` itself.
///
/// - Inputs: `start` and `stop`, scalars of one dtype, float32 or float64; `num`, a scalar, 1 or more.
struct LinSpace: KernelOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(3) }

    var valueInputs: [Int] { [0, 1, 2] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[..<2].requireOneDType()
        for (input, name) in zip(inputs, ["start", "stop", "num"]) where input.shape.rank ?? 0 != 0 {
            throw .invalid("\(name) must be a scalar, not shape \(input.shape)")
        }
        let count = try inputs[2].indices("num")?.first
        if let count, count <= 0 { throw .invalid("Requires num > 0: \(count)") }
        return [TensorFact(inputs[0].dtype, PartialShape([count ?? PartialShape.unknownDimension]))]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let ends = Array(spec.inputs[..<2])
        let last = try spec.outputShape().elementCount - 1
        if let values = ends.firsts(as: Float.self) { return Self.kernel(values[0], values[1], last) }
        if let values = ends.firsts(as: Double.self) { return Self.kernel(values[0], values[1], last) }
        throw .unsupported(spec.inputs[0].dtype)
    }

    private static func kernel<Number: BinaryFloatingPoint & BitwiseCopyable & Sendable>(
        _ start: Number, _ stop: Number, _ last: Int
    ) -> Kernel {
        let step = last > 0 ? (stop - start) / Number(last) : 0
        return .sequence(count: last + 1) { index in
            index == 0 ? start : index == last ? stop : start + step * Number(index)
        }
    }
}

extension [TensorFact] {
    /// The first element of each, where all are known.
    fileprivate func firsts<Scalar: TensorScalar>(as type: Scalar.Type) -> [Scalar]? {
        let values = compactMap { $0.value?.scalars(as: type)?.first }
        return values.count == count ? values : nil
    }
}

extension OpError {
    fileprivate static var tooLong: OpError {
        .invalid("Requires ((limit - start) / delta) <= \(Int64.max)")
    }
}
