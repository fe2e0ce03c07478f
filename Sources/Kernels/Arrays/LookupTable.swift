package import Tensors

/// A table from keys to values, built once and not changed afterwards.
///
/// Keys are strings or whole numbers. A value is a scalar, or a tensor, the same shape for all keys.
package final class LookupTable: Sendable {
    /// The keys, in the order in which they came, each once.
    package let keys: Tensor
    /// The value of each key: the first dimension is that of the keys.
    package let values: Tensor
    /// What remains of the values' dimensions without the first.
    package let valueShape: Shape
    /// For each place of the hash table the number of a key, or ``free``.
    private let slots: [Int32]

    private static let free: Int32 = -1

    /// Why a table cannot be made.
    package enum Failure: Error {
        /// A key comes twice, with different values: the numbers of both.
        case conflict(first: Int, second: Int)
        /// A dtype that is no key, too many keys, shapes that do not fit, or no memory.
        case unsupported(String)
    }

    /// Builds the table.
    ///
    /// - `keys`: A vector, or a tensor of any shape: its elements count.
    /// - `values`: Begins with the keys' dimensions.
    /// - `overwrites`: Whether of two equal keys the later one counts; else they are an error where their values differ.
    ///
    /// Throws ``Failure``. Linear in the number of keys.
    package init(keys: Tensor, values: Tensor, overwrites: Bool) throws(Failure) {
        let count = keys.shape.elementCount
        guard let reader = KeyReader(keys) else { throw .unsupported("keys of dtype \(keys.dtype) are not supported") }
        guard values.shape.dimensions.starts(with: keys.shape.dimensions),
            let valueShape = Shape(Array(values.shape.dimensions.dropFirst(keys.shape.rank)))
        else { throw .unsupported("the values' shape, \(values.shape), does not begin with the keys', \(keys.shape)") }
        guard count <= Self.maxKeys else { throw .unsupported("a table of \(count) keys is too large") }
        let rows = ValueRows(values, width: valueShape.elementCount * values.dtype.stride)
        var slots = [Int32](repeating: Self.free, count: Self.slotCount(for: count))
        var kept: [Int] = []
        var sources: [Int] = []
        for index in 0..<count {
            let slot = Self.slot(of: reader.key(index), reader, kept, slots)
            if slots[slot] == Self.free {
                slots[slot] = Int32(kept.count)
                kept.append(index)
                sources.append(index)
            } else if overwrites {
                sources[Int(slots[slot])] = index
            } else if !rows.areEqual(sources[Int(slots[slot])], index) {
                throw .conflict(first: sources[Int(slots[slot])], second: index)
            }
        }
        guard let ownKeys = keys.rows(kept), let ownValues = values.rows(sources, rowShape: valueShape) else {
            throw .unsupported("not enough memory for a table of \(count) keys")
        }
        self.keys = ownKeys
        self.values = ownValues
        self.valueShape = valueShape
        self.slots = slots
    }

    /// How many keys there are.
    package var count: Int { keys.shape.elementCount }

    private static let maxKeys = 1 << 28

    /// At least two places a key, a power of two.
    private static func slotCount(for count: Int) -> Int {
        var size = 16
        while size < 2 * count { size *= 2 }
        return size
    }

    /// The place of a key, or the free one where it belongs.
    private static func slot(of key: TableKey, _ reader: KeyReader, _ kept: [Int], _ slots: [Int32]) -> Int {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: key.hash) & mask
        while slots[slot] != free, reader.key(kept[Int(slots[slot])]) != key { slot = (slot + 1) & mask }
        return slot
    }

    /// A kernel that finds `count` keys, which are of the table's own dtype.
    ///
    /// Inputs: the keys; the default, one value for all, or (`isDefaultOfEach`) one for each key. Output: the values.
    package func finding(count: Int, isDefaultOfEach: Bool) -> Kernel {
        let width = valueShape.elementCount * values.dtype.stride
        let dtype = keys.dtype
        return Kernel("table.find") { [self] frame in
            guard let asked = KeyReader(dtype, frame.rawInput(0)), let own = KeyReader(keys) else { return }
            let fallback = frame.rawInput(1)
            let output = frame.rawOutput()
            let mask = slots.count - 1
            // Safety: rows are numbered by the table itself; the table, and so its values, lives as long as the kernel.
            let stored = values.storage.baseAddress + values.byteOffset
            for index in 0..<count {
                if frame.isOver(after: 8 &+ width / 16) { return }
                let key = asked.key(index)
                var slot = Int(truncatingIfNeeded: key.hash) & mask
                while slots[slot] != Self.free, own.key(Int(slots[slot])) != key { slot = (slot + 1) & mask }
                let row = slots[slot]
                let source =
                    row == Self.free
                    ? fallback + (isDefaultOfEach ? index * width : 0) : UnsafeRawPointer(stored + Int(row) * width)
                (output + index * width).copyMemory(from: source, byteCount: width)
            }
        }
    }
}

extension LookupTable: Hashable {
    /// A table is itself and no other.
    package static func == (left: LookupTable, right: LookupTable) -> Bool { left === right }
    package func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

/// A key of a table: bytes, or a whole number.
private enum TableKey: Equatable {
    case number(Int64)
    case string(TensorString)

    var hash: UInt64 {
        switch self {
        case .number(let number):
            var bits = UInt64(bitPattern: number) &* 0x9e37_79b9_7f4a_7c15
            bits ^= bits >> 32
            return bits
        case .string(let string): return StringHash.fingerprint.hash(string.bytes)
        }
    }

    static func == (left: TableKey, right: TableKey) -> Bool {
        switch (left, right) {
        case (.number(let left), .number(let right)): left == right
        case (.string(let left), .string(let right)): Kernel.areEqual(left, right)
        default: false
        }
    }
}

/// Reads keys from memory.
// Safety: whoever makes one keeps the memory alive, and asks for elements that it has.
private struct KeyReader {
    private let dtype: DataType
    private let memory: UnsafeRawPointer

    init?(_ tensor: Tensor) { self.init(tensor.dtype, tensor.storage.baseAddress + tensor.byteOffset) }

    init?(_ dtype: DataType, _ memory: UnsafeRawPointer) {
        guard [.string, .int64, .int32].contains(dtype) else { return nil }
        self.dtype = dtype
        self.memory = memory
    }

    func key(_ index: Int) -> TableKey {
        switch dtype {
        case .string: .string(memory.assumingMemoryBound(to: TensorString.self)[index])
        case .int32: .number(Int64(memory.assumingMemoryBound(to: Int32.self)[index]))
        default: .number(memory.assumingMemoryBound(to: Int64.self)[index])
        }
    }
}

/// Compares rows of a tensor.
private struct ValueRows {
    private let tensor: Tensor
    private let width: Int

    init(_ tensor: Tensor, width: Int) {
        self.tensor = tensor
        self.width = width
    }

    func areEqual(_ first: Int, _ second: Int) -> Bool {
        tensor.withUnsafeBytes { memory in
            let (left, right) = (
                memory[(first * width)..<((first + 1) * width)], memory[(second * width)..<((second + 1) * width)]
            )
            guard tensor.dtype == .string else { return left.elementsEqual(right) }
            let strings = memory.bindMemory(to: TensorString.self)
            let count = width / DataType.string.stride
            return (0..<count).allSatisfy {
                Kernel.areEqual(strings[first * count + $0], strings[second * count + $0])
            }
        }
    }
}
