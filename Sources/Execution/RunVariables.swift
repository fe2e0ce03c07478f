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
            guard state.values.turn.take(within: limits) else {
                throw limits.error("another request was still assigning variables")
            }
            values = state.values
            // What others have assigned since the first look counts.
            seen = state.values.snapshot
        }
        assigned[state.index] = try change(value(of: state))
    }

    /// Lets others see what was assigned, and assign.
    mutating func publish() {
        values?.replace(assigned)
        end()
    }

    /// Forgets what was assigned, and lets others assign.
    mutating func discard() { end() }

    private mutating func end() {
        assigned = [:]
        values?.turn.give()
        values = nil
    }
}
