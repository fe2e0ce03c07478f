internal import FoundationEssentials
internal import TensorFlowProtos

/// `If`, `Case` and `While` as `Switch`, `Merge` and loops, as TensorFlow lowers them.
extension FunctionExpansion {
    /// Adds the control inputs to the dependencies of the branch, so that nothing in it runs before them.
    private mutating func afterControls(
        _ tensor: String, _ controls: [String], _ node: NodeDef
    ) throws(GraphError) -> String {
        controls.isEmpty ? tensor : try append("Identity", named: node.name + "/input", [tensor] + controls)
    }

    /// Inputs: the condition, then the branches' arguments. Attributes: `then_branch`, `else_branch`, `Tcond`.
    mutating func addIf(_ node: NodeDef) throws(GraphError) {
        let (inputs, controls) = Self.split(node.input)
        guard let condition = inputs.first, let then = node.attr["then_branch"]?.func,
            let otherwise = node.attr["else_branch"]?.func
        else { return try append(node) }
        var predicate = try afterControls(condition, controls, node)
        if let type = node.attr["Tcond"]?.type, type != Self.boolType {
            predicate = try append(
                "ToBool", named: node.name + "/pred", [predicate], ["T": node.attr["Tcond"] ?? AttrValue()])
        }
        var branches: [Branch] = []
        var arguments: [[String]] = [[], []]
        for input in inputs.dropFirst() {
            let split = try append("Switch", named: node.name + "/switch", [input, predicate])
            arguments[0].append(split)
            arguments[1].append(split + ":1")
        }
        let split = try append("Switch", named: node.name + "/switch_pred", [predicate, predicate])
        for (side, function) in [otherwise, then].enumerated() {
            branches.append(
                try branch(
                    function, arguments[side], side == 1 ? split + ":1" : split,
                    scope: node.name + (side == 1 ? "/then" : "/else"), node))
        }
        try merge(branches, node)
    }

    /// Inputs: the index of the branch (an index out of range selects the last branch), then the arguments. Attributes: `branches`.
    mutating func addCase(_ node: NodeDef) throws(GraphError) {
        let (inputs, controls) = Self.split(node.input)
        let functions = node.attr["branches"]?.list.func ?? []
        guard let number = inputs.first, !functions.isEmpty else { return try append(node) }
        let choice = try afterControls(number, controls, node)
        var left = Array(inputs.dropFirst())
        var pivot = choice
        var branches: [Branch] = []
        for (index, function) in functions.enumerated().dropLast() {
            let constant = try append("Const", named: node.name + "/index", [], Self.int32(Int32(index)))
            let predicate = try append(
                "Equal", named: node.name + "/pred", [choice, constant], ["T": Self.type(Self.int32Type)])
            let arguments = try left.map { (input) throws(GraphError) in
                try append("Switch", named: node.name + "/switch", [input, predicate])
            }
            let split = try append("Switch", named: node.name + "/switch_pred", [pivot, predicate])
            branches.append(
                try branch(
                    function, arguments.map { $0 + ":1" }, split + ":1", scope: "\(node.name)/branch_\(index)", node))
            left = arguments
            pivot = split
        }
        if let last = functions.last {
            branches.append(try branch(last, left, pivot, scope: "\(node.name)/branch_\(functions.count - 1)", node))
        }
        try merge(branches, node)
    }

    private struct Branch {
        let results: [String]
        /// A tensor that exists once the whole branch has run.
        let done: String
        let hasEffects: Bool
    }

    private mutating func branch(
        _ function: NameAttrList, _ arguments: [String], _ side: String, scope: String, _ node: NodeDef
    ) throws(GraphError) -> Branch {
        let pivot = try append("Identity", named: scope + "/pivot", [side])
        let results = try inline(function, arguments, scope: scope, pivot: pivot)
        let done =
            results.controls.isEmpty
            ? pivot : try append("Identity", named: scope + "/done", [pivot] + results.controls.map { "^" + $0 })
        return Branch(results: results.tensors, done: done, hasEffects: !results.controls.isEmpty)
    }

    private mutating func merge(_ branches: [Branch], _ node: NodeDef) throws(GraphError) {
        guard let first = branches.first, branches.allSatisfy({ $0.results.count == first.results.count }) else {
            throw GraphError("the branches of \"\(node.name)\" have different numbers of results")
        }
        var results: [String] = []
        for index in first.results.indices {
            results.append(try append("Merge", named: node.name + "/merge", branches.map { $0.results[index] }))
        }
        guard branches.contains(where: \.hasEffects) || results.isEmpty else {
            return try finish(node, results, waitingFor: [])
        }
        let done = try append("Merge", named: node.name + "/done", branches.map(\.done))
        try finish(node, results, waitingFor: [done])
    }

    /// Inputs: the loop's variables. Attributes: `cond`, `body`.
    mutating func addWhile(_ node: NodeDef) throws(GraphError) {
        let (inputs, controls) = Self.split(node.input)
        guard let condition = node.attr["cond"]?.func, let body = node.attr["body"]?.func, !inputs.isEmpty else {
            return try append(node)
        }
        var frame = AttrValue()
        frame.s = Data(node.name.utf8)
        var merges: [String] = []
        for (index, input) in inputs.enumerated() {
            let enter = try append(
                "Enter", named: node.name + "/enter", [try afterControls(input, controls, node)], ["frame_name": frame])
            // The node of the next value does not exist yet. It gets this name below.
            merges.append(try append("Merge", named: node.name + "/merge", [enter, Self.next(node, index)]))
        }
        let tested = try inline(condition, merges, scope: node.name + "/cond", pivot: merges[0])
        guard var test = tested.tensors.first else {
            throw GraphError("the condition of \"\(node.name)\" has no result")
        }
        test = try append("Identity", named: node.name + "/test", [test] + tested.controls.map { "^" + $0 })
        if let type = functionResultType(condition), type != Self.boolType {
            test = try append("ToBool", named: node.name + "/test_bool", [test], ["T": Self.type(type)])
        }
        let loopCondition = try append("LoopCond", named: node.name + "/LoopCond", [test])
        let splits = try merges.map { (merge) throws(GraphError) in
            try append("Switch", named: node.name + "/switch", [merge, loopCondition])
        }
        let pivot = try append("Identity", named: node.name + "/pivot", [splits[0] + ":1"])
        let results = try inline(body, splits.map { $0 + ":1" }, scope: node.name + "/body", pivot: pivot)
        guard results.tensors.count == merges.count else {
            throw GraphError("the body of \"\(node.name)\" gives \(results.tensors.count) values for \(merges.count)")
        }
        for (index, result) in results.tensors.enumerated() {
            var next = NodeDef()
            next.name = Self.next(node, index)
            next.op = "NextIteration"
            next.input = [result] + (index == 0 ? results.controls.map { "^" + $0 } : [])
            try append(next)
        }
        let exits = try splits.map { (split) throws(GraphError) in
            try append("Exit", named: node.name + "/exit", [split])
        }
        try finish(node, exits, waitingFor: [])
    }

    private static func next(_ node: NodeDef, _ index: Int) -> String { "\(node.name)/next/\(index)" }

    private static let boolType: Int32 = 10
    private static let int32Type: Int32 = 3

    private static func type(_ number: Int32) -> AttrValue {
        var value = AttrValue()
        value.type = number
        return value
    }

    private static func int32(_ number: Int32) -> [String: AttrValue] {
        var value = AttrValue()
        value.tensor.dtype = int32Type
        value.tensor.intVal = [number]
        return ["dtype": type(int32Type), "value": value]
    }
}
