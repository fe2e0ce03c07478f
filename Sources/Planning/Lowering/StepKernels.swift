package import Kernels
package import Memory
package import Operations
internal import Tensors
internal import Threads

/// The kernels that a step has made whose shapes only the run tells, by these shapes, for runs that see the same ones again.
package final class StepKernels: Sendable {
    /// A kernel, and what is known of its outputs.
    package struct Made: Sendable {
        package let kernel: Kernel
        package let outputs: [TensorFact]

        package init(kernel: Kernel, outputs: [TensorFact]) {
            self.kernel = kernel
            self.outputs = outputs
        }
    }

    private struct Entry: Sendable {
        let key: [Int]
        let made: Made
        var lastUse: Int
    }

    private struct State: Sendable {
        var entries: [Entry] = []
        var uses = 0
    }

    private let state = Locked(State())

    /// More are not kept.
    private static let limit = 8
    /// A kernel with larger tables is not kept.
    package static let maxTableBytes = 4096
    /// Where the values of inputs are a part of the key, they are at most so many bytes.
    private static let maxValueBytes = 256
    /// About what a kernel takes besides its tables.
    private static let entryBytes = 640

    /// The kernel that was made for a key.
    package func find(_ key: [Int]) -> Made? {
        state.withLock { state in
            guard let index = state.entries.firstIndex(where: { $0.key == key }) else { return nil }
            state.uses += 1
            state.entries[index].lastUse = state.uses
            return state.entries[index].made
        }
    }

    /// Keeps a kernel; the one that was not used for longest goes for it, where there are too many.
    ///
    /// - Returns: How many bytes more are kept now.
    package func add(_ made: Made, for key: [Int]) -> Int {
        let isMore = state.withLock { state in
            state.uses += 1
            let entry = Entry(key: key, made: made, lastUse: state.uses)
            guard state.entries.count >= Self.limit else {
                state.entries.append(entry)
                return true
            }
            let oldest = state.entries.indices.min { state.entries[$0].lastUse < state.entries[$1].lastUse }
            if let oldest { state.entries[oldest] = entry }
            return false
        }
        return isMore ? Self.entryBytes + Self.maxTableBytes : 0
    }

    /// Whether a step's kernel can serve several runs: it depends on nothing but dtypes, shapes and few values.
    static func mayKeep(_ step: Plan.Node, _ op: any Op, _ facts: [TensorFact]) -> Bool {
        guard step.state == nil, op.traits.allowsFolding, op is any KernelOp else {
            return false
        }
        return op.valueInputs.allSatisfy { index in
            guard step.inputs.indices.contains(index) else { return true }
            let fact = facts[step.inputs[index]]
            return fact.value != nil || fact.dtype != .string && !fact.dtype.isHandle
        }
    }

    /// What a kernel depends on, besides what the program knows: shapes of inputs, and values that the op asks for.
    ///
    /// - Parameters:
    ///   - inputs: As they are in the run.
    ///   - facts: As the program knows them.
    /// - Returns: nil if that is too much to be looked up.
    package static func key(_ inputs: [TensorFact], _ facts: [TensorFact]) -> [Int]? {
        var key: [Int] = []
        for (input, fact) in zip(inputs, facts) {
            if !fact.shape.isFullyDefined {
                guard let dimensions = input.shape.dimensions else { return nil }
                key.append(dimensions.count)
                key += dimensions
            }
            guard fact.value == nil, let value = input.value else { continue }
            guard value.byteCount <= maxValueBytes else { return nil }
            key.append(value.byteCount)
            value.withUnsafeBytes { bytes in key += bytes.map { Int($0) } }
        }
        return key
    }
}

/// Where the memory is counted that a program takes while it is being run.
package final class ProgramGrowth: Sendable {
    private struct Owner {
        weak var budget: CacheBudget?
        weak var entry: CacheEntry?
    }

    // Safety: weak references are read and written under the lock.
    private struct Box: @unchecked Sendable {
        /// The entries of the versions that use the program.
        var owners: [Owner] = []
        var byteCount = 0
    }

    private let box = Locked(Box())

    /// Lets an entry of a budget grow with the program, also by what the program has grown already.
    package func count(for entry: CacheEntry, in budget: CacheBudget) {
        let byteCount = box.withLock { box in
            box.owners.removeAll { $0.entry == nil }
            box.owners.append(Owner(budget: budget, entry: entry))
            return box.byteCount
        }
        if byteCount > 0 { budget.grow(entry, by: byteCount) }
    }

    /// Counts memory that the program keeps from now on.
    package func add(_ byteCount: Int) {
        guard byteCount > 0 else { return }
        let owners = box.withLock { box in
            box.byteCount += byteCount
            return box.owners.map { ($0.budget, $0.entry) }
        }
        for case let (budget?, entry?) in owners { budget.grow(entry, by: byteCount) }
    }
}
