/// The dimensions of a tensor, all known, their product representable.
public struct Shape: Hashable, Sendable {
    /// TensorFlow's own limit on the number of dimensions (tensor_shape.h).
    public static let maximumRank = 254

    /// The sizes, outermost first; none is negative.
    public let dimensions: [Int]

    /// The product of the dimensions; 1 for a scalar.
    public let elementCount: Int

    /// Checks the dimensions.
    ///
    /// - `dimensions`: Sizes, outermost first.
    ///
    /// Gives nil if one is negative, there are more than ``maximumRank``, or the product overflows. As in
    ///   TensorFlow, the product of the dimensions that are not zero must be representable too.
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
    /// - `count`: Its length; a negative one is read as 0.
    public static func vector(_ count: Int) -> Shape { Shape(size: Swift.max(0, count)) }

    private init(size: Int?) {
        dimensions = size.map { [$0] } ?? []
        elementCount = size ?? 1
    }

    /// How many dimensions there are.
    public var rank: Int { dimensions.count }

    /// The bytes that a dense tensor of this shape takes in memory.
    ///
    /// - Parameter dtype: The element type.
    /// - Returns: nil where the product overflows.
    public func byteCount(of dtype: DataType) -> Int? {
        let (bytes, overflow) = elementCount.multipliedReportingOverflow(by: dtype.stride)
        return overflow ? nil : bytes
    }
}

extension Shape: CustomStringConvertible {
    /// As TensorFlow prints it: `[2,3]`.
    public var description: String { "[" + dimensions.map(String.init).joined(separator: ",") + "]" }
}
