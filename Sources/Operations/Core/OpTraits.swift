/// The properties of an op that decide whether a plan may fold, merge, drop or move its nodes, and whether a graph offers its outputs.
///
/// An op without traits is a pure function of its inputs. It is folded where all inputs are constants, merged with an equal op of the same
/// inputs, and dropped where nothing reads its outputs.
package struct OpTraits: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Two runs with equal inputs may give different outputs: random numbers from a stream of the node's own, the time.
    ///
    /// The op keeps its place in the stream, so that all plans of a session share one value for a node.
    package static let random = OpTraits(rawValue: 1 << 0)

    /// The node does something besides giving outputs. It runs even if nothing reads them.
    package static let effect = OpTraits(rawValue: 1 << 1)

    /// The op reads or changes something that lives outside tensors: a variable, a table, an array, a stack. What it gives depends on the ops
    /// that ran before. It is neither folded nor merged, nor moved past another op with this trait.
    package static let state = OpTraits(rawValue: 1 << 2)

    /// The node makes, or stands for, something of its own: a handle, a feed. Two nodes with equal attributes and inputs are not one.
    package static let identity = OpTraits(rawValue: 1 << 3)

    /// Output number i is input number i as it is, for all i.
    package static let forwards = OpTraits(rawValue: 1 << 4)

    /// The op passes a variable on by reference where its input is one. Other ops get the variable's value.
    package static let passesReference = OpTraits(rawValue: 1 << 5)

    /// The op is computed in the run even if all inputs are constants.
    package static let notFolded = OpTraits(rawValue: 1 << 6)

    /// The op says where values go, not what they are: a plan makes branches and loops of it.
    package static let controlFlow = OpTraits(rawValue: 1 << 7)

    /// The request feeds the op's output, or may feed it.
    package static let feed = OpTraits(rawValue: 1 << 8)

    /// The op is a variable, or a handle to one.
    package static let variable = OpTraits(rawValue: 1 << 9)

    /// The op changes the variable that its first input is.
    package static let changesVariable = OpTraits(rawValue: 1 << 10)

    /// The op gives the table that its first input is its content. A session asks it for the content; it never runs in a plan.
    package static let fillsTable = OpTraits(rawValue: 1 << 11)

    /// The op reads or writes files.
    package static let files = OpTraits(rawValue: 1 << 12)

    /// The op only saves or restores checkpoints.
    package static let checkpoints = OpTraits(rawValue: 1 << 13)

    /// The op applies a gradient to a variable.
    package static let trains = OpTraits(rawValue: 1 << 14)

    /// The op checks, logs, summarises, initialises, or only orders others: no user of a graph wants its outputs.
    package static let bookkeeping = OpTraits(rawValue: 1 << 15)
}

extension OpTraits {
    /// Whether the set has one of some traits.
    package func containsAny(of others: OpTraits) -> Bool { !isDisjoint(with: others) }

    /// Whether a node may be computed when the plan is made, if all its inputs are constants.
    package var allowsFolding: Bool { !containsAny(of: [.random, .effect, .state, .notFolded]) }

    /// Whether two nodes with equal ops and inputs may become one.
    package var allowsMerging: Bool { !containsAny(of: [.random, .effect, .state, .identity]) }

    /// Whether a node may be left out if nothing reads its outputs.
    package var allowsRemoval: Bool { !contains(.effect) }

    /// Whether a node may run before or after any other node that does not read its outputs.
    package var allowsMoving: Bool { !containsAny(of: [.random, .effect, .state]) }
}

extension OpTable {
    /// The traits that nodes with an op of that name may have; none for an op that is not known.
    ///
    /// Of a node whose op was made, ``Op/traits`` says what it has.
    package static func traits(of op: String) -> OpTraits { entries[op]?.traits ?? traits(ofUnsupported: op) ?? [] }

    /// Whether a session that serves runs an op that changes a variable. Ops that are not supported change none.
    package static func changesVariable(_ op: String) -> Bool {
        guard let traits = entries[op]?.traits else { return false }
        return traits.contains(.changesVariable) && !traits.contains(.trains)
    }
}
