/// What a kernel found wrong in the data it was given: an error of the request, known only when the graph runs.
package struct Fault: Error, Hashable, Sendable {
    /// The kinds of faults, with the numbers that a message needs.
    package enum Kind: Hashable, Sendable {
        /// Element number `position` of the indices is `value`, not in [0, `limit`).
        case indexOutOfRange(position: Int, value: Int, limit: Int)
        /// An integer was divided by zero.
        case integerDivisionByZero
        /// An integer was raised to a negative integer power.
        case negativeIntegerPower
        /// There is not enough memory for `byteCount` bytes.
        case outOfMemory(byteCount: Int)
        /// Anything that a fixed text says.
        case other(StaticText)
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
        case .indexOutOfRange(let position, let value, let limit):
            "indices[\(position)] = \(value) is not in [0, \(limit))"
        case .integerDivisionByZero: "integer division by zero"
        case .negativeIntegerPower: "integers to negative integer powers are not allowed"
        case .outOfMemory(let byteCount): "not enough memory for \(byteCount) bytes"
        case .other(let text): text.description
        }
    }
}
