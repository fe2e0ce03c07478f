package import Graphs
package import Operations

/// A part of a graph in the order in which it runs: a node, or a whole loop.
package indirect enum GraphUnit {
    case node(Int)
    case loop(GraphLoop)
}

/// A loop as `tf.while_loop` builds it. All members are places in the graph.
package struct GraphLoop {
    /// A tensor that changes from one iteration to the next.
    package struct Variable {
        /// Its `Merge`: what the iterations read.
        package let merge: Int
        /// Where its first value comes from.
        package let enter: Int
        /// Where its next value comes from.
        package let next: Int
    }

    package let name: String
    package let enters: [Int]
    package let variables: [Variable]
    /// The `LoopCond`.
    package let condition: Int
    /// What is computed before the condition is known, every time.
    package var head: [GraphUnit] = []
    /// What depends on the condition: each is a value of the head, in the body and after the loop.
    package var switches: [Int] = []
    /// What is computed in an iteration.
    package var body: [GraphUnit] = []
    /// What is computed after the last one.
    package var tail: [GraphUnit] = []
    package let exits: [Int]
}

/// Finds the loops of a subgraph, and an order in which each loop is one piece.
///
/// Frames are TensorFlow's: an `Enter` leads into the frame that it names, an `Exit` out of it; all else stays where its inputs
/// are. A loop within a loop is a piece of the outer one.
package struct LoopNesting {
    private struct Frame {
        let name: String
        /// The frame around it; nil for the outermost.
        let parent: Int?
        let depth: Int
        var enters: [Int] = []
        var exits: [Int] = []
        var merges: [Int] = []
        var condition: Int?
        /// Units on this level, as they first come.
        var members: [Int] = []
    }

    private enum Part: Int { case head, body, tail }

    private struct Edge {
        let unit: Int
        let part: Part
    }

    /// How many loops may be in each other; a piece of a loop is built by calls as deep as that.
    private static let maxDepth = 64

    private let graph: Graph
    private let subgraph: Subgraph
    private var frames = [Frame(name: "", parent: nil, depth: 0)]
    private var frameNumbers: [[String]: Int] = [:]
    /// The frame that a node runs in: an `Enter`'s and an `Exit`'s is the loop's.
    private var homes: [Int: Int] = [:]
    /// What each unit waits for, on its own level. A unit is a node's place, or the number of nodes plus a frame's number.
    private var edges: [Int: [Edge]] = [:]

    /// The units of a subgraph, in order.
    ///
    /// - Throws: ``OpError``: `unsupported` for a loop that `tf.while_loop` does not build.
    package static func units(
        of subgraph: Subgraph, in graph: Graph, fetches: [Endpoint]
    ) throws(OpError) -> (units: [GraphUnit], fetchesInLoops: [Endpoint]) {
        guard
            subgraph.order.contains(where: { graph.nodes[$0].isEnter || graph.nodes[$0].isNextIteration })
        else {
            return (subgraph.order.map { .node($0) }, [])
        }
        var nesting = LoopNesting(graph, subgraph)
        for node in subgraph.order { try nesting.place(node) }
        for node in subgraph.order { try nesting.connect(node) }
        let units = try nesting.sorted(0).map { (unit) throws(OpError) in try nesting.unit(unit) }
        return (units, fetches.filter { nesting.outputFrame($0.node) != 0 })
    }

    private init(_ graph: Graph, _ subgraph: Subgraph) {
        self.graph = graph
        self.subgraph = subgraph
    }

    private func error(_ node: Int, _ reason: String) -> OpError {
        OpError(.unsupported, reason, node: graph.nodes[node].name, op: graph.nodes[node].op)
    }

    /// The frame of a node's outputs.
    private func outputFrame(_ node: Int) -> Int {
        let home = homes[node] ?? 0
        return graph.nodes[node].isExit ? frames[home].parent ?? 0 : home
    }

    private mutating func place(_ index: Int) throws(OpError) {
        let node = graph.nodes[index]
        var frame = 0
        for dependency in subgraph.dependencies[index] ?? [] {
            let other = outputFrame(dependency.node)
            if frames[other].depth > frames[frame].depth { frame = other }
        }
        for dependency in subgraph.dependencies[index] ?? [] {
            guard isAround(outputFrame(dependency.node), frame) else {
                throw error(index, "takes values out of a loop that it is not in")
            }
        }
        if node.isEnter {
            let op = try Self.controlFlow(node)
            guard case .enter(let name, _) = op.kind else { throw error(index, "does not name a frame") }
            guard frames[frame].depth < Self.maxDepth else {
                throw error(index, "is in more than \(Self.maxDepth) loops, one in another")
            }
            frame = self.frame(named: name, in: frame)
            frames[frame].enters.append(index)
        } else if node.isExit {
            guard frame != 0 else { throw error(index, "stands outside of a loop") }
            frames[frame].exits.append(index)
        } else if node.op == "LoopCond" {
            guard frame != 0, frames[frame].condition == nil else {
                throw error(index, "is not the one condition of a loop")
            }
            frames[frame].condition = index
        } else if node.isMerge, node.inputs.contains(where: isNextIteration) {
            guard frame != 0 else { throw error(index, "joins values of a loop outside of one") }
            frames[frame].merges.append(index)
        }
        homes[index] = frame
    }

    /// Whether one frame is another one, or around it.
    private func isAround(_ outer: Int, _ inner: Int) -> Bool {
        var frame = inner
        while frames[frame].depth > frames[outer].depth, let parent = frames[frame].parent { frame = parent }
        return frame == outer
    }

    private func isNextIteration(_ input: NodeInput) -> Bool {
        if case .endpoint(let endpoint) = input { graph.nodes[endpoint.node].isNextIteration } else { false }
    }

    private static func controlFlow(_ node: Node) throws(OpError) -> ControlFlow {
        guard let op = try OpTable.entries[node.op]?.make(NodeReader(node)) as? ControlFlow else {
            throw OpError(.unsupported, "is not supported", node: node.name, op: node.op)
        }
        return op
    }

    private mutating func frame(named name: String, in parent: Int) -> Int {
        let key = ["\(parent)", name]
        if let known = frameNumbers[key] { return known }
        frames.append(Frame(name: name, parent: parent, depth: frames[parent].depth + 1))
        frameNumbers[key] = frames.count - 1
        return frames.count - 1
    }

    /// What stands for a node on a level: the node, or the loop on that level that it is in.
    private func unit(_ node: Int, in level: Int) -> Int? {
        var frame = homes[node] ?? 0
        if frame == level { return node }
        while let parent = frames[frame].parent {
            if parent == level { return graph.nodes.count + frame }
            frame = parent
        }
        return nil
    }

    private mutating func connect(_ index: Int) throws(OpError) {
        register(index)
        for dependency in subgraph.dependencies[index] ?? [] {
            var level = homes[index] ?? 0
            while unit(dependency.node, in: level) == nil, let parent = frames[level].parent { level = parent }
            guard let from = unit(dependency.node, in: level), let to = unit(index, in: level) else { continue }
            if from != to { edges[to, default: []].append(Edge(unit: from, part: part(of: dependency, in: level))) }
        }
    }

    /// Makes the node, and the loops around it, members of their levels.
    private mutating func register(_ index: Int) {
        var unit = index
        var level = homes[index] ?? 0
        while edges[unit] == nil {
            edges[unit] = []
            frames[level].members.append(unit)
            guard let parent = frames[level].parent else { return }
            unit = graph.nodes.count + level
            level = parent
        }
    }

    /// The part of the loop that an edge leads to: the sides of a `Switch` on the loop's condition are its body and its end.
    private func part(of dependency: Subgraph.Dependency, in level: Int) -> Part {
        guard let output = dependency.output, homes[dependency.node] == level,
            isLoopSwitch(dependency.node, condition: frames[level].condition)
        else { return .head }
        return output == 1 ? .body : .tail
    }

    private func isLoopSwitch(_ index: Int, condition: Int?) -> Bool {
        let node = graph.nodes[index]
        guard node.isSwitch, node.inputs.count == 2, case .endpoint(let predicate) = node.inputs[1] else {
            return false
        }
        return predicate.node == condition
    }

    /// A level's units, each after those that it waits for.
    private func sorted(_ level: Int) throws(OpError) -> [Int] {
        var done: Set<Int> = []
        var open: Set<Int> = []
        var result: [Int] = []
        for member in frames[level].members where !done.contains(member) {
            var stack = [member]
            while let top = stack.last {
                if done.contains(top) {
                    stack.removeLast()
                    continue
                }
                let waiting = (edges[top] ?? []).map(\.unit).filter { !done.contains($0) }
                if waiting.isEmpty {
                    done.insert(top)
                    result.append(top)
                    stack.removeLast()
                } else {
                    guard open.insert(top).inserted else {
                        throw OpError(.unsupported, "two loops wait for each other near \(describe(top))")
                    }
                    stack += waiting.reversed()
                }
            }
        }
        return result
    }

    private func describe(_ unit: Int) -> String {
        unit < graph.nodes.count
            ? "node \"\(graph.nodes[unit].name)\"" : "loop \"\(frames[unit - graph.nodes.count].name)\""
    }

    private func unit(_ unit: Int) throws(OpError) -> GraphUnit {
        unit < graph.nodes.count ? .node(unit) : .loop(try loop(unit - graph.nodes.count))
    }

    private func loop(_ number: Int) throws(OpError) -> GraphLoop {
        let frame = frames[number]
        guard let condition = frame.condition else {
            throw error(frame.enters.first ?? 0, "leads into a loop without a condition (LoopCond)")
        }
        var loop = GraphLoop(
            name: frame.name, enters: frame.enters,
            variables: try frame.merges.map { (merge) throws(OpError) in try variable(merge) },
            condition: condition,
            exits: frame.exits)
        let special = Set(frame.enters + frame.merges + frame.exits + [condition])
        var parts: [Int: Part] = [:]
        for member in try sorted(number) {
            var found: Set<Part> = []
            for edge in edges[member] ?? [] {
                found.insert(edge.part == .head ? parts[edge.unit] ?? .head : edge.part)
            }
            guard !found.isSuperset(of: [.body, .tail]) else {
                throw OpError(.unsupported, "\(describe(member)) belongs to a loop's body and to its end")
            }
            let part: Part = found.contains(.body) ? .body : found.contains(.tail) ? .tail : .head
            parts[member] = part
            if member < graph.nodes.count {
                let node = graph.nodes[member]
                guard !(node.isExit && part == .body), !(node.isNextIteration && part == .tail) else {
                    throw error(member, "is on the wrong side of its loop's condition")
                }
            }
            if special.contains(member) { continue }
            if member < graph.nodes.count, graph.nodes[member].isNextIteration { continue }
            if member < graph.nodes.count, isLoopSwitch(member, condition: condition) {
                guard part == .head else { throw error(member, "hangs twice on a loop's condition") }
                loop.switches.append(member)
                continue
            }
            switch part {
            case .head: loop.head.append(try unit(member))
            case .body: loop.body.append(try unit(member))
            case .tail: loop.tail.append(try unit(member))
            }
        }
        guard parts[condition] == .head else { throw error(condition, "hangs on what it decides about") }
        return loop
    }

    /// A loop's `Merge` has one input from an `Enter`, and one from a `NextIteration`.
    private func variable(_ merge: Int) throws(OpError) -> GraphLoop.Variable {
        var enter: Int?
        var next: Int?
        for input in graph.nodes[merge].inputs {
            guard case .endpoint(let endpoint) = input else { continue }
            if graph.nodes[endpoint.node].isNextIteration { next = endpoint.node } else { enter = endpoint.node }
        }
        guard let enter, let next, graph.nodes[merge].inputs.count == 2, graph.nodes[enter].isEnter,
            homes[enter] == homes[merge], homes[next] == homes[merge]
        else {
            throw error(merge, "does not join a loop's first value and its next one")
        }
        return GraphLoop.Variable(merge: merge, enter: enter, next: next)
    }
}
