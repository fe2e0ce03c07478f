internal import Operations
internal import Synchronization
internal import Tensors
package import Threads

/// The weights of one version of a model: variables, and what plans derive from them. Equal expressions of all plans are evaluated once.
///
/// A weight stays as long as a ``WeightBinding`` or a ``WeightEvaluation`` holds it.
package final class WeightStore: Sendable {
    /// The number of an entry. It is used again when the entry is gone.
    typealias Slot = Int

    /// What an entry is, whatever plan asks for it.
    enum Key: Hashable {
        case variable(VariableReference)
        case op(OpKey, [OperandKey])
    }

    /// An op by its attributes.
    struct OpKey: Hashable {
        let op: any Op

        static func == (first: OpKey, second: OpKey) -> Bool { AnyHashable(first.op) == AnyHashable(second.op) }
        func hash(into hasher: inout Hasher) { op.hash(into: &hasher) }
    }

    enum OperandKey: Hashable {
        case weight(Slot, output: Int)
        case constant(ConstantKey)
    }

    fileprivate struct Entry {
        let key: Key
        /// Who knows the slot.
        var leases = 0
        /// Who needs the tensors.
        var holds = 0
        var tensors: [Tensor]?
        /// What they take besides other entries.
        var ownBytes = 0
    }

    fileprivate struct State {
        var entries: [Entry?] = []
        var free: [Slot] = []
        var slots: [Key: Slot] = [:]
        var bytes = WeightBytes()
    }

    let source: any VariableSource
    /// The source of helpers for what takes long; nil for none.
    let helpers: (any HelperSource)?
    private let state = Mutex(State())

    /// - Parameters:
    ///   - source: The variables' values.
    ///   - helpers: The source of helpers for evaluating large weights; nil for none.
    package init(_ source: any VariableSource, helpers: (any HelperSource)? = nil) {
        self.source = source
        self.helpers = helpers
    }

    /// What the weights take that are held now.
    package var bytes: WeightBytes { state.withLock { $0.bytes } }

    /// The number of variables and derived weights that plans know.
    package var entryCount: Int { state.withLock { $0.slots.count } }

    /// The value of a variable.
    func value(of variable: VariableReference) throws(OpError) -> Tensor { try source.value(of: variable) }

    /// The shape of a variable's value. The value is not read for it, if the checkpoint tells.
    func shape(of variable: VariableReference) throws(OpError) -> Shape { try source.shape(of: variable) }

    /// The slot of an entry, which is made where there is none, and leased.
    func lease(_ key: Key) -> Slot {
        state.withLock { state in
            let slot = state.slots[key] ?? state.add(key)
            state.entries[slot]?.leases += 1
            return slot
        }
    }

    /// Leases slots that are leased already.
    func lease(_ slots: [Slot]) { state.withLock { state in for slot in slots { state.entries[slot]?.leases += 1 } } }

    /// Holds the tensors of a leased slot.
    ///
    /// - Returns: The tensors, and what they take besides other entries; nil where somebody has to evaluate them first: see
    ///   ``keep(_:ownBytes:in:)``.
    func hold(_ slot: Slot) -> (tensors: [Tensor], ownBytes: Int)? {
        state.withLock { state in
            state.entries[slot]?.holds += 1
            guard let entry = state.entries[slot], let tensors = entry.tensors else { return nil }
            return (tensors, entry.ownBytes)
        }
    }

    /// Whether somebody holds the tensors of a slot.
    func isEvaluated(_ slot: Slot) -> Bool { state.withLock { $0.entries[slot]?.tensors != nil } }

    /// Keeps the tensors of a slot that is held.
    ///
    /// - Returns: Those that are kept: another thread may have been quicker.
    func keep(_ tensors: [Tensor], ownBytes: Int, in slot: Slot) -> [Tensor] {
        state.withLock { state in
            if let known = state.entries[slot]?.tensors { return known }
            state.entries[slot]?.tensors = tensors
            state.entries[slot]?.ownBytes = ownBytes
            if let key = state.entries[slot]?.key { state.bytes.add(ownBytes, key) }
            return tensors
        }
    }

    /// Ends leases and holds.
    func release(leases: [Slot], holds: [Slot]) {
        // Freed out of the lock.
        var freed: [[Tensor]] = []
        state.withLock { state in
            for slot in holds { if let tensors = state.endHold(slot) { freed.append(tensors) } }
            for slot in leases { state.endLease(slot) }
        }
        withExtendedLifetime(freed) {}
    }
}

extension WeightStore.State {
    fileprivate mutating func add(_ key: WeightStore.Key) -> WeightStore.Slot {
        let entry = WeightStore.Entry(key: key)
        let slot: WeightStore.Slot
        if let free = free.popLast() {
            slot = free
            entries[free] = entry
        } else {
            slot = entries.count
            entries.append(entry)
        }
        slots[key] = slot
        return slot
    }

    /// Ends a hold.
    ///
    /// - Returns: The tensors, if nobody needs them any more.
    fileprivate mutating func endHold(_ slot: WeightStore.Slot) -> [Tensor]? {
        entries[slot]?.holds -= 1
        guard let entry = entries[slot], entry.holds == 0, let tensors = entry.tensors else { return nil }
        bytes.add(-entry.ownBytes, entry.key)
        entries[slot]?.tensors = nil
        return tensors
    }

    fileprivate mutating func endLease(_ slot: WeightStore.Slot) {
        entries[slot]?.leases -= 1
        guard let entry = entries[slot], entry.leases == 0 else { return }
        slots[entry.key] = nil
        entries[slot] = nil
        free.append(slot)
    }
}

/// What a version's weights take in memory, in bytes.
package struct WeightBytes: Hashable, Sendable {
    /// The variables, as the checkpoint has them, that plans read.
    package private(set) var raw = 0
    /// What plans compute of variables once: folded, cast.
    package private(set) var derived = 0
    /// The elements of variables in another layout: transposed.
    package private(set) var packed = 0

    /// What plans have computed.
    package var computed: Int { derived + packed }

    fileprivate mutating func add(_ count: Int, _ key: WeightStore.Key) {
        switch key {
        case .variable: raw += count
        case .op(let key, _): if key.op.asMovement != nil { packed += count } else { derived += count }
        }
    }
}

/// A constant as a part of a key: the elements where they are few, else their place in memory.
struct ConstantKey: Hashable {
    let tensor: Tensor

    private static let maxComparedBytes = 1 << 16

    private var isSmall: Bool { tensor.dtype != .string && tensor.byteCount <= Self.maxComparedBytes }

    static func == (first: ConstantKey, second: ConstantKey) -> Bool {
        if first.tensor.isSameMemory(as: second.tensor) { return true }
        guard first.isSmall, first.tensor.dtype == second.tensor.dtype, first.tensor.shape == second.tensor.shape else {
            return false
        }
        return first.tensor.withUnsafeBytes { first in second.tensor.withUnsafeBytes { first.elementsEqual($0) } }
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(tensor.dtype)
        hasher.combine(tensor.shape)
        if isSmall {
            tensor.withUnsafeBytes { hasher.combine(bytes: $0) }
        } else {
            hasher.combine(ObjectIdentifier(tensor.storage))
            hasher.combine(tensor.byteOffset)
        }
    }
}
