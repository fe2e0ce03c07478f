package import Graphs
package import Planning
internal import Tensors
internal import Text

/// Compiles expressions over a graph's tensors into nodes that are added to the graph.
///
/// Several expressions share one set of nodes, and constants that are equal. It is used by one thread.
package final class ExpressionCompiler {
    let graph: Graph
    let inference: FactInference
    private let builder: ExpressionBuilder

    /// - Parameters:
    ///   - graph: The graph.
    ///   - inference: What the graph tells of its tensors.
    ///   - prefix: The beginning of the names of added nodes.
    ///   - isPrivate: Whether expressions must not use a node's tensors.
    package init(
        _ graph: Graph, _ inference: FactInference, prefix: String = "expression/",
        isPrivate: @escaping (Node) -> Bool = { _ in false }
    ) {
        self.graph = graph
        self.inference = inference
        builder = ExpressionBuilder(graph, inference, prefix: prefix, isPrivate: isPrivate)
    }

    /// The nodes of all expressions that were compiled, for ``Graphs/Graph/adding(_:)``.
    package var nodes: [AddedNode] { builder.nodes }

    /// Compiles an expression.
    ///
    /// - Parameters:
    ///   - text: The expression, such as `top_k(softmax(logits:0), k=3).indices`.
    ///   - names: Words of the caller's own that stand for tensors. They hide tensors of the graph.
    /// - Returns: The expression's tensor, which may be one of the graph's own.
    /// - Throws: ``ExpressionError`` where the text is not an expression, a name is not known, an op does not take its inputs, or more nodes
    ///   would be added than a request may. Nothing is added then.
    package func compile(_ text: String, names: [String: Operand] = [:]) throws(ExpressionError) -> Operand {
        let syntax = try Parser.parse(text) { [graph] name in
            names[name] != nil || Self.endpoint(name, in: graph) != nil
        }
        let count = builder.nodes.count
        do throws(ExpressionError) {
            var evaluation = Evaluation(builder: builder, names: names)
            let value = try evaluation.value(of: syntax)
            builder.offset = syntax.offset
            if case .results = value {
                throw builder.error("the expression has \(value.kind); choose one, such as [0]")
            }
            return try builder.tensor(value)
        } catch {
            builder.removeNodes(behind: count)
            throw error.located(in: text)
        }
    }

    /// A tensor of the graph, for a word of the caller's own.
    ///
    /// - Throws: ``ExpressionError`` if its dtype is not known, or it must not be used.
    package func operand(of endpoint: Endpoint, named name: String) throws(ExpressionError) -> Operand {
        builder.offset = 0
        return try builder.operand(endpoint, name: name)
    }

    /// A tensor of the graph, by its name with or without the output's number.
    static func endpoint(_ name: String, in graph: Graph) -> Endpoint? {
        guard let parsed = TensorName(parsing: name), !parsed.isControl, let node = graph.index(ofNode: parsed.node)
        else { return nil }
        return Endpoint(node: node, output: parsed.output)
    }
}

/// Walks over the parts of an expression.
struct Evaluation {
    let builder: ExpressionBuilder
    let names: [String: Operand]

    /// The value of a part, whose nodes are added.
    mutating func value(of syntax: Syntax) throws(ExpressionError) -> Value {
        switch syntax.form {
        case .literal(let literal): return .literal(literal)
        case .name(let name):
            builder.offset = syntax.offset
            return try value(ofName: name)
        case .list(let elements):
            var values: [Value] = []
            for element in elements { values.append(try value(of: element)) }
            return .list(values)
        case .unary(let symbol, let operand):
            let value = try value(of: operand)
            builder.offset = syntax.offset
            return try builder.unary(symbol, value)
        case .binary(let symbol, let left, let right):
            let (left, right) = (try value(of: left), try value(of: right))
            builder.offset = syntax.offset
            return try builder.binary(symbol, left, right)
        case .index(let base, let indices):
            let base = try value(of: base)
            var bounds: [BoundIndex] = []
            for index in indices { bounds.append(try bound(index)) }
            builder.offset = syntax.offset
            return try builder.index(base, bounds)
        case .member(let base, let name):
            let base = try value(of: base)
            builder.offset = syntax.offset
            return try builder.member(base, name)
        case .call(let name, let arguments): return try call(name, arguments, at: syntax.offset)
        }
    }

    private mutating func bound(_ index: SyntaxIndex) throws(ExpressionError) -> BoundIndex {
        switch index {
        case .ellipsis: return .ellipsis
        case .at(let place): return .at(try value(of: place))
        case .slice(let begin, let end, let step):
            return .slice(begin: try optional(begin), end: try optional(end), step: try optional(step))
        }
    }

    private mutating func optional(_ syntax: Syntax?) throws(ExpressionError) -> Value? {
        guard let syntax, case let value = try value(of: syntax) else { return nil }
        if case .literal(.none) = value { return nil }
        return value
    }

    private func value(ofName name: String) throws(ExpressionError) -> Value {
        if let operand = names[name] { return .tensor(operand) }
        if let endpoint = ExpressionCompiler.endpoint(name, in: builder.graph) {
            return .tensor(try builder.operand(endpoint, name: name))
        }
        let bare = name.hasPrefix("tf.") ? String(name.dropFirst(3)) : name
        if let dtype = Self.dtypes[bare] { return .dtype(dtype) }
        let node = TensorName(parsing: name)?.node ?? name
        let nearest = NearestNames.of(node, among: names.keys) + builder.graph.nearestNames(to: node)
        let hint =
            nearest.isEmpty ? "" : "; the nearest are \(nearest.prefix(3).map { "\"\($0)\"" }.joined(separator: ", "))"
        throw builder.error("the graph has no tensor \"\(name)\"\(hint)")
    }

    private static let dtypes: [String: DataType] = Dictionary(
        DataType.allCases.filter { !$0.isHandle }.map { ($0.name, $0) } + [
            ("half", .float16), ("double", .float64),
        ], uniquingKeysWith: { first, _ in first })

    private mutating func call(
        _ name: String, _ arguments: [SyntaxArgument], at offset: Int
    ) throws(ExpressionError) -> Value {
        builder.offset = offset
        guard let function = FunctionTable.function(named: name) else {
            throw builder.error(
                "unknown function \"\(name)\"\(NearestNames.hint(for: name, among: FunctionTable.names))")
        }
        var values: [Call.Argument] = []
        for argument in arguments {
            values.append(
                Call.Argument(keyword: argument.keyword, offset: argument.offset, value: try value(of: argument.value)))
        }
        builder.offset = offset
        return try function.make(try Call(function, values, builder))
    }
}
