internal import Tensors

/// A real number of any width, as pools need it.
protocol RealNumber: TensorScalar, Comparable {
    static var zero: Self { get }
    /// The lowest finite number.
    static var lowest: Self { get }
    /// Whole numbers wrap around.
    static func sum(_ left: Self, _ right: Self) -> Self
}

extension RealNumber where Self: FixedWidthInteger {
    static var lowest: Self { min }
    static func sum(_ left: Self, _ right: Self) -> Self { left &+ right }
}

extension RealNumber where Self: BinaryFloatingPoint {
    static var lowest: Self { -greatestFiniteMagnitude }
    static func sum(_ left: Self, _ right: Self) -> Self { left + right }
}

extension Float: RealNumber {}
extension Double: RealNumber {}
extension Int8: RealNumber {}
extension Int16: RealNumber {}
extension Int32: RealNumber {}
extension Int64: RealNumber {}
extension UInt8: RealNumber {}
extension UInt16: RealNumber {}
extension UInt32: RealNumber {}
extension UInt64: RealNumber {}

/// Something made for each type of real numbers, with code of its own for each.
protocol RealVisitor {
    associatedtype Result
    func visit<Element: RealNumber>(_ type: Element.Type) -> Result
}

extension DataType {
    /// What the visitor makes for the dtype; nil where it is not one of real numbers in Swift.
    @inline(__always)
    func accept<Visitor: RealVisitor>(_ visitor: Visitor) -> Visitor.Result? {
        switch self {
        case .float32: visitor.visit(Float.self)
        case .float64: visitor.visit(Double.self)
        case .int8: visitor.visit(Int8.self)
        case .int16: visitor.visit(Int16.self)
        case .int32: visitor.visit(Int32.self)
        case .int64: visitor.visit(Int64.self)
        case .uint8: visitor.visit(UInt8.self)
        case .uint16: visitor.visit(UInt16.self)
        case .uint32: visitor.visit(UInt32.self)
        case .uint64: visitor.visit(UInt64.self)
        default: nil
        }
    }
}
