package import Execution
internal import Foundation
internal import Graphs
package import Memory
package import Operations
package import Planning
internal import SwiftProtobuf
package import TensorFlowProtos
package import Tensors

/// A graph that a test builds node by node.
package struct TestGraph {
    package private(set) var def = GraphDef()

    package init() {}

    /// The initial values of variables.
    package struct Variables: VariableSource {
        package var values: [String: Tensor]

        package init(values: [String: Tensor] = [:]) { self.values = values }

        package func value(of variable: VariableReference) throws(OpError) -> Tensor {
            guard let value = values[variable.name] else { throw OpError(.missingVariable, variable.name) }
            return value
        }
    }

    /// Adds a node.
    ///
    /// - Returns: Its name.
    @discardableResult
    package mutating func add(
        _ op: String, _ name: String, _ inputs: [String] = [], types: [String: Int32] = [:],
        _ attributes: [String: AttrValue] = [:]
    ) -> String {
        var node = NodeDef()
        node.name = name
        node.op = op
        node.input = inputs
        node.attr = attributes
        for (name, type) in types { node.attr[name] = .with { $0.type = type } }
        def.node.append(node)
        return name
    }

    package mutating func placeholder(_ name: String, _ type: Int32, _ dimensions: [Int64]? = []) -> String {
        let shape = AttrValue.with { value in
            if let dimensions {
                value.shape.dim = dimensions.map { size in .with { $0.size = size } }
            } else {
                value.shape.unknownRank = true
            }
        }
        return add("Placeholder", name, types: ["dtype": type], ["shape": shape])
    }

    /// Adds a scalar. A node to wait for keeps it in a loop.
    package mutating func constant(_ name: String, _ value: Int32, after node: String? = nil) -> String {
        let tensor = TensorProto.with { tensor in
            tensor.dtype = 3
            tensor.intVal = [value]
        }
        return add(
            "Const", name, node.map { ["^\($0)"] } ?? [], types: ["dtype": 3], ["value": .with { $0.tensor = tensor }])
    }

    /// Adds a loop that counts to `limit`. `body` returns the next values of the other variables.
    ///
    /// - Returns: The names of the exits: that of the counter, then the others.
    package mutating func loop(
        _ name: String, to limit: String, _ initial: [String], frame: String? = nil,
        body: (inout TestGraph, _ counter: String, _ variables: [String]) -> [String]
    ) -> [String] {
        func enter(_ graph: inout TestGraph, _ input: String, _ suffix: String, isConstant: Bool = false) -> String {
            graph.add(
                "Enter", "\(name)/enter\(suffix)", [input],
                [
                    "frame_name": .with { $0.s = Data((frame ?? name).utf8) },
                    "is_constant": .with { $0.b = isConstant },
                ])
        }
        let end = enter(&self, limit, "_limit", isConstant: true)
        var merges: [String] = []
        for (index, input) in ([constant("\(name)/zero", 0, after: limit)] + initial).enumerated() {
            let entered = enter(&self, input, "\(index)")
            merges.append(add("Merge", "\(name)/merge\(index)", [entered, "\(name)/next\(index)"]))
        }
        add("Less", "\(name)/less", [merges[0], end], types: ["T": 3])
        let condition = add("LoopCond", "\(name)/cond", ["\(name)/less"])
        let splits = merges.indices.map { add("Switch", "\(name)/switch\($0)", [merges[$0], condition]) }
        let current = splits.indices.map { add("Identity", "\(name)/current\($0)", ["\(splits[$0]):1"]) }
        let one = constant("\(name)/one", 1)
        add("AddV2", "\(name)/count", [current[0], one], types: ["T": 3])
        let next = ["\(name)/count"] + body(&self, current[0], Array(current.dropFirst()))
        for (index, value) in next.enumerated() { add("NextIteration", "\(name)/next\(index)", [value]) }
        return splits.indices.map { add("Exit", "\(name)/exit\($0)", [splits[$0]]) }
    }

    package func session(
        _ variables: [String: Tensor] = [:], limitBytes: Int = 64 << 20, caches: CacheBudget = CacheBudget(),
        passes: PassOptions = PassOptions()
    ) throws -> Session {
        Session(
            graph: try Graph(def), variables: Variables(values: variables), threadCount: 1, limitBytes: limitBytes,
            caches: caches, passes: passes)
    }

    /// Sessions of the graph, one for each version of its variables, as a server has them after reloads.
    package func versions(_ variables: [[String: Tensor]]) throws -> [Session] {
        let graph = try Graph(def)
        let library = PlanLibrary(graph)
        return variables.map { values in
            Session(
                graph: graph, variables: Variables(values: values), threadCount: 1, limitBytes: 64 << 20,
                library: library)
        }
    }

    /// Adds a variable that `read` gives the value of.
    package mutating func variable(_ name: String, _ type: Int32, _ dimensions: [Int64]? = []) -> String {
        let shape = AttrValue.with { value in
            if let dimensions {
                value.shape.dim = dimensions.map { size in .with { $0.size = size } }
            } else {
                value.shape.unknownRank = true
            }
        }
        add("VariableV2", name, types: ["dtype": type], ["shape": shape])
        return add("Identity", "\(name)/read", [name], types: ["T": type])
    }
}

extension Session {
    /// The callable for tensors, by their names.
    package func callable(_ feeds: [String], _ fetches: [String]) throws -> Callable {
        try callable(feeds: try feeds.map(endpoint), fetches: try fetches.map(endpoint))
    }

    /// How the plan for tensors comes about, and the program for the shapes of the feeds.
    package func explanation(
        _ feeds: [String], _ fetches: [String], shapes: [Shape]? = nil
    ) throws -> PlanExplanation {
        try explain(feeds: try feeds.map(endpoint), fetches: try fetches.map(endpoint), shapes: shapes)
    }

    private func endpoint(_ text: String) throws -> Endpoint {
        guard let name = TensorName(parsing: text), let node = graph.index(ofNode: name.node) else {
            throw OpError(.notFound, text)
        }
        return Endpoint(node: node, output: name.output)
    }
}

/// The error of `body`; nil if it succeeds.
package func failure(of body: () throws -> Void) -> OpError? {
    do { try body() } catch { return error as? OpError }
    return nil
}
