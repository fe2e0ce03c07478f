internal import Graphs
internal import Operations
internal import Planning
internal import Tensors

/// A loop that runs backwards as often as another one has run forwards.
///
/// The forward loop counts its iterations, and pushes what gradients need on stacks. The other one counts down, and pops. The nodes are those
/// of TensorFlow's control_flow_state.py.
final class LoopGradient {
    let loop: GraphLoop
    let nodes: GradientNodes
    private let graph: Graph
    private let branches: BranchConditions
    /// The nodes of the forward loop.
    private let members: Set<Int>
    private let frame: String
    private let parallelIterations: AttributeValue
    /// Counts the iterations of the forward loop: the addition waits for what is pushed.
    private var counter = (merge: Endpoint(node: 0, output: 0), addition: 0, pivot: 0)
    /// Counts down.
    private var countdown = (condition: Endpoint(node: 0, output: 0), subtraction: 0, pivot: 0)
    /// The new nodes that are in the loop backwards.
    private var inside: Set<Int> = []
    /// What stands in the loop backwards for a tensor from elsewhere.
    private var known: [Endpoint: Endpoint] = [:]
    /// Waits for pushes in branches, which may not run.
    private var forwardSync: Int?
    private var backwardSync: Int?

    /// Adds both counters.
    init(_ loop: GraphLoop, _ graph: Graph, _ nodes: GradientNodes, _ branches: BranchConditions) throws(OpError) {
        self.loop = loop
        self.graph = graph
        self.nodes = nodes
        self.branches = branches
        members = Self.members(of: loop)
        frame = nodes.freeName("\(loop.name)/gradient")
        parallelIterations = Self.parallelIterations(loop, graph)
        try addCounter()
    }

    private static func members(of loop: GraphLoop) -> Set<Int> {
        var result = Set(loop.enters + loop.variables.flatMap { [$0.merge, $0.enter, $0.next] } + loop.switches)
        result.insert(loop.condition)
        for case .node(let index) in loop.head + loop.body + loop.tail { result.insert(index) }
        return result
    }

    private static func parallelIterations(_ loop: GraphLoop, _ graph: Graph) -> AttributeValue {
        guard let enter = loop.enters.first, let value = try? graph.nodes[enter].attribute("parallel_iterations") else {
            return .int(10)
        }
        return value
    }

    // MARK: Counters

    private func addCounter() throws(OpError) {
        let scope = nodes.scope
        nodes.scope = "\(scope)/count"
        defer { nodes.scope = scope }
        let zero = try constant(0, after: try branchControls())
        let enter = try self.enter(zero, into: loop.name, isConstant: false)
        let merge = try join(enter)
        let condition = Endpoint(node: loop.condition, output: 0)
        let split = try raw("Switch", [merge, condition], ["T": .type(.int32)], [.int32, .int32])
        let pivot = try raw("Identity", [split.second], ["T": .type(.int32)], [.int32])
        let addition = try raw(
            "Add", [pivot, constant(1, after: [pivot.node])], ["T": .type(.int32)], [.int32])
        let next = try raw("NextIteration", [addition], ["T": .type(.int32)], [.int32])
        nodes.setInput(1, ofAdded: merge.node, to: next)
        counter = (merge, addition.node, pivot.node)
        let count = try raw("Exit", [split], ["T": .type(.int32)], [.int32])
        try addCountdown(from: count)
    }

    /// In a branch, the loop may not run: its counter must not either, so it waits for a value of the branch.
    private func branchControls() throws(OpError) -> [Int] {
        for enter in loop.enters {
            guard case .endpoint(let value)? = graph.nodes[enter].inputs.first, !branches.conditions(of: value).isEmpty
            else { continue }
            let type = try nodes.type(of: value)
            return [try raw("Identity", [value], ["T": .type(type)], [type]).node]
        }
        return []
    }

    private func addCountdown(from count: Endpoint) throws(OpError) {
        let enter = try self.enter(count, into: frame, isConstant: false)
        let merge = try join(enter)
        let one = try constant(1, after: [merge.node])
        let isMore = try raw("GreaterEqual", [merge, one], ["T": .type(.int32)], [.bool])
        let condition = try raw("LoopCond", [isMore], [:], [.bool])
        let split = try raw("Switch", [merge, condition], ["T": .type(.int32)], [.int32, .int32])
        let pivot = try raw("Identity", [split.second], ["T": .type(.int32)], [.int32])
        let less = try raw("Sub", [pivot, one], ["T": .type(.int32)], [.int32])
        let next = try raw("NextIteration", [less], ["T": .type(.int32)], [.int32])
        nodes.setInput(1, ofAdded: merge.node, to: next)
        countdown = (condition, less.node, pivot.node)
        inside.formUnion([enter, merge, one, isMore, condition, split, pivot, less, next].map(\.node))
    }

    // MARK: Variables of the loop backwards

    /// A variable of the loop backwards, which begins with a value from outside.
    struct Variable {
        let merge: Endpoint
        /// Its value in an iteration.
        let value: Endpoint
        /// Its value after the last iteration, outside.
        let result: Endpoint
    }

    /// Adds a variable.
    func variable(from first: Endpoint) throws(OpError) -> Variable {
        let type = try nodes.type(of: first)
        let enter = try self.enter(first, into: frame, isConstant: false)
        let merge = try join(enter)
        let split = try raw("Switch", [merge, countdown.condition], ["T": .type(type)], [type, type])
        let value = try raw("Identity", [split.second], ["T": .type(type)], [type])
        inside.formUnion([enter, merge, split, value].map(\.node))
        return Variable(
            merge: merge, value: value, result: try raw("Exit", [split], ["T": .type(type)], [type]))
    }

    /// Says what a variable is in the next iteration.
    func set(_ variable: Variable, to next: Endpoint) throws(OpError) {
        let type = try nodes.type(of: next)
        let next = try raw("NextIteration", [next], ["T": .type(type)], [type])
        inside.insert(next.node)
        nodes.setInput(1, ofAdded: variable.merge.node, to: next)
    }

    /// Adds nodes in the loop backwards.
    func within<Result>(_ body: () throws(OpError) -> Result) throws(OpError) -> Result {
        let (resolve, pivot) = (nodes.resolve, nodes.pivot)
        nodes.resolve = { [self] endpoint throws(OpError) in try resolved(endpoint) }
        nodes.pivot = countdown.pivot
        let first = graph.nodes.count + nodes.added.count
        defer {
            nodes.resolve = resolve
            nodes.pivot = pivot
        }
        isWithin = first
        return try body()
    }

    /// The first node that was added within; those that belong elsewhere are in ``outside``.
    private var isWithin = Int.max
    private var outside: Set<Int> = []

    // MARK: Values of the forward loop

    /// What stands for a tensor in the loop backwards.
    private func resolved(_ endpoint: Endpoint) throws(OpError) -> Endpoint {
        if inside.contains(endpoint.node) { return endpoint }
        if endpoint.node >= isWithin, !outside.contains(endpoint.node) { return endpoint }
        if let known = known[endpoint] { return known }
        let result: Endpoint
        if members.contains(endpoint.node) {
            let node = graph.nodes[endpoint.node]
            if node.isEnter, !loop.variables.contains(where: { $0.enter == endpoint.node }) {
                guard case .endpoint(let value)? = node.inputs.first else { return endpoint }
                result = try enter(value, into: frame, isConstant: true)
                inside.insert(result.node)
            } else if node.op == "Const" {
                result = try copy(of: node)
            } else {
                result = try popped(endpoint)
            }
        } else {
            result = try enter(endpoint, into: frame, isConstant: true)
            inside.insert(result.node)
        }
        known[endpoint] = result
        return result
    }

    private func copy(of node: Node) throws(OpError) -> Endpoint {
        let value = try NodeReader(node).tensor("value")
        let copy = try raw(
            "Const", [], ["dtype": .type(value.dtype), "value": .tensor(value)], [value.dtype],
            controls: [countdown.pivot])
        inside.insert(copy.node)
        return copy
    }

    /// Pushes a value in each iteration forwards, and pops it in the same one backwards.
    private func popped(_ value: Endpoint) throws(OpError) -> Endpoint {
        if let head = headError(value) { throw head }
        let type = try nodes.type(of: value)
        let conditions = branches.conditions(of: value).filter { members.contains($0.key.node) }
        let stack = try raw(
            "StackV2", [constant(-1, after: [])], ["elem_type": .type(type), "stack_name": .bytes([])], [.resource])
        try push(value, type, on: stack, isInBranch: !conditions.isEmpty)
        var handle = try enter(stack, into: frame, isConstant: true)
        inside.insert(handle.node)
        for (predicate, side) in conditions.sorted(by: { ($0.key.node, $0.key.output) < ($1.key.node, $1.key.output) })
        {
            let split = try raw(
                "Switch", [handle, resolved(predicate)], ["T": .type(.resource)], [.resource, .resource])
            inside.insert(split.node)
            handle = side ? split.second : split
        }
        let pop = try raw("StackPopV2", [handle], ["elem_type": .type(type)], [type], controls: [countdown.pivot])
        inside.insert(pop.node)
        let sync = try sync(&backwardSync, before: countdown.subtraction)
        inside.insert(sync)
        nodes.addControl(pop.node, toAdded: sync)
        return pop
    }

    private func push(_ value: Endpoint, _ type: DataType, on stack: Endpoint, isInBranch: Bool) throws(OpError) {
        let handle = try enter(stack, into: loop.name, isConstant: true)
        let push = try raw(
            "StackPushV2", [handle, value], ["T": .type(type), "swap_memory": .bool(false)], [type])
        if isInBranch {
            nodes.addControl(push.node, toAdded: try sync(&forwardSync, before: counter.addition))
        } else {
            nodes.addControl(push.node, toAdded: counter.addition)
        }
    }

    /// The node that waits for others even if they do not run.
    private func sync(_ known: inout Int?, before node: Int) throws(OpError) -> Int {
        if let known { return known }
        let trigger = try raw("ControlTrigger", [], [:], [])
        known = trigger.node
        nodes.addControl(trigger.node, toAdded: node)
        return trigger.node
    }

    /// What is computed before the condition runs once more than the body.
    private func headError(_ value: Endpoint) -> OpError? {
        let isHead = loop.head.contains { if case .node(let index) = $0 { index == value.node } else { false } }
        guard isHead || loop.variables.contains(where: { $0.merge == value.node }) else { return nil }
        return OpError(
            .unsupported,
            "is computed with the condition of a loop, and its value in each iteration is needed for a gradient",
            node: graph.nodes[value.node].name, op: graph.nodes[value.node].op)
    }

    // MARK: Nodes

    private func raw(
        _ op: String, _ inputs: [Endpoint], _ attributes: [String: AttributeValue], _ types: [DataType],
        controls: [Int] = []
    ) throws(OpError) -> Endpoint {
        let endpoint = nodes.append(
            AddedNode(
                name: nodes.freeName("\(nodes.scope)/\(op)"), op: op, inputs: inputs, controlInputs: controls,
                attributes: attributes), types.map { TensorFact($0, .unknown) })
        outside.insert(endpoint.node)
        return endpoint
    }

    private func constant(_ value: Int32, after controls: [Int]) throws(OpError) -> Endpoint {
        try raw(
            "Const", [], ["dtype": .type(.int32), "value": .tensor(try .scalar(value))], [.int32], controls: controls)
    }

    private func enter(_ value: Endpoint, into frame: String, isConstant: Bool) throws(OpError) -> Endpoint {
        let fact = try nodes.knowledge(of: value)
        let attributes: [String: AttributeValue] = [
            "T": .type(fact.dtype), "frame_name": .bytes(Array(frame.utf8)), "is_constant": .bool(isConstant),
            "parallel_iterations": parallelIterations,
        ]
        let node = AddedNode(
            name: nodes.freeName("\(nodes.scope)/Enter"), op: "Enter", inputs: [value], attributes: attributes)
        var known = TensorFact(fact.dtype, isConstant ? fact.shape : .unknown)
        known.variable = fact.variable
        let endpoint = nodes.append(node, [known])
        outside.insert(endpoint.node)
        return endpoint
    }

    /// A `Merge` whose second input is set later.
    private func join(_ enter: Endpoint) throws(OpError) -> Endpoint {
        let type = try nodes.type(of: enter)
        return try raw("Merge", [enter, enter], ["N": .int(2), "T": .type(type)], [type, .int32])
    }
}

extension Endpoint {
    fileprivate var second: Endpoint { Endpoint(node: node, output: 1) }
}
