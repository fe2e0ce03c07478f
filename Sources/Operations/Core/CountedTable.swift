internal import Kernels

/// A dictionary that grows, and counts its memory before it takes it: while it grows the old entries and the new room are alive
/// together, and are counted together.
struct CountedTable<Key: Hashable, Value> {
    private var entries: [Key: Value] = [:]
    private let account: RunAccount
    /// How many entries fit in. Three quarters of a power of two, as a dictionary has it.
    private var room = 0
    private var counted = 0

    init(_ account: RunAccount) { self.account = account }

    /// How many entries there are.
    var count: Int { entries.count }

    /// The value of a key; nil where there is none.
    subscript(key: Key) -> Value? { entries[key] }

    /// Sets the value of a key.
    ///
    /// - Throws: `resourceExhausted` where the run may take no more; `deadlineExceeded` after its time.
    mutating func set(_ key: Key, _ value: Value) throws(OpError) {
        if entries.count >= room { try grow() }
        entries[key] = value
    }

    private mutating func grow() throws(OpError) {
        let capacity = max(12, 2 * room)
        let before = account.usedBytes
        // A bucket has a key, a value and a bit.
        try account.reserve(
            capacity / 3 * 4, bytesEach: MemoryLayout<Key>.stride + MemoryLayout<Value>.stride + 1)
        let taken = account.usedBytes - before
        try account.checkTime()
        entries.reserveCapacity(capacity)
        account.give(counted)
        counted = taken
        room = capacity
    }
}
