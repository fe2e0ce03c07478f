internal import Kernels
internal import Tensors

extension OpTable {
    /// Arrays of tensors that a loop writes and reads: `tf.TensorArray` of graphs with `tf.while_loop`, in all its versions.
    static let tensorArrays: [OpEntry] =
        [
            OpEntry("TensorArray", make: NewTensorArray.init),
            OpEntry("TensorArrayV2", make: NewTensorArray.init),
            OpEntry("TensorArrayV3", make: NewTensorArray.init),
            OpEntry("TensorArrayGrad", make: TensorArrayGrad.init),
            OpEntry("TensorArrayGradV2", make: TensorArrayGrad.init),
            OpEntry("TensorArrayGradV3", make: TensorArrayGrad.init),
            OpEntry("TensorArrayClose", make: CloseHandle.init),
            OpEntry("TensorArrayCloseV2", make: CloseHandle.init),
            OpEntry("TensorArrayCloseV3", make: CloseHandle.init),
        ] + TensorArrayAction.entries

    fileprivate static let versions = ["", "V2", "V3"]
}

/// An array whose elements are written once (or summed up, in an array of gradients) and read.
final class TensorArray: RunObject {
    static let kind = "a TensorArray"

    private enum Slot {
        case empty
        case holding(HeldTensor)
        case cleared
    }

    let dtype: DataType
    /// What each element's shape must be. The first element decides what is not known of it, if all have one shape.
    private(set) var elementShape: PartialShape
    private let haveOneShape: Bool
    private let isDynamic: Bool
    private let clearsAfterRead: Bool
    private let sums: Bool
    private let account: RunAccount
    private var slots: [Slot]
    /// What the slots take.
    private var slotMemory: SlotMemory
    /// The arrays of this one's gradients, by the name that asked for them.
    private var gradients: [String: TensorArray] = [:]

    init(
        _ dtype: DataType, _ elementShape: PartialShape, haveOneShape: Bool, size: Int, isDynamic: Bool,
        clearsAfterRead: Bool, sums: Bool, _ account: RunAccount
    ) throws(OpError) {
        guard size >= 0 else { throw .invalid("the size of a TensorArray must not be negative, got \(size)") }
        slotMemory = try SlotMemory(size, account)
        self.dtype = dtype
        self.elementShape = elementShape
        self.haveOneShape = haveOneShape
        self.isDynamic = isDynamic
        self.clearsAfterRead = clearsAfterRead
        self.sums = sums
        self.account = account
        slots = Array(repeating: .empty, count: size)
    }

    var count: Int { slots.count }

    /// The array of gradients of that name, made when it is first asked for.
    func gradient(named name: String, prepending shape: PartialShape) throws(OpError) -> TensorArray {
        if let known = gradients[name] { return known }
        let dimensions = shape.dimensions.flatMap { more in elementShape.dimensions.map { more + $0 } }
        let gradient = try TensorArray(
            dtype, dimensions.map { PartialShape($0) } ?? .unknown, haveOneShape: haveOneShape, size: count,
            isDynamic: false, clearsAfterRead: false, sums: true, account)
        gradients[name] = gradient
        return gradient
    }

    /// Writes an element.
    func write(
        _ tensor: Tensor, at index: Int, partOf whole: HeldMemory? = nil
    ) throws(OpError) {
        guard tensor.dtype == dtype else {
            throw .invalid("a TensorArray of \(dtype) is given \(tensor.dtype) to write to index \(index)")
        }
        guard elementShape.admits(tensor.shape) else {
            throw .invalid(
                "writes an element of shape \(PartialShape(tensor.shape)) to index \(index) of a TensorArray whose elements "
                    + "are \(elementShape)")
        }
        guard index >= 0, index < slots.count || isDynamic else {
            throw .invalid(
                "tried to write to index \(index), but the TensorArray is not resizeable and its size is \(count)")
        }
        if index >= slots.count {
            try slotMemory.hold(min(index, .max - 1) + 1)
            slots += Array(repeating: .empty, count: index + 1 - slots.count)
        }
        switch slots[index] {
        case .empty: slots[index] = .holding(try HeldTensor(tensor, account, partOf: whole))
        case .holding(let held) where sums:
            slots[index] = .holding(try HeldTensor(try sum(held.tensor, tensor), account))
        case .holding:
            throw .invalid("could not write to TensorArray index \(index), because it has already been written to")
        case .cleared:
            throw .invalid("could not write to TensorArray index \(index), because it has already been read")
        }
        if haveOneShape, !elementShape.isFullyDefined { elementShape = PartialShape(tensor.shape) }
    }

    private func sum(_ left: Tensor, _ right: Tensor) throws(OpError) -> Tensor {
        try account.requireRoom(left.byteCount)
        guard left.shape == right.shape else {
            throw .invalid("sums \(PartialShape(left.shape)) and \(PartialShape(right.shape)) in one element")
        }
        do {
            return try ElementwiseBinary(formula: .add, result: nil, shapesMayDiffer: false).evaluate([
                TensorFact(left), TensorFact(right),
            ])[0]
        } catch let error as OpError { throw error } catch { throw .invalid("\(error)") }
    }

    /// Reads an element.
    func read(at index: Int) throws(OpError) -> Tensor {
        guard slots.indices.contains(index) else {
            throw .invalid("tried to read from index \(index), but the TensorArray's size is \(count)")
        }
        switch slots[index] {
        case .holding(let held):
            if clearsAfterRead { slots[index] = .cleared }
            return held.tensor
        case .cleared:
            throw .invalid(
                "could not read TensorArray index \(index) twice: it was cleared after it was read (clear_after_read)")
        case .empty:
            guard let shape = elementShape.known else {
                throw .invalid(
                    "could not read TensorArray index \(index): nothing was written there, and zeros need a shape that is "
                        + "known, not \(elementShape)")
            }
            try account.requireRoom(dtype, shape.dimensions)
            return try .zeros(dtype, shape)
        }
    }

    /// Whether nothing was written at an index.
    private func isEmpty(_ index: Int) -> Bool {
        if case .empty = slots[index] { true } else { false }
    }

    /// Reads elements whose shapes must be equal.
    func read(at indices: [Int], shape known: PartialShape) throws(OpError) -> [Tensor] {
        try account.requireRoom(for: indices.count, of: Tensor.self)
        // What stands for elements that were never written is counted until all are read.
        let used = account.usedBytes
        defer { account.give(downTo: used) }
        let tensors = try indices.map { (index) throws(OpError) in
            let tensor = try read(at: index)
            if isEmpty(index) { try account.reserve(tensor.byteCount) }
            return tensor
        }
        for (index, tensor) in zip(indices, tensors) where tensor.shape != tensors[0].shape {
            throw .invalid(
                "the TensorArray's elements have different shapes: \(PartialShape(tensors[0].shape)) at \(indices[0]), "
                    + "\(PartialShape(tensor.shape)) at \(index)")
        }
        return tensors
    }
}

/// `TensorArray`, V2, V3. Input: the size. Outputs: the handle; in V3 also a flow. Attributes: `dtype`, `element_shape`,
/// `dynamic_size`, `clear_after_read`, `identical_element_shapes`.
struct NewTensorArray: RunOp, RowStoreOp {
    static var traits: OpTraits { [.identity, .notFolded] }

    private let dtype: DataType
    private let elementShape: PartialShape
    private let isDynamic: Bool
    private let clearsAfterRead: Bool
    private let haveOneShape: Bool
    private let hasFlow: Bool

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(1)
        dtype = try node.type("dtype")
        elementShape = try node.shape("element_shape", default: .unknown)
        isDynamic = try node.bool("dynamic_size", default: false)
        clearsAfterRead = try node.bool("clear_after_read", default: true)
        haveOneShape = try node.bool("identical_element_shapes", default: false)
        hasFlow = node.op == "TensorArrayV3"
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        var handle = TensorFact(.resource, Shape.scalar)
        handle.elements = ElementFact(
            shape: elementShape.isFullyDefined ? elementShape : nil, count: isDynamic ? nil : inputs[0].integers?.first)
        var flow = TensorFact(.float32, Shape.scalar)
        flow.elements = handle.elements
        return hasFlow ? [handle, flow] : [handle]
    }

    var rowStoreUse: RowStoreUse? { .make(size: 0) }

    func run(_ inputs: [RunValue], _ account: RunAccount) throws(OpError) -> [RunValue] {
        guard let size = try inputs[0].tensor("the size").integers?.first else {
            throw .invalid("the size is not a number")
        }
        let array = try TensorArray(
            dtype, elementShape, haveOneShape: haveOneShape, size: size, isDynamic: isDynamic,
            clearsAfterRead: clearsAfterRead, sums: false, account)
        return hasFlow ? [.object(array), .tensor(try .scalar(Float(0)))] : [.object(array)]
    }
}

/// `TensorArrayGrad`, V2, V3. Inputs: a handle, a flow. Outputs: the handle of the gradients' array, a flow. Attribute: `source`.
struct TensorArrayGrad: RunOp {
    static var traits: OpTraits { .state }

    private let source: String

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(2)
        source = try node.string("source")
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        var handle = TensorFact(.resource, Shape.scalar)
        var flow = TensorFact(.float32, Shape.scalar)
        handle.elements = inputs[1].elements ?? inputs[0].elements
        flow.elements = handle.elements
        return [handle, flow]
    }

    func run(_ inputs: [RunValue], _ account: RunAccount) throws(OpError) -> [RunValue] {
        let array = try inputs[0].object(as: TensorArray.self)
        return [
            .object(try array.gradient(named: source, prepending: PartialShape([]))), .tensor(try .scalar(Float(0))),
        ]
    }
}

/// The end of an array or a stack: the run lets it go itself.
struct CloseHandle: RunOp {
    static var traits: OpTraits { .state }

    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(1) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] { [] }

    func run(_ inputs: [RunValue], _ account: RunAccount) throws(OpError) -> [RunValue] { [] }
}

/// What is done with a `TensorArray`: input 0 is the handle, the last one the flow.
struct TensorArrayAction: RunOp, RowStoreOp {
    static var traits: OpTraits { .state }

    private enum Action: String, CaseIterable {
        case write = "Write"
        case read = "Read"
        case gather = "Gather"
        case scatter = "Scatter"
        case concat = "Concat"
        case split = "Split"
        case size = "Size"
        /// TensorFlow before 1.0: all elements, as `Gather` gives them.
        case pack = "Pack"
        /// TensorFlow before 1.0: all elements, as `Scatter` takes them.
        case unpack = "Unpack"

        var inputCount: Int {
            switch self {
            case .write, .scatter, .split: 4
            case .read, .gather, .unpack: 3
            case .concat, .size, .pack: 2
            }
        }
    }

    static let entries: [OpEntry] = Action.allCases.flatMap { action in
        (action == .pack || action == .unpack ? [""] : OpTable.versions).map { version in
            OpEntry("TensorArray\(action.rawValue)\(version)", make: Self.init, action)
        }
    }

    private let action: Action
    private let dtype: DataType?
    /// `element_shape`, or `element_shape_except0` of `Concat`.
    private let shape: PartialShape

    private init(_ node: NodeReader, _ action: Action) throws(OpError) {
        try node.expectInputs(action.inputCount)
        self.action = action
        dtype =
            switch action {
            case .read, .gather, .concat, .pack: try node.type("dtype")
            case .write, .scatter, .split, .size, .unpack: nil
            }
        shape = try node.shape(action == .concat ? "element_shape_except0" : "element_shape", default: .unknown)
    }

    var valueInputs: [Int] { [] }

    var rowStoreUse: RowStoreUse? {
        switch action {
        case .scatter: .fill(value: 2, places: 1, handle: 0)
        case .unpack: .fill(value: 1, places: nil, handle: 0)
        case .read: .read(store: 2, index: 1, handle: 0)
        case .write, .gather, .concat, .split, .size, .pack: nil
        }
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        guard let last = inputs.last else { return [] }
        // Elements without a flow (an array of the first versions) are known from the handle, and that only in part.
        let elements = last.elements
        let element = (elements?.shape ?? .unknown).merged(with: shape) ?? shape
        var flow = TensorFact(.float32, Shape.scalar)
        flow.elements = elements
        switch action {
        case .write:
            flow.elements = elements?.including(inputs[2].shape)
            return [flow]
        case .scatter:
            flow.elements = elements?.including(inputs[2].shape.droppingFirst)
            return [flow]
        case .unpack:
            flow.elements = elements?.including(inputs[1].shape.droppingFirst)
            return [flow]
        case .split:
            flow.elements = elements?.including(inputs[1].shape.droppingFirst.prepending(nil))
            return [flow]
        case .read: return [TensorFact(dtype ?? .float32, element)]
        case .gather:
            return [TensorFact(dtype ?? .float32, element.prepending(inputs[1].shape.dimensions?.first))]
        case .pack: return [TensorFact(dtype ?? .float32, element.prepending(elements?.count))]
        case .concat:
            let rows = (elements?.shape?.droppingFirst ?? .unknown).merged(with: shape) ?? shape
            return [
                TensorFact(dtype ?? .float32, rows.prepending(nil)),
                TensorFact(.int64, PartialShape([elements?.count ?? -1])),
            ]
        case .size:
            guard let count = elements?.count, let size = Int32(exactly: count) else {
                return [TensorFact(.int32, Shape.scalar)]
            }
            return [TensorFact(try .scalar(size))]
        }
    }

    func run(_ inputs: [RunValue], _ account: RunAccount) throws(OpError) -> [RunValue] {
        let array = try inputs[0].object(as: TensorArray.self)
        switch action {
        case .write: try array.write(try inputs[2].tensor("the value"), at: try index(inputs[1]))
        case .scatter:
            let rows = try TensorStacking.rows(of: try inputs[2].tensor("the value"), account)
            try write(rows, at: try indices(inputs[1], account), array, account)
        case .unpack:
            let rows = try TensorStacking.rows(of: try inputs[1].tensor("the value"), account)
            try write(rows, at: Array(rows.indices), array, account)
        case .split:
            let (value, lengths) = (try inputs[1].tensor("the value"), try indices(inputs[2], account))
            let parts = try split(value, lengths, account)
            try write(parts, at: Array(parts.indices), array, account)
        case .read: return [.tensor(try checked(array.read(at: try index(inputs[1]))))]
        case .gather: return [.tensor(try gather(try indices(inputs[1], account), array, account))]
        case .pack:
            try account.requireRoom(for: array.count, of: Int.self)
            return [.tensor(try gather(Array(0..<array.count), array, account))]
        case .concat: return try concat(array, account)
        case .size: return [.tensor(try .scalar(Int32(truncatingIfNeeded: array.count)))]
        }
        return [.tensor(try .scalar(Float(0)))]
    }

    private func index(_ value: RunValue) throws(OpError) -> Int {
        guard let index = try value.tensor("the index").integers?.first else {
            throw .invalid("the index is not a number")
        }
        return index
    }

    private func indices(_ value: RunValue, _ account: RunAccount) throws(OpError) -> [Int] {
        try account.requireRoom(for: try value.tensor("the indices").shape.elementCount, of: Int.self)
        guard let indices = try value.tensor("the indices").integers else {
            throw .invalid("the indices are not numbers")
        }
        return indices
    }

    private func write(
        _ rows: [Tensor], at indices: [Int], _ array: TensorArray, _ account: RunAccount
    ) throws(OpError) {
        guard rows.count == indices.count else { throw .invalid("\(indices.count) indices for \(rows.count) values") }
        let whole = try HeldMemory(of: rows, account)
        for (index, row) in zip(indices, rows) { try array.write(row, at: index, partOf: whole) }
    }

    private func split(
        _ value: Tensor, _ lengths: [Int], _ account: RunAccount
    ) throws(OpError) -> [Tensor] {
        let total = try TensorStacking.total(of: lengths)
        guard value.shape.dimensions.first == total else {
            throw .invalid("the lengths sum up to \(total), the value's shape is \(PartialShape(value.shape))")
        }
        return try TensorStacking.parts(of: value, lengths, account)
    }

    private func checked(_ tensor: Tensor) throws(OpError) -> Tensor {
        guard tensor.dtype == dtype else {
            throw .invalid("reads \(dtype ?? .float32) from a TensorArray of \(tensor.dtype)")
        }
        return tensor
    }

    private func gather(
        _ indices: [Int], _ array: TensorArray, _ account: RunAccount
    ) throws(OpError) -> Tensor {
        let tensors = try array.read(at: indices, shape: shape)
        guard let element = tensors.first?.shape ?? array.elementShape.known ?? shape.known else {
            throw .unsupported(
                "gathers no elements from a TensorArray whose elements have no known shape: \(array.elementShape)")
        }
        return try checked(try TensorStacking.stack(tensors, array.dtype, element, account))
    }

    private func concat(_ array: TensorArray, _ account: RunAccount) throws(OpError) -> [RunValue] {
        try account.requireRoom(for: array.count, of: Tensor.self)
        let tensors = try (0..<array.count).map { (index) throws(OpError) in try array.read(at: index) }
        let lengths = tensors.map { Int64($0.shape.dimensions.first ?? 0) }
        guard tensors.allSatisfy({ $0.shape.rank > 0 }) else {
            throw .invalid("elements of a Concat must not be scalars")
        }
        let row = (tensors.first?.shape).map { Array($0.dimensions.dropFirst()) } ?? shape.known?.dimensions ?? []
        for tensor in tensors where Array(tensor.shape.dimensions.dropFirst()) != row {
            throw .invalid(
                "the TensorArray's elements cannot be joined: \(PartialShape(tensors[0].shape)) and \(PartialShape(tensor.shape))"
            )
        }
        let total = try TensorStacking.total(of: lengths.map(Int.init))
        let value = try TensorStacking.joined(tensors, array.dtype, [total] + row, account)
        guard let counts = Tensor(lengths) else { throw OpError(.resourceExhausted, "not enough memory") }
        return [.tensor(try checked(value)), .tensor(counts)]
    }
}
