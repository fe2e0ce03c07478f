package import Memory
package import Tensors

/// What a kernel found wrong in the data it was given: an error of the request, known only when the graph runs.
package struct Fault: Error, Hashable, Sendable {
    /// The kinds of faults, with the numbers that a message needs.
    package enum Kind: Hashable, Sendable {
        /// Element number `position` of the indices is `value`, not in [0, `limit`). The indices' shape, where given, tells
        /// the position along each axis.
        case indexOutOfRange(position: Int, value: Int, limit: Int, of: Shape? = nil)
        /// Tuple number `position` of the indices, in their shape `of`, is no place in the tensor that is read or written.
        case tupleOutOfRange(position: Int, tuple: [Int], of: Shape, target: Shape, isRead: Bool)
        /// Element number `position` of the segment numbers is `value`, not below `limit`.
        case segmentOutOfRange(position: Int, value: Int, limit: Int, of: Shape)
        /// An integer was divided by zero.
        case integerDivisionByZero
        /// An integer was raised to a negative integer power.
        case negativeIntegerPower
        /// The run's time was over before the kernel was done, or nobody waits any more.
        case timeOver
        /// The run may not take the memory.
        case memoryRefused(MemoryRefusal)
        /// There is not enough memory for `byteCount` bytes.
        case outOfMemory(byteCount: Int)
        /// A library that the kernel calls is not there, or not as it must be.
        case missingLibrary(String)
        /// Anything that a fixed text says.
        case other(StaticText)
        /// What the graph itself says.
        case message(String)
    }

    /// What happened.
    package let kind: Kind

    package init(_ kind: Kind) { self.kind = kind }
}

/// A text of the program's own, comparable, which a kernel can hand on without allocating.
package struct StaticText: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    private let text: StaticString

    package init(stringLiteral value: StaticString) { text = value }

    package static func == (left: StaticText, right: StaticText) -> Bool { left.description == right.description }

    package func hash(into hasher: inout Hasher) { hasher.combine(description) }

    package var description: String { text.description }
}

extension Fault: CustomStringConvertible {
    package var description: String {
        switch kind {
        case .indexOutOfRange(let position, let value, let limit, let shape):
            "indices\(Self.place(position, in: shape)) = \(value) is not in [0, \(limit))"
        case .tupleOutOfRange(let position, let tuple, let shape, let target, let isRead):
            "indices\(Self.place(position, in: shape)) = \(tuple) does not index into \(isRead ? "param " : "")shape \(target)"
        case .segmentOutOfRange(let position, let value, let limit, let shape):
            "segment_ids\(Self.place(position, in: shape)) = \(value) is out of range [0, \(limit))"
        case .integerDivisionByZero: "integer division by zero"
        case .negativeIntegerPower: "integers to negative integer powers are not allowed"
        case .timeOver: "was still computing when the request's time was over"
        case .memoryRefused(let refusal): refusal.description
        case .outOfMemory(let byteCount): "not enough memory for \(byteCount) bytes"
        case .other(let text): text.description
        case .missingLibrary(let text), .message(let text): text
        }
    }
}

extension Fault {
    /// "[1,2]" for an element number; nothing for the element of a scalar.
    private static func place(_ position: Int, in shape: Shape?) -> String {
        guard let shape else { return "[\(position)]" }
        guard shape.rank > 0 else { return "" }
        var rest = position
        var place: [Int] = []
        for size in shape.dimensions.reversed() where size > 0 {
            place.append(rest % size)
            rest /= size
        }
        return "[" + place.reversed().map(String.init).joined(separator: ",") + "]"
    }
}
