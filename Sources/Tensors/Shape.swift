/// The dimensions of a tensor. All are known, and their product is representable.
public struct Shape: Hashable, Sendable {
    /// TensorFlow's own limit on the number of dimensions (tensor_shape.h).
    public static let maximumRank = 254

    /// The sizes, outermost first; none is negative.
    public let dimensions: [Int]

    /// The product of the dimensions; 1 for a scalar.
    public let elementCount: Int

    /// Makes a shape of valid dimensions.
    ///
    /// Returns nil if one is negative, there are more than ``maximumRank``, or the product overflows. As in TensorFlow, the product of
    /// the nonzero dimensions must be representable too.
    ///
    /// - Parameter dimensions: Sizes, outermost first.
    public init?(_ dimensions: [Int]) {
        guard dimensions.count <= Self.maximumRank else { return nil }
        var count = 1
        var hasZero = false
        for size in dimensions {
            guard size >= 0 else { return nil }
            if size == 0 {
                hasZero = true
                continue
            }
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            guard !overflow else { return nil }
            count = product
        }
        self.dimensions = dimensions
        self.elementCount = hasZero ? 0 : count
    }

    /// The shape of a single value.
    public static let scalar = Shape(size: nil)

    /// The shape of a list.
    ///
    /// - Parameter count: The list's length. A negative one is read as 0.
    /// - Returns: The shape.
    public static func vector(_ count: Int) -> Shape { Shape(size: Swift.max(0, count)) }

    private init(size: Int?) {
        dimensions = size.map { [$0] } ?? []
        elementCount = size ?? 1
    }

    /// The number of dimensions.
    public var rank: Int { dimensions.count }

    /// The size of a dense tensor of this shape in memory.
    ///
    /// - Parameter dtype: The element type.
    /// - Returns: The number of bytes; nil if the product overflows.
    public func byteCount(of dtype: DataType) -> Int? {
        let (bytes, overflow) = elementCount.multipliedReportingOverflow(by: dtype.stride)
        return overflow ? nil : bytes
    }
}

extension Shape: CustomStringConvertible {
    /// As TensorFlow prints it: `[2,3]`.
    public var description: String { "[" + dimensions.map(String.init).joined(separator: ",") + "]" }
}
