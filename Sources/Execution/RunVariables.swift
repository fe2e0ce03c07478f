internal import Operations
internal import Planning
internal import Tensors
internal import Threads

/// The variables as one run sees them: all as they were at its first look, and what it has assigned itself.
///
/// What a run assigns is seen by others when the run has succeeded, all of it at once. From its first assignment to its end no other run
/// of the session assigns, so that additions of several runs all count; reading waits for nobody.
struct RunVariables {
    private var seen: VariableSnapshot?
    private var assigned: [Int: Tensor] = [:]
    /// The values whose turn the run has.
    private var values: VariableValues?

    /// The value of a variable; nil where it has none.
    mutating func value(of state: VariableState) -> Tensor? { assigned[state.index] ?? snapshot(state)[state] }

    private mutating func snapshot(_ state: VariableState) -> VariableSnapshot {
        if let seen { return seen }
        let new = state.values.snapshot
        seen = new
        return new
    }

    /// Changes a value, for this run alone until ``publish()``.
    ///
    /// - Parameters:
    ///   - state: The variable.
    ///   - limits: How long to wait for other runs that assign.
    ///   - change: Gets the value, which is nil where there is none, and gives the new one.
    /// - Throws: What `change` throws; ``OpError`` where the limits were reached.
    mutating func update(
        _ state: VariableState, within limits: RunLimits, _ change: (Tensor?) throws(OpError) -> Tensor
    ) throws(OpError) {
        if values == nil {
            try takeTurn([state], within: limits)
            // What others have assigned since the first look counts.
            seen = state.values.snapshot
        }
        assigned[state.index] = try change(value(of: state))
    }

    /// Takes the values of variables, to be changed in place. ``put(_:of:)`` must follow.
    ///
    /// Whoever has seen the values before keeps them: they are copied then.
    ///
    /// - Throws: ``OpError`` where a variable has no value, or the limits were reached.
    mutating func take(_ states: [VariableState], within limits: RunLimits) throws(OpError) -> [Tensor] {
        try takeTurn(states, within: limits)
        // The values are referred to from here no more.
        seen = nil
        var taken: [Tensor?] = []
        for state in states {
            taken.append(assigned.removeValue(forKey: state.index) ?? state.values.take(at: [state.index])[0])
        }
        do throws(OpError) {
            for (index, state) in states.enumerated() {
                guard var value = taken[index] else {
                    throw OpError.noValue(state.reference.name)
                }
                taken[index] = nil
                if !value.isSoleOwner() { value = try value.copied() }
                taken[index] = value
            }
        } catch {
            values?.put(taken, at: states.map(\.index))
            throw error
        }
        return taken.compactMap { $0 }
    }

    /// Puts values back, which others see from now on.
    mutating func put(_ taken: [Tensor], of states: [VariableState]) {
        values?.put(taken, at: states.map(\.index))
    }

    /// Lets others see what was assigned, and assign.
    mutating func publish() {
        values?.replace(assigned)
        end()
    }

    /// Forgets what was assigned, and lets others assign.
    mutating func discard() { end() }

    private mutating func takeTurn(_ states: [VariableState], within limits: RunLimits) throws(OpError) {
        guard values == nil, let state = states.first else { return }
        guard state.values.turn.take(within: limits) else {
            throw limits.error("another request was still assigning variables")
        }
        values = state.values
    }

    private mutating func end() {
        assigned = [:]
        values?.turn.give()
        values = nil
    }
}
