/// Parses an expression's tokens by Python's grammar.
struct Parser {
    /// Parts inside one another, parentheses counted.
    static let depthLimit = 64
    /// Bytes of a text.
    static let textLimit = 4096

    private let tokens: [Lexer.Token]
    private var place = 0
    private var depth = 0

    /// Parses a whole text.
    ///
    /// - Parameters:
    ///   - text: At most ``textLimit`` bytes.
    ///   - isTensor: Whether a name is a tensor's.
    /// - Returns: The text's parts.
    /// - Throws: ``ExpressionError`` where it is not an expression.
    static func parse(_ text: String, isTensor: @escaping (String) -> Bool) throws(ExpressionError) -> Syntax {
        guard text.utf8.count <= textLimit else {
            throw ExpressionError(
                "the expression has \(text.utf8.count) bytes, which is more than \(textLimit)",
                in: String(text.prefix(64)), at: 0)
        }
        do throws(ExpressionError) {
            var parser = Parser(tokens: try Lexer.tokens(of: text, isTensor: isTensor))
            let syntax = try parser.parseExpression()
            guard parser.next.kind == .end else { throw parser.unexpected("an operator or the end") }
            return syntax
        } catch {
            throw error.located(in: text)
        }
    }

    private init(tokens: [Lexer.Token]) { self.tokens = tokens }

    private var next: Lexer.Token { tokens[min(place, tokens.count - 1)] }

    private var symbol: String? { if case .symbol(let symbol) = next.kind { symbol } else { nil } }

    private mutating func take(_ wanted: String) -> Bool {
        guard symbol == wanted else { return false }
        place += 1
        return true
    }

    private mutating func expect(_ wanted: String) throws(ExpressionError) {
        guard take(wanted) else { throw unexpected("\"\(wanted)\"") }
    }

    private func unexpected(_ expected: String) -> ExpressionError {
        let found =
            switch next.kind {
            case .end: "the end"
            case .symbol(let symbol): "\"\(symbol)\""
            case .name(let name), .tensor(let name): "\"\(name)\""
            case .literal: "a value"
            }
        return ExpressionError("expected \(expected), found \(found)", at: next.offset)
    }

    /// The part, unless it is too deep: who walks over parts does so recursively.
    private func part(_ offset: Int, _ form: SyntaxForm) throws(ExpressionError) -> Syntax {
        let syntax = Syntax(offset, form)
        guard syntax.depth <= Self.depthLimit else { throw tooDeep(offset) }
        return syntax
    }

    private func tooDeep(_ offset: Int) -> ExpressionError {
        ExpressionError("the expression is nested more than \(Self.depthLimit) deep", at: offset)
    }

    /// How tightly operators of two operands bind.
    private static let levels: [String: Int] = [
        "==": 1, "!=": 1, "<": 1, "<=": 1, ">": 1, ">=": 1, "|": 2, "^": 3, "&": 4, "+": 5, "-": 5, "*": 6, "/": 6,
        "//": 6, "%": 6, "@": 6,
    ]
    private static let unaryLevel = 7

    private mutating func parseExpression(_ least: Int = 1) throws(ExpressionError) -> Syntax {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthLimit else { throw tooDeep(next.offset) }
        var left = try parseUnary()
        while let symbol, let level = Self.levels[symbol], level >= least {
            let offset = next.offset
            place += 1
            let right = try parseExpression(level + 1)
            left = try part(offset, .binary(symbol, left, right))
            if level == 1, let again = self.symbol, Self.levels[again] == 1 {
                throw ExpressionError(
                    "a chain of comparisons; join two of them with &, in parentheses", at: next.offset)
            }
        }
        return left
    }

    private mutating func parseUnary() throws(ExpressionError) -> Syntax {
        let offset = next.offset
        for symbol in ["-", "+", "~"] where take(symbol) {
            return try part(offset, .unary(symbol, try parseExpression(Self.unaryLevel)))
        }
        let base = try parsePostfix()
        let power = next.offset
        guard take("**") else { return base }
        // The power binds to the right, and tighter than a sign in front of it.
        return try part(power, .binary("**", base, try parseExpression(Self.unaryLevel)))
    }

    private mutating func parsePostfix() throws(ExpressionError) -> Syntax {
        var base = try parseAtom()
        while true {
            let offset = next.offset
            if take("[") {
                base = try part(offset, .index(base, try parseIndices()))
            } else if take(".") {
                guard case .name(let name) = next.kind else { throw unexpected("a name") }
                place += 1
                base = try part(offset, .member(base, name))
            } else {
                return base
            }
        }
    }

    private mutating func parseAtom() throws(ExpressionError) -> Syntax {
        let token = next
        place += 1
        switch token.kind {
        case .literal(let literal): return Syntax(token.offset, .literal(literal))
        case .tensor(let name): return Syntax(token.offset, .name(name))
        case .name(let name):
            guard take("(") else { return Syntax(token.offset, .name(name)) }
            return try part(token.offset, .call(name, try parseArguments()))
        case .symbol("("):
            let first = try parseExpression()
            guard symbol == "," else {
                try expect(")")
                return first
            }
            return try part(token.offset, .list(try parseElements(after: first, until: ")")))
        case .symbol("["):
            if take("]") { return Syntax(token.offset, .list([])) }
            let first = try parseExpression()
            return try part(token.offset, .list(try parseElements(after: first, until: "]")))
        case .symbol, .end:
            place -= 1
            throw unexpected("a value")
        }
    }

    private mutating func parseElements(
        after first: Syntax, until end: String
    ) throws(ExpressionError) -> [Syntax] {
        var elements = [first]
        while take(",") {
            if symbol == end { break }
            elements.append(try parseExpression())
        }
        guard take(end) else { throw unexpected("\",\" or \"\(end)\"") }
        return elements
    }

    private mutating func parseArguments() throws(ExpressionError) -> [SyntaxArgument] {
        var arguments: [SyntaxArgument] = []
        while !take(")") {
            if !arguments.isEmpty {
                guard take(",") else { throw unexpected("\",\" or \")\"") }
                if take(")") { return arguments }
            }
            let offset = next.offset
            var keyword: String?
            if let name = keywordAhead() {
                keyword = name
                place += 2
            } else if arguments.last?.keyword != nil {
                throw ExpressionError("an argument without a name behind one with a name", at: offset)
            }
            arguments.append(SyntaxArgument(keyword: keyword, offset: offset, value: try parseExpression()))
        }
        return arguments
    }

    /// The keyword of an argument `name=value`. It may be a tensor's name too.
    private func keywordAhead() -> String? {
        guard tokens.indices.contains(place + 1), tokens[place + 1].kind == .symbol("=") else { return nil }
        switch next.kind {
        case .name(let name), .tensor(let name): return name
        default: return nil
        }
    }

    private mutating func parseIndices() throws(ExpressionError) -> [SyntaxIndex] {
        var indices: [SyntaxIndex] = []
        repeat {
            if symbol == "]", !indices.isEmpty { break }
            indices.append(try parseIndex())
        } while take(",")
        guard take("]") else { throw unexpected("\",\" or \"]\"") }
        return indices
    }

    private mutating func parseIndex() throws(ExpressionError) -> SyntaxIndex {
        if take("...") { return .ellipsis }
        let begin = try parseBound()
        guard take(":") else {
            guard let begin else { throw unexpected("an index") }
            return .at(begin)
        }
        let end = try parseBound()
        let step = take(":") ? try parseBound() : nil
        return .slice(begin: begin, end: end, step: step)
    }

    private mutating func parseBound() throws(ExpressionError) -> Syntax? {
        symbol == ":" || symbol == "," || symbol == "]" ? nil : try parseExpression()
    }
}
