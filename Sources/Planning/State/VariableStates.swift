package import Graphs
package import Operations
internal import Synchronization
package import Tensors
package import Threads

/// A variable that a graph changes.
package final class VariableState: Sendable {
    package let reference: VariableReference
    /// The shape that its values have; unknown where an assignment may change it.
    package let shape: PartialShape
    /// Its place among the values.
    package let index: Int
    package let values: VariableValues

    init(_ reference: VariableReference, shape: PartialShape, index: Int, _ values: VariableValues) {
        self.reference = reference
        self.shape = shape
        self.index = index
        self.values = values
    }
}

/// The values of a session's variables, as they were at one time. A change puts another tensor in the place of one.
package struct VariableSnapshot: Sendable {
    fileprivate var values: [Tensor?] = []

    /// The value of a variable; nil where it has none.
    package subscript(state: VariableState) -> Tensor? {
        values.indices.contains(state.index) ? values[state.index] : nil
    }
}

/// The values now of the variables that have a state.
package final class VariableValues: Sendable {
    /// Who has it may replace values.
    package let turn = ExclusiveTurn()
    private let current = Mutex(VariableSnapshot())

    /// All values as they are now.
    package var snapshot: VariableSnapshot { current.withLock { $0 } }

    /// Adds a variable.
    ///
    /// - Returns: Its place.
    fileprivate func add(_ value: Tensor?) -> Int {
        current.withLock { snapshot in
            snapshot.values.append(value)
            return snapshot.values.count - 1
        }
    }

    /// Takes values out to change them in place; nil where there is none. ``put(_:at:)`` must follow. Until then others see no value.
    package func take(at indices: [Int]) -> [Tensor?] {
        current.withLock { snapshot in
            indices.map { index in
                guard snapshot.values.indices.contains(index) else { return nil }
                defer { snapshot.values[index] = nil }
                return snapshot.values[index]
            }
        }
    }

    /// Puts values back.
    package func put(_ values: [Tensor?], at indices: [Int]) {
        current.withLock { snapshot in
            for (index, value) in zip(indices, values) where snapshot.values.indices.contains(index) {
                snapshot.values[index] = value
            }
        }
    }

    /// Replaces values by their places, all at once; those replaced go once nobody sees them any more.
    package func replace(_ new: [Int: Tensor]) {
        var replaced: [Tensor?] = []
        current.withLock { snapshot in
            for (index, value) in new where snapshot.values.indices.contains(index) {
                replaced.append(snapshot.values[index])
                snapshot.values[index] = value
            }
        }
        // Freed here, not under the lock.
        replaced = []
    }
}

/// The variables of a session: those that no plan changes are constants to all plans, the others have a state. In a read-only
/// session all are constants.
package final class VariableStates: Sendable {
    /// Why runs may not assign variables, and what to do about it; nil where they may.
    package let readOnlyReason: String?
    /// Whether runs may apply gradients to variables.
    package let areTrained: Bool
    private let source: any VariableSource
    /// The variables that nothing changes, and what plans derive from them.
    package let weights: WeightStore
    private let states = Mutex<[String: VariableState]>([:])
    private let values = VariableValues()
    /// Variables whose shape some assignment of the graph may change.
    private let reshaped: Set<String>
    /// How many variables have a state: a plan that is older may hold one of them for a constant.
    private let count = Atomic<Int>(0)

    package init(
        _ source: any VariableSource, graph: Graph, readOnlyReason: String? = nil, areTrained: Bool = false,
        helpers: (any HelperSource)? = nil
    ) {
        self.areTrained = areTrained
        self.source = source
        weights = WeightStore(source, helpers: helpers)
        self.readOnlyReason = readOnlyReason
        reshaped = readOnlyReason == nil ? VariableTrace.reshapedVariables(in: graph) : []
    }

    /// Changes when a variable turns out to be changed by a plan.
    package var generation: Int { count.load(ordering: .acquiring) }

    /// The state of a variable; nil where it is a constant.
    package func state(of name: String) -> VariableState? { states.withLock { $0[name] } }

    /// Makes a state for a variable. From now on, plans read the variable when they run.
    func makeMutable(_ reference: VariableReference) throws(OpError) {
        guard state(of: reference.name) == nil else { return }
        let initial: Tensor?
        do throws(OpError) { initial = try source.value(of: reference) } catch {
            // A variable that the checkpoint does not have can be assigned.
            guard error.kind == .missingVariable else { throw error }
            initial = nil
        }
        states.withLock { states in
            guard states[reference.name] == nil else { return }
            states[reference.name] = VariableState(
                reference, shape: reshaped.contains(reference.name) ? .unknown : reference.shape,
                index: values.add(initial), values)
        }
        count.add(1, ordering: .acquiringAndReleasing)
    }

    /// The value of a variable now: what runs have made of it, else what the source has.
    ///
    /// - Throws: ``OpError`` of kind `missingVariable` where it has none.
    package func value(of reference: VariableReference) throws(OpError) -> Tensor {
        guard let state = state(of: reference.name) else { return try source.value(of: reference) }
        // A run that trains has taken values out until its turn ends.
        guard values.turn.take(within: .none) else { throw .noValue(reference.name) }
        defer { values.turn.give() }
        guard let value = values.snapshot[state] else { throw .noValue(reference.name) }
        return value
    }

    /// Gives variables other values, all at once. Plans read them from now on when they run.
    ///
    /// - Throws: ``OpError`` of kind `invalidArgument` where a value has another dtype, or a shape that the variable cannot have.
    package func assign(_ new: [(variable: VariableReference, value: Tensor)]) throws(OpError) {
        for (variable, value) in new where value.dtype != variable.dtype || !variable.shape.admits(value.shape) {
            throw OpError.invalid(
                "variable \"\(variable.name)\": expected \(variable.dtype) \(variable.shape), "
                    + "got \(value.dtype) \(value.shape)")
        }
        var replaced: [Int: Tensor] = [:]
        for (variable, value) in new {
            try makeMutable(variable)
            if let state = state(of: variable.name) { replaced[state.index] = value }
        }
        guard values.turn.take(within: .none) else { return }
        defer { values.turn.give() }
        values.replace(replaced)
    }

    /// The value of a variable that nothing changes.
    func constant(_ reference: VariableReference) throws(OpError) -> Tensor { try source.value(of: reference) }
}

extension OpError {
    /// A variable was read that was neither restored nor assigned.
    package static func noValue(_ variable: String) -> OpError {
        OpError(.missingVariable, "the variable \"\(variable)\" has no value yet")
    }
}

/// Which variables a graph's assignments change.
enum VariableTrace {
    /// How far the way to a variable is followed: through loops and calls, some nodes for each.
    private static let maxSteps = 4096

    /// The variable at the beginning of what leads to one of a node's inputs.
    static func reference(of index: Int, input: Int = 0, in graph: Graph) -> VariableReference? {
        var (place, input) = (index, input)
        for _ in 0..<maxSteps {
            let inputs = graph.nodes[place].inputs
            guard inputs.indices.contains(input), case .endpoint(let endpoint) = inputs[input] else { return nil }
            let node = graph.nodes[endpoint.node]
            if node.inputs.isEmpty {
                let op = try? OpTable.entries[node.op]?.make(NodeReader(node))
                return try? op?.outputs(for: []).first?.variable
            }
            (place, input) = (endpoint.node, 0)
        }
        return nil
    }

    /// The names of variables that are assigned with `validate_shape` false: they may get another shape.
    static func reshapedVariables(in graph: Graph) -> Set<String> {
        var names: Set<String> = []
        for index in graph.nodes.indices where graph.nodes[index].op == "Assign" {
            let validates = (try? NodeReader(graph.nodes[index]).bool("validate_shape", default: true)) ?? true
            if !validates, let reference = reference(of: index, in: graph) { names.insert(reference.name) }
        }
        return names
    }
}
