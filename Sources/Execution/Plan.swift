internal import Kernels
internal import Operations
internal import Tensors

/// What has to be computed for some fetches from some feeds, whatever the feeds' shapes: pruned, ordered, constants folded,
/// loops found. Values are numbered through the plan.
struct Plan: Sendable {
    /// An op to run.
    struct Step: Sendable {
        let op: any Op
        let node: String
        let opName: String
        let inputs: [Int]
        let outputs: [Int]
        let liveness: Liveness
        /// The variable that the step reads or changes.
        var state: VariableState?

        /// The error with the place where it happened.
        func locate(_ error: OpError) -> OpError { error.at(node: node, op: opName) }
    }

    /// Takes the first of some values that is alive.
    struct Merge: Sendable {
        let inputs: [(value: Int, liveness: Liveness)]
        let output: Int
        /// An int32: which it was.
        let index: Int
        let liveness: Liveness
        /// What is wrong where none of them is alive; nil where that cannot be.
        var error: OpError?
    }

    /// A loop: head, test, body, head, test, body ..., head, test, tail.
    struct Loop: Sendable {
        /// A value that changes from one iteration to the next.
        struct Variable: Sendable {
            let initial: Int
            let current: Int
            let next: Int
        }

        let variables: [Variable]
        let head: [Item]
        /// A bool: whether there is one more iteration. nil where that cannot be computed: the head ends in a failure.
        let test: Int?
        let body: [Item]
        let tail: [Item]
        let liveness: Liveness
    }

    /// What a plan consists of.
    indirect enum Item: Sendable {
        /// A step, by its place in ``Plan/steps``.
        case step(Int)
        /// Work out the state of a flag.
        case flag(Int)
        case merge(Merge)
        case loop(Loop)
        /// A node that cannot be computed; no error unless the run comes here.
        case failure(OpError, Liveness)
    }

    let steps: [Step]
    let items: [Item]
    let flagRules: [FlagRule]
    /// What is known of each value; a constant has its elements.
    let facts: [TensorFact]
    /// The value of each feed, in the callable's order.
    let feeds: [Int]
    /// The value of each fetch, in the callable's order.
    let fetches: [(value: Int, liveness: Liveness)]
    /// Variables whose values are constants of the plan.
    let constantVariables: Set<String>
    /// The bytes of the constants that are neither the graph's nor variables.
    let foldedBytes: Int
}
