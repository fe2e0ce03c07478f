internal import Operations
internal import Synchronization
internal import Tensors

/// The value of a variable that a graph changes: a run reads a whole tensor, and a change puts another one in its place.
final class VariableState: Sendable {
    let reference: VariableReference
    private let value: Mutex<Tensor?>

    init(_ reference: VariableReference, _ initial: Tensor?) {
        self.reference = reference
        value = Mutex(initial)
    }

    /// The value now; nil where it has none.
    var current: Tensor? { value.withLock { $0 } }

    /// Changes the value. Nobody else changes it meanwhile; who read it before keeps what he read.
    ///
    /// - Returns: The new value.
    func update(_ change: (Tensor?) throws(CompileError) -> Tensor) throws(CompileError) -> Tensor {
        try value.withLock { (value) throws(CompileError) in
            let new = try change(value)
            value = new
            return new
        }
    }
}

/// The variables of a session: those that no plan changes are constants to all plans, the others have a state. In a read-only
/// session all are constants.
final class VariableStates: Sendable {
    /// Why runs may not assign variables, and what to do about it; nil where they may.
    let readOnlyReason: String?
    private let source: any VariableSource
    private let states = Mutex<[String: VariableState]>([:])
    /// How many variables have a state: a plan that is older may hold one of them for a constant.
    private let count = Atomic<Int>(0)

    init(_ source: any VariableSource, readOnlyReason: String? = nil) {
        self.source = source
        self.readOnlyReason = readOnlyReason
    }

    /// Changes when a variable turns out to be changed by a plan.
    var generation: Int { count.load(ordering: .acquiring) }

    /// The state of a variable; nil where it is a constant.
    func state(of name: String) -> VariableState? { states.withLock { $0[name] } }

    /// Gives a variable a state: from now on plans read it when they run.
    func makeMutable(_ reference: VariableReference) throws(CompileError) {
        guard state(of: reference.name) == nil else { return }
        let initial: Tensor?
        do throws(CompileError) { initial = try source.value(of: reference) } catch {
            // A variable that the checkpoint does not have can be assigned.
            guard error.kind == .missingVariable else { throw error }
            initial = nil
        }
        states.withLock { states in
            if states[reference.name] == nil { states[reference.name] = VariableState(reference, initial) }
        }
        count.add(1, ordering: .acquiringAndReleasing)
    }

    /// The value of a variable that nothing changes.
    func constant(_ reference: VariableReference) throws(CompileError) -> Tensor { try source.value(of: reference) }
}
