internal import TensorFlowProtos

/// Follows a graph from a restore or initialisation op to the assignments that it depends on, also into the functions that TensorFlow 2
/// traces for both.
struct RestoreWalk {
    /// A node that sets a variable or fills a table: an assignment, or the import of keys and values.
    struct Effect {
        fileprivate let node: NodeDef
        fileprivate let scope: Scope

        /// Whether it fills a table. Its inputs are then the table, keys and values, otherwise a variable and the value.
        var isTableImport: Bool { node.op == RestoreWalk.tableImport }
    }

    private static let tableImport = "LookupTableImportV2"
    private static let assigning: Set<String> = ["Assign", "AssignVariableOp", tableImport]
    private static let calling: Set<String> = ["PartitionedCall", "StatefulPartitionedCall"]
    /// Ops that forward their first input.
    private static let passing: Set<String> = [
        "Identity", "Reshape", "Cast", "DisableCopyOnRead", "ReadVariableOp", "StopGradient",
    ]
    private static let deepestCalls = 16
    private static let longestChain = 64
    /// The maximum number of calls to follow. Calls may branch, but real graphs have only a few.
    private static let maxCalls = 256

    private let graph: Scope
    private let functions: [String: FunctionDef]

    init(_ graph: GraphDef) {
        self.graph = Scope(nodes: graph.node)
        functions = Dictionary(
            graph.library.function.map { ($0.signature.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// All effects that the op depends on.
    func effects(from op: String) -> [Effect] {
        var result: [Effect] = []
        var calls = 0
        collect(from: [InputName(op).node], in: graph, depth: 0, &calls, into: &result)
        return result
    }

    private func collect(
        from start: [String], in scope: Scope, depth: Int, _ calls: inout Int, into result: inout [Effect]
    ) {
        var seen: Set<String> = []
        var stack = start
        while let name = stack.popLast() {
            guard seen.insert(name).inserted, let node = scope.node(named: name) else { continue }
            if Self.assigning.contains(node.op) {
                result.append(Effect(node: node, scope: scope))
            } else if Self.calling.contains(node.op) {
                guard let name = node.attr["f"]?.func.name, let function = functions[name], depth < Self.deepestCalls,
                    calls < Self.maxCalls
                else { continue }
                calls += 1
                let body = Scope(body: function, call: node, caller: scope)
                collect(from: body.names, in: body, depth: depth + 1, &calls, into: &result)
            }
            if !Self.assigning.contains(node.op) { stack += node.input.map { InputName($0).node } }
        }
    }

    /// An input's name in a node: `^node`, `node`, `node:1`; in a function also `node:output:1` and an argument's name.
    fileprivate struct InputName {
        let node: String
        let output: Int

        init(_ text: String) {
            let bytes = text.utf8.first == UInt8(ascii: "^") ? text.utf8.dropFirst() : text.utf8[...]
            let parts = bytes.split(separator: UInt8(ascii: ":"))
            node = parts.first.map { String(Substring($0)) } ?? ""
            output = parts.count > 1 ? parts.last.flatMap { Int(Substring($0)) } ?? 0 : 0
        }
    }

    /// The nodes of one scope: a graph, or a called function.
    fileprivate final class Scope {
        private let nodes: [NodeDef]
        /// Where each node is, by its name.
        private let places: [String: Int]
        private let arguments: [String: String]
        private let caller: Scope?

        init(nodes: [NodeDef]) {
            self.nodes = nodes
            places = Self.places(of: nodes)
            arguments = [:]
            caller = nil
        }

        init(body: FunctionDef, call: NodeDef, caller: Scope) {
            nodes = body.nodeDef
            places = Self.places(of: nodes)
            arguments = Dictionary(
                zip(body.signature.inputArg.map(\.name), call.input), uniquingKeysWith: { first, _ in first })
            self.caller = caller
        }

        private static func places(of nodes: [NodeDef]) -> [String: Int] {
            var places: [String: Int] = [:]
            places.reserveCapacity(nodes.count)
            for index in nodes.indices.reversed() { places[nodes[index].name] = index }
            return places
        }

        var names: [String] { Array(places.keys) }

        func node(named name: String) -> NodeDef? { places[name].map { nodes[$0] } }

        /// The node at the start of a chain of ops that forward their first input.
        struct Origin {
            let node: NodeDef
            let output: Int
            let scope: Scope
            /// Whether the chain changes the value's shape.
            let isReshaped: Bool
        }

        /// Follows a chain of ops that forward their first input, out of functions through their arguments.
        func follow(_ input: String, until isEnd: (NodeDef) -> Bool) -> Origin? {
            var name = InputName(input)
            var scope = self
            var isReshaped = false
            for _ in 0..<longestChain {
                if let node = scope.node(named: name.node) {
                    if isEnd(node) {
                        return Origin(node: node, output: name.output, scope: scope, isReshaped: isReshaped)
                    }
                    guard passing.contains(node.op), let next = node.input.first else { return nil }
                    isReshaped = isReshaped || node.op == "Reshape"
                    name = InputName(next)
                } else {
                    guard let outer = scope.arguments[name.node], let caller = scope.caller else { return nil }
                    name = InputName(outer)
                    scope = caller
                }
            }
            return nil
        }

        /// An element of a constant of strings. The last stored element repeats.
        func string(_ input: String, at index: Int) -> String? {
            guard let strings = follow(input, until: { $0.op == "Const" })?.node.attr["value"]?.tensor.stringVal,
                let bytes = index < strings.count ? strings[index] : strings.last
            else { return nil }
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}

extension RestoreWalk.Effect {
    private static let targets: Set<String> = [
        "Variable", "VariableV2", "VarHandleOp", "MutableHashTable", "MutableHashTableV2", "MutableHashTableOfTensors",
        "MutableHashTableOfTensorsV2", "MutableDenseHashTable", "MutableDenseHashTableV2",
    ]

    /// The variable, or table, that is filled.
    func target() -> NodeDef? {
        guard let input = node.input.first else { return nil }
        return scope.follow(input, until: { Self.targets.contains($0.op) })?.node
    }

    /// The constant of an input.
    func constant(ofInput index: Int) -> TensorProto? {
        guard index < node.input.count else { return nil }
        return scope.follow(node.input[index], until: { $0.op == "Const" })?.node.attr["value"]?.tensor
    }

    /// The checkpoint's tensor of an input.
    func source(ofInput index: Int) -> RestorePlan.Source? {
        guard index < node.input.count,
            let found = scope.follow(node.input[index], until: { $0.op.hasPrefix("Restore") })
        else { return nil }
        // RestoreV2(prefix, names, slices); Restore(pattern, name); RestoreSlice(pattern, name, slice).
        let inputs = found.node.input
        let element = found.node.op == "RestoreV2" ? found.output : 0
        guard inputs.count >= 2, let key = found.scope.string(inputs[1], at: element) else { return nil }
        let slice = inputs.count > 2 && !inputs[2].hasPrefix("^") ? found.scope.string(inputs[2], at: element) : nil
        return RestorePlan.Source(key: key, slice: slice ?? "", isReshaped: found.isReshaped)
    }
}
