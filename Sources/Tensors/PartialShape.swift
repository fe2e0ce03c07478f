/// A shape whose rank, or some of whose dimensions, may be unknown.
public struct PartialShape: Hashable, Sendable {
    /// The value of an unknown dimension.
    public static let unknownDimension = -1

    /// The sizes, outermost first, with ``unknownDimension`` for unknown ones; nil if the rank is unknown.
    public let dimensions: [Int]?

    /// A shape of unknown rank.
    public static let unknown = PartialShape(rankUnknown: ())

    /// A scalar's shape.
    public static let scalar = PartialShape([])

    /// Makes a shape of known rank.
    ///
    /// - Parameter dimensions: Sizes. A negative size means unknown.
    public init(_ dimensions: [Int]) {
        self.dimensions = dimensions.map { Swift.max($0, Self.unknownDimension) }
    }

    /// The partial shape of a fully known shape.
    public init(_ shape: Shape) { dimensions = shape.dimensions }

    private init(rankUnknown: ()) { dimensions = nil }

    /// A shape of known rank and unknown dimensions.
    public static func ofRank(_ rank: Int) -> PartialShape {
        PartialShape(Array(repeating: unknownDimension, count: Swift.max(0, rank)))
    }

    /// The number of dimensions, if known.
    public var rank: Int? { dimensions?.count }

    /// The full shape; nil unless every dimension is known and the product is representable.
    public var known: Shape? {
        guard let dimensions, !dimensions.contains(Self.unknownDimension) else { return nil }
        return Shape(dimensions)
    }

    /// Whether every dimension is known. (Their product may still not be representable: then ``known`` is nil.)
    public var isFullyDefined: Bool { dimensions.map { !$0.contains(Self.unknownDimension) } ?? false }

    /// Whether a tensor of that shape is compatible with this shape.
    public func admits(_ shape: Shape) -> Bool {
        guard let dimensions else { return true }
        return dimensions.count == shape.rank
            && zip(dimensions, shape.dimensions).allSatisfy { $0 == Self.unknownDimension || $0 == $1 }
    }

    /// The intersection of both shapes; nil if they contradict each other.
    public func merged(with other: PartialShape) -> PartialShape? {
        guard let mine = dimensions else { return other }
        guard let theirs = other.dimensions else { return self }
        guard mine.count == theirs.count else { return nil }
        var result = mine
        for (axis, size) in theirs.enumerated() where size != Self.unknownDimension {
            guard result[axis] == Self.unknownDimension || result[axis] == size else { return nil }
            result[axis] = size
        }
        return PartialShape(result)
    }
}

extension PartialShape: CustomStringConvertible {
    /// As TensorFlow prints it: `[?,64]`, `<unknown>`.
    public var description: String {
        guard let dimensions else { return "<unknown>" }
        return "[" + dimensions.map { $0 < 0 ? "?" : String($0) }.joined(separator: ",") + "]"
    }
}
