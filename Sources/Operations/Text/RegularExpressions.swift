internal import Kernels
internal import Tensors

extension OpTable {
    /// Regular expressions, as RE2 understands them.
    static let regularExpressions: [OpEntry] = [
        OpEntry("RegexReplace", make: RegexReplace.init(_:isStatic:), false),
        OpEntry("StaticRegexReplace", make: RegexReplace.init(_:isStatic:), true),
        OpEntry("RegexFullMatch", make: RegexFullMatch.init(_:isStatic:), false),
        OpEntry("StaticRegexFullMatch", make: RegexFullMatch.init(_:isStatic:), true),
    ]
}

/// A pattern that is compiled when the op is made, or comes as an input.
private struct Pattern: Hashable, Sendable {
    /// The attribute's text; nil for an input's.
    let text: String?
    private let compiled: RegularExpression?

    /// - `text`: nil where the pattern is an input.
    init(_ text: String?) throws(OpError) {
        self.text = text
        compiled = if let text { try Self.compile(Array(text.utf8)) } else { nil }
    }

    /// The expression; `input` is the tensor that holds the pattern where it is no attribute.
    func expression(_ input: Tensor?, _ account: RunAccount) throws(OpError) -> RegularExpression {
        if let compiled { return compiled }
        guard let input else { throw OpError(.malformed, "has no pattern") }
        let pattern = try input.oneStringElement("pattern")
        try account.reserve(RegularExpression.readingBytes(pattern))
        // Few patterns need more than the smallest room.
        for room in RegularExpression.Room.allCases {
            try account.reserve(room.byteCount)
            guard let expression = try Self.compile(pattern, room) else { continue }
            return expression
        }
        throw .invalid("Invalid pattern: \(String(shown: pattern)), error: pattern too large")
    }

    private static func compile(_ pattern: [UInt8]) throws(OpError) -> RegularExpression? {
        try pattern.withUnsafeBufferPointer { (pattern) throws(OpError) in try compile(pattern, .large) }
    }

    /// - Returns: nil where a larger room is needed.
    private static func compile(
        _ pattern: UnsafeBufferPointer<UInt8>, _ room: RegularExpression.Room
    ) throws(OpError) -> RegularExpression? {
        do throws(RegularExpression.Refusal) { return try RegularExpression(pattern, room) } catch {
            if error.isTooLarge, room != .large { return nil }
            throw .invalid("Invalid pattern: \(String(shown: pattern)), error: \(error.reason)")
        }
    }

    static func == (left: Pattern, right: Pattern) -> Bool { left.text == right.text }

    func hash(into hasher: inout Hasher) { hasher.combine(text) }
}

extension TensorFact {
    /// Checks that the input is one string.
    fileprivate func requireText(_ what: String) throws(OpError) {
        try require(.string, what)
        guard shape.rank ?? 0 == 0 else { throw .invalid("\(what) must be scalar, but received \(shape)") }
    }
}

/// Replaces what matches in each string.
///
/// - Inputs: `input`; `pattern` and `rewrite`, scalars (StaticRegexReplace: attributes). In the rewrite `\1` to `\9` are what the
///   groups matched, `\0` all of it.
/// - Attributes: `replace_global`: all matches, or only the first.
struct RegexReplace: TensorOp {
    private let pattern: Pattern
    private let rewrite: String?
    private let all: Bool

    init(_ node: NodeReader, isStatic: Bool) throws(OpError) {
        try node.expectInputs(isStatic ? 1 : 3)
        pattern = try Pattern(isStatic ? try node.string("pattern") : nil)
        rewrite = isStatic ? try node.string("rewrite") : nil
        all = try node.bool("replace_global", default: true)
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].require(.string, "input")
        if inputs.count == 3 {
            try inputs[1].requireText("Pattern")
            try inputs[2].requireText("Rewrite")
        }
        return [TensorFact(.string, inputs[0].shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0) }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        _ = try check(inputs)
        let expression = try pattern.expression(inputs.count > 1 ? inputs[1] : nil, account)
        let strings = try inputs[0].stringElements("input")
        var result = try StringTensorBuilder(inputs[0].shape, byteCount: strings.byteCount, account)
        if let rewrite {
            let bytes = Array(rewrite.utf8)
            try bytes.withUnsafeBufferPointer { (rewrite) throws(OpError) in
                try replace(strings, expression, rewrite, account, &result)
            }
        } else {
            try replace(
                strings, expression, try inputs[inputs.count - 1].oneStringElement("rewrite"), account, &result)
        }
        return [try result.tensor()]
    }

    private func replace(
        _ strings: StringElements, _ expression: RegularExpression, _ rewrite: UnsafeBufferPointer<UInt8>,
        _ account: RunAccount, _ result: inout StringTensorBuilder
    ) throws(OpError) {
        for string in strings {
            // What becomes longer than its text is worked out again, once its length is known.
            var room = string.count
            var needed = 0
            repeat {
                room = max(room, needed)
                try result.append(room: room) { memory in
                    needed =
                        expression.replace(in: string.bytes, with: rewrite, all: all, into: memory) { account.isOver }
                        ?? 0
                    return needed <= room ? needed : 0
                }
                try account.checkTime()
            } while needed > room
            try result.endString()
        }
    }
}

/// Whether the pattern matches all of each string.
///
/// - Inputs: `input`; `pattern`, a scalar (StaticRegexFullMatch: an attribute).
struct RegexFullMatch: TensorOp {
    private let pattern: Pattern

    init(_ node: NodeReader, isStatic: Bool) throws(OpError) {
        try node.expectInputs(isStatic ? 1 : 2)
        pattern = try Pattern(isStatic ? try node.string("pattern") : nil)
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].require(.string, "input")
        if inputs.count == 2 { try inputs[1].requireText("Pattern") }
        return [TensorFact(.bool, inputs[0].shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0) }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        _ = try check(inputs)
        let expression = try pattern.expression(inputs.count > 1 ? inputs[1] : nil, account)
        let strings = try inputs[0].stringElements("input")
        var work = WorkCount(account)
        return [
            try account.numbers(inputs[0].shape, of: Bool.self) { (memory) throws(OpError) in
                for (index, string) in strings.enumerated() {
                    memory[index] = expression.matchesAll(of: string.bytes)
                    // A match takes some time, whatever the string.
                    try work.add(4 * string.count + 1024)
                }
            }
        ]
    }
}
