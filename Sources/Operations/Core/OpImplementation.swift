/// How an op is computed, as its type says. One `switch` over it takes the place of questions for each protocol.
package enum OpImplementation: Sendable {
    /// By a kernel that is made ahead, on memory that is planned.
    case kernel(any KernelOp)
    /// On whole tensors, in memory of their own.
    case tensors(any TensorOp)
    /// On the objects of a run.
    case objects(any RunOp)
    /// It gives the value of a variable.
    case readsVariable(any VariableReading)
    /// It computes from the value of the variable that its first input is a handle to.
    case consumesVariable(any VariableConsuming)
    /// It changes a variable.
    case changesVariable(any VariableWriting)
    /// It changes variables in place by a gradient.
    case trains(any TrainingOp)
    /// It asks whether a variable has a value.
    case asksVariable(any VariableQuery)
    /// It reads a lookup table: a plan computes the op that ``TableReading/bound(to:_:)`` gives.
    case readsTable(any TableReading)
    /// It gives a lookup table its content, before any run.
    case fillsTable(any TableInitializing)
    /// The request feeds its output.
    case feed(any PlaceholderOp)
    /// A plan makes a branch or a loop of it.
    case controlFlow(ControlFlow)
    /// Nothing has to be computed: its rule tells all, or it has no outputs.
    case none
}

extension OpError {
    /// A step of an op that is none: it has nothing that a run could compute.
    package static var nothingToCompute: OpError { OpError(.malformed, "has no value to compute") }
}
