internal import Kernels
package import Operations
internal import Tensors

/// The intermediate form of a graph: nodes and the values between them, for some feeds and fetches.
///
/// One type serves from import to lowering. ``PlanImporter`` makes it from a graph, ``PlanInference`` fills in facts, passes rewrite it,
/// and a copy with the feeds' shapes set is specialised and lowered to a ``Program``. Node and value numbers never change: a
/// specialised plan uses those of the plan it was copied from.
package struct Plan: Sendable {
    /// The number of a value.
    package typealias Value = Int
    /// The number of a node.
    package typealias NodeID = Int
    /// The number of a region.
    package typealias RegionID = Int

    /// The graph node that a node comes from, for errors and profiles.
    package struct Origin: Sendable {
        /// Its name.
        package let node: String
        /// Its op's name.
        package let op: String
        /// The names of other graph nodes that the node stands for: equal ones, and those that became one with it.
        package var merged: [String] = []

        /// The error with the place where it happened.
        package func locate(_ error: OpError) -> OpError { error.at(node: node, op: op) }
    }

    /// The computation of a node.
    package enum Work: Sendable {
        /// An op; with a ``Node/state`` it accesses that variable.
        case op(any Op)
        /// The first input whose guard holds, and its number, an int32.
        case merge(Merge)
        /// The evaluation of a flag. The input of a `branch` rule is its predicate.
        case flag(Int)
        /// Iterations over regions.
        case loop(Loop)
        /// An error if the run comes here.
        case failure(OpError)
    }

    /// How a merge chooses. Its inputs are the choices, its outputs the value and the number of the choice.
    package struct Merge: Sendable {
        /// When each input has a value.
        package var guards: [Guard]
        /// The number that stands for each input.
        package var places: [Int]
        /// The error where no input has a value; nil where that cannot happen.
        package let error: OpError?
    }

    /// A loop: head, test, body, head, test, body ..., head, test, tail.
    ///
    /// Inputs of its node: the variables' first values, then their next values, then the test. Outputs: the variables' current values.
    package struct Loop: Sendable {
        /// The number of variables.
        package var variableCount: Int
        /// Whether there is a test, a bool. Without one the head ends in a failure.
        package let hasTest: Bool
        package let head: RegionID
        package let body: RegionID
        package let tail: RegionID

        package var regions: [RegionID] { [head, body, tail] }
    }

    /// A computation.
    package struct Node: Sendable {
        package var work: Work
        package var inputs: [Value]
        package var outputs: [Value]
        /// When the node runs.
        package var guarded: Guard
        /// The region that the node is in.
        package let region: RegionID
        /// Effect edges: the nodes with effects, or that see effects, that this one must follow. They come earlier in its region, or in a
        /// region around it.
        package var after: [NodeID] = []
        /// The variable that the op reads or changes.
        package let state: VariableState?
        /// The other variables that the op changes: the slots of an optimizer.
        package var slots: [VariableState] = []
        package var origin: Origin
        /// Whether a control edge of the graph leads from here.
        package var isAwaited = false
        /// Whether the node is still in its region.
        package fileprivate(set) var isPresent = true

        /// The op; nil for any other work.
        package var op: (any Op)? { if case .op(let op) = work { op } else { nil } }
        /// The loop; nil for any other work.
        package var loop: Loop? { if case .loop(let loop) = work { loop } else { nil } }

        /// Whether the node does more than to give its outputs: it is never removed, merged or moved across another one.
        package var hasEffect: Bool {
            switch work {
            case .op(let op): op.traits.containsAny(of: [.effect, .changesVariable])
            case .failure: true
            case .merge, .flag, .loop: false
            }
        }

        /// Leaves a merge fewer choices.
        mutating func keep(_ choices: [Int], of merge: Merge) {
            inputs = choices.map { inputs[$0] }
            work = .merge(
                Merge(
                    guards: choices.map { merge.guards[$0] }, places: choices.map { merge.places[$0] },
                    error: merge.error))
        }

        /// Whether it matters before and after which effects the node runs.
        package var isOrdered: Bool {
            if case .op(let op) = work, op.traits.containsAny(of: [.random, .state]) { return true }
            return state != nil || hasEffect
        }
    }

    /// Nodes that run one after another.
    package struct Region: Sendable {
        package fileprivate(set) var nodes: [NodeID] = []
        /// The loop that it is a part of; nil for the outermost.
        package internal(set) var loop: NodeID?
        /// The largest place of its nodes.
        fileprivate var end = 0
        /// Nodes at the end of the list belong to other places, until ``compact()``.
        fileprivate var isUnsorted = false
    }

    /// Where a node is in its region.
    ///
    /// Numbers with gaps, so that a node is inserted without looking at the others: a list that is searched and moved for each
    /// insertion would take the square of the number of nodes.
    private struct Place {
        /// Grows in the order in which nodes run.
        var number: Int
        /// No node is between this number and the node.
        var floor: Int

        static let gap = 1 << 32
    }

    /// The outermost region.
    package static let outermost: RegionID = 0
    /// Who uses a value, where a fetch does.
    static let fetchUse: NodeID = -1

    package private(set) var nodes: [Node] = []
    private var places: [Place] = []
    package private(set) var regions: [Region] = [Region()]
    /// What is known of each value; a constant has its elements.
    package internal(set) var facts: [TensorFact] = []
    /// The node that computes each value; nil for feeds and constants.
    package private(set) var producers: [NodeID?] = []
    /// The nodes that use each value, once for each use; ``fetchUse`` for a fetch. Between a removal and ``compact()`` nodes may be among
    /// them that use the value no more.
    package private(set) var uses: [[NodeID]] = []
    /// Values that nodes may be noted for as users that are none any more.
    private var staleUses: Set<Value> = []
    /// How each flag comes to be up.
    package internal(set) var flagRules: [FlagRule] = []
    /// Whether each flag is up, where that is known.
    package internal(set) var flagStates: [Bool?] = []
    /// The value of each feed, in the callable's order.
    package internal(set) var feeds: [Value] = []
    /// The value of each fetch, in the callable's order.
    package private(set) var fetches: [Fetch] = []
    /// Variables whose values are constants of the plan.
    package internal(set) var constantVariables: Set<String> = []
    /// The variables that it reads, what it derives from them, and what it takes for true of a version.
    package internal(set) var weights = PlanWeights()
    /// Nodes for which a pass made a patch whose conditions the version's weights do not fulfil, by the pass's name.
    var refusals: [String: Set<NodeID>] = [:]
    /// The bytes of the constants that are neither the graph's nor variables.
    package internal(set) var foldedBytes = 0

    /// A value that the caller gets.
    package struct Fetch: Sendable {
        package var value: Value
        /// When there is a value.
        package var guarded: Guard
        /// The tensor's name, for messages.
        package let name: String
    }
}

/// Editing.
extension Plan {
    /// Adds a value that nobody computes: a feed, or a constant.
    package mutating func addValue(_ fact: TensorFact) -> Value {
        facts.append(fact)
        producers.append(nil)
        uses.append([])
        return facts.count - 1
    }

    /// Adds a region without nodes.
    mutating func addRegion() -> RegionID {
        regions.append(Region())
        return regions.count - 1
    }

    /// Adds a node at the end of its region.
    @discardableResult
    mutating func append(_ node: Node) -> NodeID {
        let end = regions[node.region].end
        let id = register(node, Place(number: end + Place.gap, floor: end))
        regions[node.region].nodes.append(id)
        regions[node.region].end = end + Place.gap
        return id
    }

    /// Adds a node before another one of its region; at the end, if the other one is in another region.
    ///
    /// It is at the end of the region's list until ``compact()``.
    @discardableResult
    mutating func insert(_ node: Node, before other: NodeID) -> NodeID {
        guard nodes[other].region == node.region else { return append(node) }
        if places[other].number - places[other].floor < 2 { sort(node.region) }
        let gap = places[other].number - places[other].floor
        // Near the floor: most insertions before a node follow each other.
        let place = Place(number: places[other].floor + max(1, gap >> 10), floor: places[other].floor)
        let id = register(node, place)
        places[other].floor = place.number
        regions[node.region].nodes.append(id)
        regions[node.region].isUnsorted = true
        return id
    }

    /// Sorts a region's list by places, and numbers the places anew.
    private mutating func sort(_ region: RegionID) {
        let sorted = regions[region].nodes.sorted { places[$0].number < places[$1].number }
        for (index, id) in sorted.enumerated() {
            places[id] = Place(number: (index + 1) * Place.gap, floor: index * Place.gap)
        }
        regions[region].nodes = sorted
        regions[region].end = sorted.count * Place.gap
        regions[region].isUnsorted = false
    }

    /// Whether a node runs before another one of its region.
    func runs(_ node: NodeID, before other: NodeID) -> Bool { places[node].number < places[other].number }

    private mutating func register(_ node: Node, _ place: Place) -> NodeID {
        let id = nodes.count
        nodes.append(node)
        places.append(place)
        for value in node.inputs { uses[value].append(id) }
        for value in node.outputs { producers[value] = id }
        if let loop = node.loop { for region in loop.regions { regions[region].loop = id } }
        return id
    }

    /// Adds a fetch.
    mutating func fetch(_ value: Value, _ guarded: Guard, name: String) {
        fetches.append(Fetch(value: value, guarded: guarded, name: name))
        uses[value].append(Self.fetchUse)
    }

    /// Lets all who use a value use another one.
    mutating func replace(_ old: Value, with new: Value) {
        guard old != new else { return }
        let users = uses[old]
        uses[old] = []
        uses[new] += users.filter { $0 == Self.fetchUse || nodes[$0].isPresent }
        if staleUses.contains(old) { staleUses.insert(new) }
        var isFetched = false
        for user in users {
            guard user != Self.fetchUse else {
                isFetched = true
                continue
            }
            guard nodes[user].isPresent else { continue }
            for index in nodes[user].inputs.indices where nodes[user].inputs[index] == old {
                nodes[user].inputs[index] = new
            }
            if case .flag(let flag) = nodes[user].work,
                case .branch(let predicate, let side, let base) = flagRules[flag],
                predicate == old
            {
                flagRules[flag] = .branch(predicate: new, side: side, base: base)
            }
        }
        guard isFetched else { return }
        for index in fetches.indices where fetches[index].value == old { fetches[index].value = new }
    }

    /// Changes a node's work, inputs or guard.
    mutating func change(_ id: NodeID, _ change: (inout Node) -> Void) {
        let before = nodes[id].inputs
        change(&nodes[id])
        if case .failure = nodes[id].work { for value in nodes[id].outputs { producers[value] = nil } }
        guard nodes[id].inputs != before else { return }
        let kept = Set(before)
        staleUses.formUnion(before)
        for value in nodes[id].inputs where !kept.contains(value) { uses[value].append(id) }
    }

    mutating func setGuard(ofFetch index: Int, _ guarded: Guard) { fetches[index].guarded = guarded }

    /// Removes nodes, with the regions of loops among them. What they computed is a constant, or nobody uses it.
    ///
    /// They stay in the lists of their regions until ``compact()``.
    mutating func remove(_ removed: some Sequence<NodeID>) {
        var open = Array(removed)
        while let id = open.popLast() {
            guard nodes[id].isPresent else { continue }
            nodes[id].isPresent = false
            staleUses.formUnion(nodes[id].inputs)
            for value in nodes[id].outputs { producers[value] = nil }
            if let loop = nodes[id].loop { for region in loop.regions { open += regions[region].nodes } }
        }
    }

    /// Takes the nodes that are gone out of the lists of their regions, and those that are new to their places.
    mutating func compact() {
        for region in regions.indices {
            regions[region].nodes.removeAll { !nodes[$0].isPresent }
            if regions[region].isUnsorted { sort(region) }
        }
        // All at once: to look for each user of a value with many of them would take the square of their number.
        for value in staleUses {
            uses[value].removeAll { user in
                user != Self.fetchUse && !(nodes[user].isPresent && nodes[user].inputs.contains(value))
            }
        }
        staleUses = []
        bridgeEffects()
    }

    /// Leads effect edges past nodes that are gone.
    private mutating func bridgeEffects() {
        for id in nodes.indices where nodes[id].isPresent && nodes[id].after.contains(where: { !nodes[$0].isPresent }) {
            var after: [NodeID] = []
            for earlier in nodes[id].after {
                // Those before it lead past what is gone already: node numbers grow along effect edges.
                after += nodes[earlier].isPresent ? [earlier] : nodes[earlier].after
            }
            nodes[id].after = Array(Set(after)).sorted()
        }
    }
}

/// Weights.
extension Plan {
    /// The weights that runs read.
    package var usedWeights: [WeightID] {
        var used = fetches.compactMap { facts[$0.value].weight }
        for node in nodes where node.isPresent {
            for value in node.inputs { if let weight = facts[value].weight { used.append(weight) } }
        }
        return used
    }

    /// Forgets the elements of what nobody uses any more: intermediate results of folding. Call it when all passes have run.
    mutating func trim() {
        var isUsed = facts.map { _ in false }
        for value in feeds { isUsed[value] = true }
        for fetch in fetches { isUsed[fetch.value] = true }
        for node in nodes where node.isPresent { for value in node.inputs + node.outputs { isUsed[value] = true } }
        for value in facts.indices where !isUsed[value] { facts[value].forgetElements() }
        let numbers = weights.trim(to: facts.compactMap(\.weight))
        for value in facts.indices {
            guard let weight = facts[value].weight, let number = numbers[weight.expression] else { continue }
            facts[value].weight = WeightID(expression: number, output: weight.output)
        }
    }
}

/// Looking.
extension Plan {
    /// All nodes that are present, in the order in which they run; those of a loop follow it: head, body, tail.
    package var schedule: [NodeID] {
        var order: [NodeID] = []
        order.reserveCapacity(nodes.count)
        // No recursion is needed for depth's sake, as loops are nested only so deep; it keeps the order plain.
        func add(_ region: RegionID) {
            for id in regions[region].nodes where nodes[id].isPresent {
                order.append(id)
                if let loop = nodes[id].loop { for region in loop.regions { add(region) } }
            }
        }
        add(Self.outermost)
        return order
    }

    /// The loops around a region, outermost first.
    package func loops(around region: RegionID) -> [NodeID] {
        var result: [NodeID] = []
        var region = region
        while let loop = regions[region].loop {
            result.append(loop)
            region = nodes[loop].region
        }
        return result.reversed()
    }

    /// Whether something holds, where that is known.
    package func state(of guarded: Guard) -> Bool? {
        switch guarded {
        case .always: true
        case .never: false
        case .flag(let flag): flagStates.indices.contains(flag) ? flagStates[flag] : nil
        }
    }

    /// Whether a value is a constant or a weight, or a handle of which is known what it stands for: no run computes it.
    package func isKnown(_ value: Value) -> Bool { facts[value].isKnown }
}
