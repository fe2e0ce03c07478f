internal import Tensors

/// A part of an expression's text.
struct Syntax {
    /// The place of its beginning, or of its operator, in bytes.
    let offset: Int
    let form: SyntaxForm
    /// How many parts stand inside one another, this one counted.
    let depth: Int

    init(_ offset: Int, _ form: SyntaxForm) {
        self.offset = offset
        self.form = form
        depth = 1 + (form.parts.map(\.depth).max() ?? 0)
    }
}

indirect enum SyntaxForm {
    case literal(Literal)
    /// A word or a tensor's name.
    case name(String)
    case list([Syntax])
    case unary(String, Syntax)
    case binary(String, Syntax, Syntax)
    case call(String, [SyntaxArgument])
    case index(Syntax, [SyntaxIndex])
    case member(Syntax, String)

    /// The parts inside it.
    var parts: [Syntax] {
        switch self {
        case .literal, .name: []
        case .list(let elements): elements
        case .unary(_, let operand): [operand]
        case .binary(_, let left, let right): [left, right]
        case .call(_, let arguments): arguments.map(\.value)
        case .index(let base, let indices): [base] + indices.flatMap(\.parts)
        case .member(let base, _): [base]
        }
    }
}

/// A literal of Python.
enum Literal: Hashable {
    case int(Int64)
    case float(Double)
    case bool(Bool)
    case bytes([UInt8])
    case none
}

struct SyntaxArgument {
    /// The keyword; nil for an argument by its place.
    let keyword: String?
    let offset: Int
    let value: Syntax
}

enum SyntaxIndex {
    case at(Syntax)
    case slice(begin: Syntax?, end: Syntax?, step: Syntax?)
    case ellipsis

    var parts: [Syntax] {
        switch self {
        case .at(let index): [index]
        case .slice(let begin, let end, let step): [begin, end, step].compactMap { $0 }
        case .ellipsis: []
        }
    }
}
