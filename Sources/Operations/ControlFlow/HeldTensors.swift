internal import Kernels
internal import Tensors

/// A tensor that an array, a stack or a list holds, counted in the run's memory until the last of them lets it go.
final class HeldTensor {
    let tensor: Tensor
    private let memory: HeldMemory

    /// Keeps a tensor.
    ///
    /// - `whole`: What it is a part of, with others that are kept too; nil for one on its own.
    ///
    /// Throws `resourceExhausted` where that is too much.
    init(_ tensor: Tensor, _ account: RunAccount, partOf whole: HeldMemory? = nil) throws(OpError) {
        if let whole {
            self.tensor = try tensor.kept()
            memory = whole
        } else {
            memory = try HeldMemory(tensor.byteCount, account)
            // A small part of something large must not keep all of it.
            let isPart = tensor.byteCount < tensor.storage.byteCount / 2 && tensor.dtype != .string
            self.tensor = isPart ? try tensor.copied() : try tensor.kept()
        }
    }
}

/// Memory of one or more held tensors, counted once, until the last of them is gone.
final class HeldMemory {
    private var byteCount: Int
    private let account: RunAccount

    init(_ byteCount: Int, _ account: RunAccount) throws(OpError) {
        try account.reserve(byteCount)
        self.byteCount = byteCount
        self.account = account
    }

    /// The memory that parts of one tensor share.
    convenience init(of parts: [Tensor], _ account: RunAccount) throws(OpError) {
        try self.init(parts.reduce(0) { $0 + $1.byteCount }, account)
    }

    deinit { account.give(byteCount) }

    /// Counts more of it.
    ///
    /// Throws `resourceExhausted` where that is too much.
    func grow(by count: Int) throws(OpError) {
        try account.reserve(count)
        byteCount += count
    }
}

/// Memory of slots that become more one by one.
struct SlotMemory {
    private let memory: HeldMemory
    private var room: Int

    init(_ count: Int, _ account: RunAccount) throws(OpError) {
        memory = try TensorStacking.slots(count, account)
        room = count
    }

    /// Counts room for so many slots; some more than asked for, so that it is rarely counted.
    mutating func hold(_ count: Int) throws(OpError) {
        guard count > room else { return }
        let target = max(count, min(room, 1 << 40) * 2, 8)
        try memory.grow(by: try TensorStacking.slotBytes(target) - TensorStacking.slotBytes(room))
        room = target
    }
}

extension RunAccount {
    /// Looks whether memory that is needed for a short time, or counted once it is there, may be taken.
    ///
    /// Throws as ``reserve(_:)`` does.
    func requireRoom(_ byteCount: Int) throws(OpError) {
        try reserve(byteCount)
        give(byteCount)
    }

    /// The same for an array.
    func requireRoom<Element>(for count: Int, of type: Element.Type) throws(OpError) {
        let used = usedBytes
        try reserve(count, of: type)
        give(downTo: used)
    }

    /// The same for a tensor.
    func requireRoom(_ dtype: DataType, _ dimensions: [Int]) throws(OpError) {
        try requireRoom(Shape(dimensions)?.byteCount(of: dtype) ?? .max)
    }
}

/// Putting tensors together and apart along a first axis.
enum TensorStacking {
    /// What the slots for so many tensors take, before there is anything in them.
    static func slots(_ count: Int, _ account: RunAccount) throws(OpError) -> HeldMemory {
        try HeldMemory(try slotBytes(count), account)
    }

    /// The bytes of so many slots.
    ///
    /// Throws `resourceExhausted` where they are no number.
    static func slotBytes(_ count: Int) throws(OpError) -> Int {
        // A slot of an array has a case besides what it holds.
        let (bytes, overflow) = count.multipliedReportingOverflow(by: 2 * MemoryLayout<HeldTensor?>.stride)
        guard !overflow else {
            throw OpError(.resourceExhausted, "\(count) tensors are more than memory can hold")
        }
        return bytes
    }

    /// One tensor of which each is a row; all have the shape `element`.
    static func stack(
        _ tensors: [Tensor], _ dtype: DataType, _ element: Shape, _ account: RunAccount? = nil
    ) throws(OpError) -> Tensor {
        try joined(tensors, dtype, [tensors.count] + element.dimensions, account)
    }

    /// The tensors' elements one after another, under a shape that has as many.
    ///
    /// - `account`: Asked for the memory; nil where somebody has done so.
    static func joined(
        _ tensors: [Tensor], _ dtype: DataType, _ dimensions: [Int], _ account: RunAccount? = nil
    ) throws(OpError) -> Tensor {
        try account?.requireRoom(dtype, dimensions)
        guard let shape = Shape(dimensions),
            let result = Tensor(
                dtype: dtype, shape: shape,
                initializing: { memory in
                    var offset = 0
                    for tensor in tensors {
                        tensor.withUnsafeBytes { bytes in
                            guard let source = bytes.baseAddress, offset + bytes.count <= memory.count else { return }
                            (memory.baseAddress.map { $0 + offset })?.copyMemory(from: source, byteCount: bytes.count)
                            offset += bytes.count
                        }
                    }
                })
        else { throw OpError(.resourceExhausted, "not enough memory for \(dtype) \(PartialShape(dimensions))") }
        return result
    }

    /// The sum of some lengths.
    ///
    /// Throws `invalidArgument` for one that is negative.
    static func total(of lengths: [Int]) throws(OpError) -> Int {
        var total = 0
        for length in lengths {
            let (sum, overflow) = total.addingReportingOverflow(length)
            guard length >= 0, !overflow else { throw .invalid("\(length) is not a length") }
            total = sum
        }
        return total
    }

    /// A tensor's rows.
    ///
    /// Throws `invalidArgument` for a scalar.
    static func rows(of tensor: Tensor, _ account: RunAccount? = nil) throws(OpError) -> [Tensor] {
        guard let count = tensor.shape.dimensions.first else { throw .invalid("a scalar has no rows") }
        try account?.requireRoom(for: count, of: Int.self)
        return try parts(of: tensor, Array(repeating: 1, count: count), dropsAxis: true, account)
    }

    /// A tensor cut along its first axis.
    ///
    /// - `lengths`: Rows of each part; they must not be more than the tensor has.
    /// - `dropsAxis`: Whether a part of one row has one dimension less.
    /// - `account`: Asked for the memory; nil where nobody counts it.
    static func parts(
        of tensor: Tensor, _ lengths: [Int], dropsAxis: Bool = false, _ account: RunAccount? = nil
    ) throws(OpError) -> [Tensor] {
        let row = Array(tensor.shape.dimensions.dropFirst())
        guard let rowShape = Shape(row), let rowBytes = rowShape.byteCount(of: tensor.dtype) else {
            throw OpError(.resourceExhausted, "rows of shape \(PartialShape(row)) are too large")
        }
        if tensor.storage.isCallers { try account?.requireRoom(tensor.byteCount) }
        try account?.requireRoom(for: lengths.count, of: Tensor.self)
        let whole = try tensor.kept()
        var start = 0
        var result: [Tensor] = []
        result.reserveCapacity(lengths.count)
        for length in lengths {
            guard length >= 0, start + length <= tensor.shape.dimensions.first ?? 0,
                let shape = dropsAxis ? rowShape : Shape([length] + row),
                let part = Tensor(
                    dtype: tensor.dtype, shape: shape, storage: whole.storage,
                    byteOffset: whole.byteOffset + start * rowBytes)
            else { throw .invalid("cannot be cut into parts of \(lengths) rows") }
            result.append(part)
            start += length
        }
        return result
    }
}

extension PartialShape {
    /// The shape with one more dimension in front.
    func prepending(_ size: Int?) -> PartialShape {
        dimensions.map { PartialShape([size ?? Self.unknownDimension] + $0) } ?? .unknown
    }

    /// The shape without its first dimension.
    var droppingFirst: PartialShape { dimensions.map { PartialShape(Array($0.dropFirst())) } ?? .unknown }

    /// Decodes a shape that is a tensor: -1 is unknown, in a scalar the rank.
    ///
    /// Throws `invalidArgument` where it is none.
    init(elements tensor: Tensor) throws(OpError) {
        guard let sizes = tensor.integers else { throw .invalid("expected a shape of integers, found \(tensor.dtype)") }
        if tensor.shape.rank == 0 {
            guard sizes == [-1] else { throw .invalid("a shape is the scalar \(sizes), which only -1 may be") }
            self = .unknown
        } else {
            guard sizes.allSatisfy({ $0 >= -1 }) else { throw .invalid("a shape has negative sizes: \(sizes)") }
            self = PartialShape(sizes.map { $0 < 0 ? Self.unknownDimension : $0 })
        }
    }
}
