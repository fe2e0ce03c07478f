internal import TensorFlowProtos

/// Replaces calls by the bodies of their functions, and `If`, `Case` and `While` by `Switch`, `Merge` and loops. The result is a graph
/// without functions. TensorFlow does the same before it runs a graph.
///
/// The nodes of a body are named `call/node`. The calling node keeps its name, and forwards the results of the body.
struct FunctionExpansion {
    private let functions: [String: FunctionDef]
    private let signatures: OpSignatures
    private(set) var nodes: [NodeDef] = []
    private var names: Set<String>
    /// The last suffix that made a name unique, by the name without suffix.
    private var numbers: [String: Int] = [:]
    /// The bytes of the new nodes' names and inputs.
    private var textBytes = 0
    private var depth = 0
    /// The control input of nodes without inputs in the body that is being added.
    private var pivot: String?

    /// The maximum depth of nested calls. Real graphs are not as deep, so a deeper one has a function that calls itself.
    private static let maxDepth = 64
    /// The maximum number of nodes of an expanded graph. A few functions that call each other twice would make millions.
    private static let maxNodes = 500_000
    /// The maximum size of the names and inputs of these nodes. Each call makes the names in its function longer.
    private static let maxTextBytes = 256 << 20
    /// The maximum number of results of a function.
    private static let maxResults = 1 << 16

    /// Expands all calls.
    ///
    /// - Returns: The nodes of the expanded graph.
    /// - Throws: ``GraphError`` if a call does not fit its function, or the graph would be too large.
    static func expand(_ graph: GraphDef, ops: OpList) throws(GraphError) -> [NodeDef] {
        guard !graph.library.function.isEmpty else { return graph.node }
        var expansion = FunctionExpansion(graph, ops)
        for node in graph.node { try expansion.add(node) }
        return expansion.nodes
    }

    private init(_ graph: GraphDef, _ ops: OpList) {
        functions = Dictionary(
            graph.library.function.map { ($0.signature.name, $0) }, uniquingKeysWith: { first, _ in first })
        signatures = OpSignatures(ops: ops, functions: graph.library.function)
        names = Set(graph.node.map(\.name))
    }

    /// Adds a node, or its expansion.
    mutating func add(_ node: NodeDef) throws(GraphError) {
        guard depth < Self.maxDepth else { return try append(node) }
        depth += 1
        defer { depth -= 1 }
        switch node.op {
        case "PartitionedCall", "StatefulPartitionedCall": try addCall(node, node.attr["f"]?.func)
        case "If", "StatelessIf": try addIf(node)
        case "Case", "StatelessCase": try addCase(node)
        case "While", "StatelessWhile": try addWhile(node)
        default:
            guard functions[node.op] != nil else { return try append(node) }
            var function = NameAttrList()
            function.name = node.op
            function.attr = node.attr
            try addCall(node, function)
        }
    }

    mutating func append(_ node: NodeDef) throws(GraphError) {
        guard nodes.count < Self.maxNodes else {
            throw GraphError("the functions of the graph expand to more than \(Self.maxNodes) nodes")
        }
        for input in node.input { try count(input) }
        nodes.append(node)
    }

    private mutating func count(_ text: String) throws(GraphError) {
        textBytes += text.utf8.count + 16
        guard textBytes <= Self.maxTextBytes else {
            throw GraphError("the functions of the graph expand to more than \(Self.maxTextBytes) bytes of names")
        }
    }

    /// Adds a node under a unique name.
    ///
    /// - Returns: The name.
    mutating func append(
        _ op: String, named wanted: String, _ inputs: [String], _ attributes: [String: AttrValue] = [:]
    ) throws(GraphError) -> String {
        var node = NodeDef()
        node.name = try unique(wanted)
        node.op = op
        node.input = inputs
        node.attr = attributes
        try append(node)
        return node.name
    }

    private mutating func unique(_ wanted: String) throws(GraphError) -> String {
        var name = wanted
        try count(name)
        var number = numbers[wanted] ?? 0
        while !names.insert(name).inserted {
            number += 1
            name = "\(wanted)_\(number)"
        }
        if number > 0 { numbers[wanted] = number }
        return name
    }

    /// The dtype of a function's first result, if it is declared.
    func functionResultType(_ function: NameAttrList) -> Int32? {
        guard let result = functions[function.name]?.signature.outputArg.first, result.typeAttr.isEmpty else {
            return nil
        }
        return result.type
    }

    private mutating func addCall(_ node: NodeDef, _ function: NameAttrList?) throws(GraphError) {
        guard let function, functions[function.name] != nil else { return try append(node) }
        let (inputs, controls) = Self.split(node.input)
        var arguments = inputs
        // A node without inputs, in a body that another body calls, runs only if the outer body does.
        var pivot = self.pivot
        if !controls.isEmpty {
            pivot = try append("NoOp", named: node.name + "/call", controls)
            for index in arguments.indices {
                arguments[index] = try append(
                    "Identity", named: node.name + "/input", [arguments[index], "^" + (pivot ?? "")])
            }
        }
        let results = try inline(function, arguments, scope: node.name, pivot: pivot)
        try finish(node, results.tensors, waitingFor: results.controls + (pivot.map { [$0] } ?? []))
    }

    /// Adds the calling node, which forwards the results.
    mutating func finish(_ node: NodeDef, _ tensors: [String], waitingFor controls: [String]) throws(GraphError) {
        var result = NodeDef()
        result.name = node.name
        result.op = tensors.isEmpty ? "NoOp" : "IdentityN"
        result.input = tensors + controls.map { "^" + $0 }
        if let types = node.attr["Tout"] ?? node.attr["T"] { result.attr["T"] = types }
        try append(result)
    }

    /// The data inputs, and the control inputs with their "^".
    static func split(_ inputs: [String]) -> (data: [String], controls: [String]) {
        (inputs.filter { !$0.hasPrefix("^") }, inputs.filter { $0.hasPrefix("^") })
    }
}

/// Bodies.
extension FunctionExpansion {
    /// The outputs of a body: its results, and the nodes that must have run.
    struct Results {
        var tensors: [String]
        var controls: [String]
    }

    /// Adds a function's body.
    ///
    /// - Parameters:
    ///   - call: The function, with the values of its attributes.
    ///   - arguments: The arguments of the call.
    ///   - scope: The prefix of the names of the body's nodes.
    ///   - pivot: The control input of nodes without inputs, so that they run only if the body does.
    /// - Returns: The outputs.
    /// - Throws: ``GraphError`` if the call does not fit the function, or the graph would be too large.
    mutating func inline(
        _ call: NameAttrList, _ arguments: [String], scope: String, pivot: String?
    ) throws(GraphError) -> Results {
        let outer = self.pivot
        self.pivot = pivot
        defer { self.pivot = outer }
        guard let function = functions[call.name] else {
            throw GraphError("\"\(scope)\" calls the function \"\(call.name)\", which the graph does not have")
        }
        var body = FunctionBody(function, scope: scope, signatures)
        for node in function.nodeDef { body.rename(node.name, to: try unique("\(scope)/\(node.name)")) }
        try body.bind(arguments, call)
        for node in function.nodeDef {
            var node = try body.instance(of: node, call, function)
            if node.input.isEmpty, let pivot { node.input = ["^" + pivot] }
            try add(node)
        }
        var tensors: [String] = []
        for output in function.signature.outputArg {
            tensors += try body.results(output, call)
            guard tensors.count <= Self.maxResults else {
                throw GraphError("the function \"\(call.name)\" has more than \(Self.maxResults) results")
            }
        }
        return Results(
            tensors: tensors,
            controls: try function.controlRet.values.sorted().map { (name) throws(GraphError) in try body.name(of: name)
            })
    }
}

/// A function's body while it is expanded.
private struct FunctionBody {
    private let function: FunctionDef
    private let scope: String
    private let signatures: OpSignatures
    private let definitions: [String: NodeDef]
    private var names: [String: String] = [:]
    /// The tensors of each argument.
    private var arguments: [String: [String]] = [:]

    init(_ function: FunctionDef, scope: String, _ signatures: OpSignatures) {
        self.function = function
        self.scope = scope
        self.signatures = signatures
        definitions = Dictionary(function.nodeDef.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    mutating func rename(_ name: String, to instance: String) { names[name] = instance }

    private func error(_ reason: String) -> GraphError {
        GraphError("function \"\(function.signature.name)\", called by \"\(scope)\": \(reason)")
    }

    func name(of node: String) throws(GraphError) -> String {
        guard let name = names[node] else { throw error("there is no node \"\(node)\"") }
        return name
    }

    /// Binds the arguments to tensors.
    mutating func bind(_ tensors: [String], _ call: NameAttrList) throws(GraphError) {
        var next = 0
        for argument in function.signature.inputArg {
            let count = try count(of: argument, call)
            guard count <= tensors.count - next else {
                throw error("more arguments are expected than \(tensors.count)")
            }
            arguments[argument.name] = Array(tensors[next..<next + count])
            next += count
        }
        guard next == tensors.count else { throw error("\(next) arguments are expected, got \(tensors.count)") }
    }

    private func count(of argument: OpDef.ArgDef, _ call: NameAttrList) throws(GraphError) -> Int {
        func value(_ name: String) -> AttrValue? { call.attr[name] ?? function.attr[name] }
        if !argument.numberAttr.isEmpty {
            guard let count = value(argument.numberAttr)?.i, (0...1 << 16).contains(count) else {
                throw error("attribute \(argument.numberAttr) does not tell how many tensors \"\(argument.name)\" is")
            }
            return Int(count)
        }
        return argument.typeListAttr.isEmpty ? 1 : value(argument.typeListAttr)?.list.type.count ?? 0
    }

    /// A node of the body as a node of the graph.
    func instance(of node: NodeDef, _ call: NameAttrList, _ function: FunctionDef) throws(GraphError) -> NodeDef {
        var result = node
        result.name = try name(of: node.name)
        result.input = try node.input.map { (input) throws(GraphError) in
            guard input.hasPrefix("^") else { return try tensor(input) }
            let name = String(input.dropFirst())
            // To wait for an argument is to wait for its tensor.
            if let tensors = arguments[name] { return "^" + (tensors.first.map(Self.node) ?? "") }
            return "^" + (try self.name(of: name))
        }
        for (name, attribute) in node.attr {
            result.attr[name] = try substituted(attribute, call)
        }
        return result
    }

    private static func node(_ tensor: String) -> String {
        tensor.split(separator: ":").first.map(String.init) ?? tensor
    }

    /// The value of an attribute, which may refer to one of the function's attributes.
    private func substituted(_ attribute: AttrValue, _ call: NameAttrList) throws(GraphError) -> AttrValue {
        switch attribute.value {
        case .placeholder(let name):
            guard let value = call.attr[name] ?? function.attr[name] else {
                throw error("attribute \(name) has no value")
            }
            return value
        case .func(var inner):
            for (name, value) in inner.attr { inner.attr[name] = try substituted(value, call) }
            var result = attribute
            result.func = inner
            return result
        default: return attribute
        }
    }

    /// The graph's tensor for a tensor of the body: `argument`, `argument:index`, or `node:output:index`.
    private func tensor(_ text: String) throws(GraphError) -> String {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        let index = parts.count > 1 ? Int(parts[parts.count - 1]) : 0
        guard let index, index >= 0, parts.count <= 3 else { throw error("\"\(text)\" is not a tensor's name") }
        if let tensors = arguments[parts[0]] {
            guard tensors.indices.contains(index) else {
                throw error("argument \"\(parts[0])\" has no tensor \(index)")
            }
            return tensors[index]
        }
        guard let node = definitions[parts[0]] else { throw error("there is no node \"\(parts[0])\"") }
        let number = parts.count == 3 ? signatures.output(named: parts[1], index, of: node) : index
        guard let number else { throw error("op \(node.op) has no output \"\(parts[1])\"") }
        let name = try name(of: parts[0])
        return number == 0 ? name : "\(name):\(number)"
    }

    /// The tensors of a result.
    func results(_ output: OpDef.ArgDef, _ call: NameAttrList) throws(GraphError) -> [String] {
        guard let text = function.ret[output.name] else { throw error("result \"\(output.name)\" is not given") }
        let count = try count(of: output, call)
        if count == 1 { return [try tensor(text)] }
        let parts = text.split(separator: ":").map(String.init)
        guard let first = parts.count > 1 ? Int(parts[parts.count - 1]) : 0 else {
            throw error("\"\(text)\" is not a tensor's name")
        }
        let stem = parts.count > 1 ? parts.dropLast().joined(separator: ":") : text
        return try (0..<count).map { (index) throws(GraphError) in try tensor("\(stem):\(first + index)") }
    }
}
