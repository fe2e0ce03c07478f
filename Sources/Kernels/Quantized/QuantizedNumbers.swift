internal import Tensors

/// The whole numbers that a quantised dtype stores.
protocol QuantizedNumber: FixedWidthInteger & TensorScalar {}

extension Int8: QuantizedNumber {}
extension UInt8: QuantizedNumber {}
extension Int16: QuantizedNumber {}
extension UInt16: QuantizedNumber {}
extension Int32: QuantizedNumber {}

/// Something made for each type of quantised numbers, with code of its own for each.
protocol QuantizedVisitor {
    associatedtype Result
    func visit<Number: QuantizedNumber>(_ type: Number.Type) -> Result
}

extension DataType {
    /// What the visitor makes for the dtype; nil where it is not quantised.
    func accept<Visitor: QuantizedVisitor>(quantized visitor: Visitor) -> Visitor.Result? {
        switch self {
        case .qint8: visitor.visit(Int8.self)
        case .quint8: visitor.visit(UInt8.self)
        case .qint16: visitor.visit(Int16.self)
        case .quint16: visitor.visit(UInt16.self)
        case .qint32: visitor.visit(Int32.self)
        default: nil
        }
    }
}

/// The interval of real numbers that the quantised numbers of a tensor spread over.
struct QuantizedRange {
    let low: Float
    let high: Float

    init(_ low: Float, _ high: Float) {
        self.low = low
        self.high = high
    }

    /// The range that two inputs of a kernel tell.
    init(_ frame: KernelFrame, _ low: Int, _ high: Int) {
        self.init(frame.input(low, as: Float.self)[0], frame.input(high, as: Float.self)[0])
    }
}

extension QuantizedNumber {
    /// 2 to the power of the width.
    static var stepCount: Double { Double(max) - Double(min) + 1 }

    /// Where a real number lies on the scale of a range, in whole steps and not clamped.
    static func place(_ real: Float, in range: QuantizedRange) -> Int64 {
        guard range.low != range.high else { return Int64(min) }
        let adjusted = Double(range.high - range.low) * (stepCount / (stepCount - 1))
        let scale = stepCount / adjusted
        let steps =
            (Double(real) * scale).rounded(.toNearestOrAwayFromZero)
            - (Double(range.low) * scale).rounded(.toNearestOrAwayFromZero)
        return Int64(clamping: steps) &+ Int64(min)
    }

    /// The quantised number nearest to a real number.
    static func nearest(_ real: Float, in range: QuantizedRange) -> Self { Self(clamping: place(real, in: range)) }

    /// The real number that this one stands for.
    func real(in range: QuantizedRange) -> Float {
        guard range.low != range.high else { return range.low }
        let adjusted = Double(range.high - range.low) * (Self.stepCount / (Self.stepCount - 1))
        let scale = adjusted / Self.stepCount
        let single = Float(scale)
        let origin = Double((range.low / single).rounded(.toNearestOrAwayFromZero) * single)
        return Float(origin + (Double(self) - Double(Self.min)) * scale)
    }

    /// How far apart two neighbouring numbers of a range are.
    static func step(of range: QuantizedRange) -> Float {
        (range.high - range.low) / Float(Int64(max) - Int64(min))
    }
}

/// Real to quantised numbers, in single precision.
struct Quantizer<Number: QuantizedNumber> {
    private let scale: Float
    private let shift: Float
    private let bounds: (low: Float, high: Float)

    init(_ range: QuantizedRange) {
        scale = range.low == range.high ? 0 : Float((Number.stepCount - 1) / Double(range.high - range.low))
        shift = (range.low * scale).rounded(.toNearestOrAwayFromZero) - Float(Number.min)
        // The highest int32 is no float.
        bounds = (Float(Number.min), Swift.min(Float(Number.max), 2_147_483_520))
    }

    func callAsFunction(_ real: Float) -> Number {
        let steps = (real * scale).rounded(.toNearestOrAwayFromZero) - shift
        let low = steps < bounds.low ? bounds.low : steps
        return Number(truncating: low > bounds.high ? bounds.high : low)
    }
}

/// Quantised to real numbers, in single precision.
struct Dequantizer<Number: QuantizedNumber> {
    private let scale: Float
    private let origin: Float

    init(_ range: QuantizedRange) {
        scale = Float(Double(range.high - range.low) / (Number.stepCount - 1))
        let low =
            range.low == range.high
            ? range.low : (range.low / scale).rounded(.toNearestOrAwayFromZero) * scale
        origin = low - Float(Number.min) * scale
    }

    func callAsFunction(_ number: Number) -> Float { origin + Float(number) * scale }
}

extension FixedWidthInteger {
    /// A float towards zero; what does not fit into 32 bits, and NaN, is the lowest int32, cut to the width.
    init<Real: BinaryFloatingPoint>(truncating real: Real) {
        self.init(truncatingIfNeeded: Int32(exactly: real.rounded(.towardZero)) ?? .min)
    }
}

extension Int64 {
    /// A float towards zero; what does not fit is the nearest that does, NaN is 0.
    init<Real: BinaryFloatingPoint>(clamping real: Real) {
        self = Int64(exactly: real.rounded(.towardZero)) ?? (real > 0 ? .max : real < 0 ? .min : 0)
    }
}
