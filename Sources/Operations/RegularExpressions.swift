internal import Kernels
internal import Tensors

extension OpTable {
    /// Regular expressions, as RE2 understands them.
    static let regularExpressions: [OpEntry] = [
        OpEntry("RegexReplace") { node throws(CompileError) in try RegexReplace(node, isStatic: false) },
        OpEntry("StaticRegexReplace") { node throws(CompileError) in try RegexReplace(node, isStatic: true) },
        OpEntry("RegexFullMatch") { node throws(CompileError) in try RegexFullMatch(node, isStatic: false) },
        OpEntry("StaticRegexFullMatch") { node throws(CompileError) in try RegexFullMatch(node, isStatic: true) },
    ]
}

/// A pattern that is compiled when the op is made, or comes as an input.
private struct Pattern: Hashable, Sendable {
    /// The attribute's text; nil for an input's.
    let text: String?
    private let compiled: RegularExpression?

    /// - `text`: nil where the pattern is an input.
    init(_ text: String?) throws(CompileError) {
        self.text = text
        compiled = if let text { try Self.compile(Array(text.utf8)) } else { nil }
    }

    /// The expression; `input` is the tensor that holds the pattern where it is no attribute.
    func expression(_ input: Tensor?) throws(CompileError) -> RegularExpression {
        if let compiled { return compiled }
        guard let input else { throw CompileError(.malformed, "has no pattern") }
        return try Self.compile(try input.oneString("pattern"))
    }

    private static func compile(_ pattern: [UInt8]) throws(CompileError) -> RegularExpression {
        do throws(RegularExpression.Refusal) { return try RegularExpression(pattern) } catch {
            throw .invalid("Invalid pattern: \(String(decoding: pattern, as: UTF8.self)), error: \(error.reason)")
        }
    }

    static func == (left: Pattern, right: Pattern) -> Bool { left.text == right.text }

    func hash(into hasher: inout Hasher) { hasher.combine(text) }
}

extension TensorFact {
    /// Checks that the input is one string.
    fileprivate func requireText(_ what: String) throws(CompileError) {
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

    init(_ node: NodeReader, isStatic: Bool) throws(CompileError) {
        try node.expectInputs(isStatic ? 1 : 3)
        pattern = try Pattern(isStatic ? try node.string("pattern") : nil)
        rewrite = isStatic ? try node.string("rewrite") : nil
        all = try node.bool("replace_global", default: true)
    }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
        try inputs[0].require(.string, "input")
        if inputs.count == 3 {
            try inputs[1].requireText("Pattern")
            try inputs[2].requireText("Rewrite")
        }
        return [TensorFact(.string, inputs[0].shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0) }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(CompileError) -> [Tensor] {
        _ = try check(inputs)
        let expression = try pattern.expression(inputs.count > 1 ? inputs[1] : nil)
        let replacement =
            if let rewrite { Array(rewrite.utf8) } else { try inputs[inputs.count - 1].oneString("rewrite") }
        var results: [[UInt8]] = []
        var bytes = 0
        for string in try inputs[0].bytes("input") {
            guard let result = expression.replacing(in: string, with: replacement, all: all),
                bytes + result.count <= Tensor.repeatedStringsLimitBytes
            else { throw CompileError(.resourceExhausted, "not enough memory for the replaced strings") }
            bytes += result.count
            results.append(result)
        }
        return [try .holding(results, inputs[0].shape)]
    }
}

/// Whether the pattern matches all of each string.
///
/// - Inputs: `input`; `pattern`, a scalar (StaticRegexFullMatch: an attribute).
struct RegexFullMatch: TensorOp {
    private let pattern: Pattern

    init(_ node: NodeReader, isStatic: Bool) throws(CompileError) {
        try node.expectInputs(isStatic ? 1 : 2)
        pattern = try Pattern(isStatic ? try node.string("pattern") : nil)
    }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
        try inputs[0].require(.string, "input")
        if inputs.count == 2 { try inputs[1].requireText("Pattern") }
        return [TensorFact(.bool, inputs[0].shape)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0) }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(CompileError) -> [Tensor] {
        _ = try check(inputs)
        let expression = try pattern.expression(inputs.count > 1 ? inputs[1] : nil)
        let matches = try inputs[0].bytes("input").map { expression.matchesAll(of: $0) }
        return [try .holding(matches, inputs[0].shape.dimensions)]
    }
}
