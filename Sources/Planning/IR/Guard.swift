/// When a node runs, or a value exists: nothing is computed in a branch that is not taken. TensorFlow calls such tensors dead.
package enum Guard: Hashable, Sendable {
    case always
    case never
    /// While this flag of the run is up.
    case flag(Int)
}

/// How a flag of a run comes to be up.
package enum FlagRule: Hashable, Sendable {
    /// The predicate, a bool value of the plan, is `side`, and `base` is alive.
    case branch(predicate: Int, side: Bool, base: Guard)
    /// All of the flags are up.
    case all([Int])
    /// One of the flags is up.
    case any([Int])
}

/// The flags of a plan. Equal rules have one flag.
struct FlagTable: Sendable {
    private(set) var rules: [FlagRule] = []
    private var numbers: [FlagRule: Int] = [:]
    /// Flags that came since the last ``takeNew()``: somebody has to say where in the run they are worked out.
    private var new: [Int] = []
    /// How many flags were looked at so far: who builds a plan ends where a graph asks for too many.
    private(set) var work = 0

    /// The maximum of ``work``. A real graph needs some thousand; more than this takes seconds.
    static let maxWork = 20_000_000

    /// Forgets which flags there are from a number on, so that their rules get new ones: they were worked out where the run may
    /// not have come by, or with what was true then.
    mutating func forget(from first: Int) {
        for rule in rules[min(first, rules.count)...] { numbers[rule] = nil }
    }

    /// The flags that are new since the last call.
    mutating func takeNew() -> [Int] {
        defer { new = [] }
        return new
    }

    private mutating func flag(_ rule: FlagRule) -> Guard {
        if let known = numbers[rule] { return .flag(known) }
        rules.append(rule)
        numbers[rule] = rules.count - 1
        new.append(rules.count - 1)
        return .flag(rules.count - 1)
    }

    /// One side of a branch.
    mutating func branch(predicate: Int, side: Bool, base: Guard) -> Guard {
        base == .never ? .never : flag(.branch(predicate: predicate, side: side, base: base))
    }

    /// Alive where all are: what needs several values.
    mutating func all(_ parts: some Sequence<Guard>) -> Guard {
        var flags: [Int] = []
        for part in parts {
            switch part {
            case .never: return .never
            case .always: continue
            case .flag(let flag):
                if case .all(let members) = rules[flag] { flags += members } else { flags.append(flag) }
            }
        }
        guard let first = flags.first else { return .always }
        if flags.allSatisfy({ $0 == first }) { return .flag(first) }
        let unique = Set(flags)
        work += flags.count
        var implied: Set<Int> = []
        for flag in unique { implied.formUnion(bases(of: flag)) }
        if contradict(unique.union(implied)) { return .never }
        let needed = unique.subtracting(implied).sorted()
        return needed.count == 1 ? .flag(needed[0]) : flag(.all(needed))
    }

    /// Alive where one of them is: what takes the value that is there.
    mutating func any(_ parts: some Sequence<Guard>) -> Guard {
        var members: Set<Guard> = []
        for part in parts where part != .never { members.insert(part) }
        while work < Self.maxWork, let pair = complements(among: members) {
            work += members.count
            members.subtract(pair.sides)
            members.insert(pair.base)
        }
        if members.contains(.always) { return .always }
        let present = Set(members.compactMap { if case .flag(let flag) = $0 { flag } else { nil } })
        let flags = present.sorted()
        // A flag whose base is a member too adds nothing.
        var needed: [Int] = []
        for flag in flags where bases(of: flag).isDisjoint(with: present) { needed.append(flag) }
        switch needed.count {
        case 0: return .never
        case 1: return .flag(needed[0])
        default: return flag(.any(needed))
        }
    }

    /// Two sides of one branch, which together are their base.
    private func complements(among members: Set<Guard>) -> (sides: [Guard], base: Guard)? {
        for case .flag(let flag) in members {
            guard case .branch(let predicate, let side, let base) = rules[flag],
                let other = numbers[.branch(predicate: predicate, side: !side, base: base)],
                members.contains(.flag(other))
            else { continue }
            return ([.flag(flag), .flag(other)], base)
        }
        return nil
    }

    /// The flags that are up whenever this one is, without itself.
    private mutating func bases(of flag: Int) -> Set<Int> {
        var result: Set<Int> = []
        var open = [flag]
        while let next = open.popLast() {
            let below: [Int]
            switch rules[next] {
            case .branch(_, _, .flag(let base)): below = [base]
            case .all(let members): below = members
            case .branch, .any: below = []
            }
            work += below.count + 1
            guard work < Self.maxWork else { break }
            for flag in below where result.insert(flag).inserted { open.append(flag) }
        }
        return result
    }

    /// Whether both sides of a branch are among the flags.
    private func contradict(_ flags: Set<Int>) -> Bool {
        var sides: [Int: Bool] = [:]
        for flag in flags {
            guard case .branch(let predicate, let side, _) = rules[flag] else { continue }
            if let other = sides.updateValue(side, forKey: predicate), other != side { return true }
        }
        return false
    }
}
