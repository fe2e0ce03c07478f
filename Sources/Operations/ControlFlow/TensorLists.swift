internal import Kernels
internal import Tensors

extension OpTable {
    /// Lists of tensors as values: what loops of TensorFlow 2 write and read.
    static let tensorLists: [OpEntry] = TensorListMaking.entries + TensorListChange.entries + TensorListReading.entries
}

/// A list of tensors. It does not change: to set an element makes another list, which shares the others.
final class TensorList: RunObject {
    static let kind = "a TensorList"

    /// An element: a tensor, or what a handle stands for, such as another list.
    enum Element {
        case tensor(HeldTensor)
        case object(any RunObject)

        var value: RunValue {
            switch self {
            case .tensor(let held): .tensor(held.tensor)
            case .object(let object): .object(object)
            }
        }

        /// The tensor; nil where the element is none.
        var tensor: HeldTensor? { if case .tensor(let held) = self { held } else { nil } }

        /// See ``RunObject``.
        var depth: Int { if case .object(let object) = self { object.depth } else { 0 } }
    }

    let dtype: DataType
    let elementShape: PartialShape
    let elements: ListSlots

    private init(_ dtype: DataType, _ elementShape: PartialShape, _ elements: ListSlots) {
        self.dtype = dtype
        self.elementShape = elementShape
        self.elements = elements
    }

    /// A list of so many elements that are not set.
    convenience init(
        _ dtype: DataType, _ elementShape: PartialShape, count: Int = 0, _ account: RunAccount
    ) throws(OpError) {
        self.init(dtype, elementShape, try ListSlots.of(count, account) { (_) in nil })
    }

    var depth: Int { dtype.isHandle ? elements.depth + 1 : 0 }

    /// A list of the same kind with other elements.
    func with(_ elements: ListSlots) -> TensorList { TensorList(dtype, elementShape, elements) }

    /// Keeps a value that is to be an element.
    func held(_ value: RunValue, _ account: RunAccount) throws(OpError) -> Element {
        switch value {
        case .tensor(let tensor): return try held(tensor, account)
        case .object(let object):
            guard dtype.isHandle else { throw .invalid("a list of \(dtype) is given a handle") }
            return .object(try object.requireShallow())
        }
    }

    /// Keeps a tensor that is to be an element.
    func held(
        _ tensor: Tensor, _ account: RunAccount, partOf whole: HeldMemory? = nil
    ) throws(OpError) -> Element {
        guard tensor.dtype == dtype else { throw .invalid("a list of \(dtype) is given \(tensor.dtype)") }
        guard elementShape.admits(tensor.shape) else {
            throw .invalid(
                "an element of shape \(PartialShape(tensor.shape)) for a list of elements of shape \(elementShape)")
        }
        return .tensor(try HeldTensor(tensor, account, partOf: whole))
    }

    /// The list of these elements, which are parts of one tensor.
    func holding(_ parts: [Tensor], _ account: RunAccount) throws(OpError) -> TensorList {
        let whole = try HeldMemory(of: parts, account)
        return with(
            try ListSlots.of(parts.count, account) { (index) throws(OpError) in
                try held(parts[index], account, partOf: whole)
            })
    }

    func require(_ index: Int) throws(OpError) {
        guard index >= 0, index < elements.count else {
            throw .invalid("element \(index) of a list that has \(elements.count)")
        }
    }

    /// The shape of elements that are not set: what all that is known says.
    private func shape(_ asked: PartialShape) -> Shape? {
        if let known = elementShape.merged(with: asked)?.known { return known }
        return elements.first?.tensor.shape
    }

    /// An element; zeros for one that was never set.
    func element(_ index: Int, asked: PartialShape, _ account: RunAccount) throws(OpError) -> RunValue {
        try require(index)
        if let element = elements[index] { return element.value }
        return .tensor(try unset(index, asked: asked, account))
    }

    /// What stands for an element that was never set: zeros.
    private func unset(_ index: Int, asked: PartialShape, _ account: RunAccount) throws(OpError) -> Tensor {
        guard let shape = shape(asked) else {
            throw .invalid("element \(index) was never set, and zeros need a shape that is known, not \(elementShape)")
        }
        guard !dtype.isHandle else { throw .invalid("element \(index) was never set, and no handle is zero") }
        try account.requireRoom(dtype, shape.dimensions)
        return try .zeros(dtype, shape)
    }

    /// Elements under one another. They must have one shape.
    func stacked(_ indices: some Collection<Int>, asked: PartialShape, _ account: RunAccount) throws(OpError)
        -> Tensor
    {
        let tensors = try tensors(indices, account) { (index) throws(OpError) in
            try unset(index, asked: asked, account)
        }
        guard let element = tensors.first?.shape ?? elementShape.merged(with: asked)?.known else {
            throw .invalid("no elements, and their shape is not known: \(elementShape)")
        }
        for tensor in tensors where tensor.shape != element {
            throw .invalid("elements of different shapes: \(PartialShape(element)) and \(PartialShape(tensor.shape))")
        }
        guard asked.admits(element) else {
            throw .invalid("elements of shape \(PartialShape(element)) are asked for as \(asked)")
        }
        return try TensorStacking.stack(tensors, dtype, element, account)
    }

    /// Elements that are tensors. Those that are not set are one and the same, which `zeros` makes of the first one's index.
    func tensors(
        _ indices: some Collection<Int>, _ account: RunAccount, zeros: (Int) throws(OpError) -> Tensor
    ) throws(OpError) -> [Tensor] {
        try account.requireRoom(for: indices.count, of: Tensor.self)
        var missing: Tensor?
        return try indices.map { (index) throws(OpError) in
            try require(index)
            if let element = elements[index] { return try element.value.tensor("an element") }
            if let missing { return missing }
            let made = try zeros(index)
            missing = made
            return made
        }
    }
}

extension RunValue {
    fileprivate func list() throws(OpError) -> TensorList { try object(as: TensorList.self) }

    fileprivate func number(_ role: StaticString) throws(OpError) -> Int {
        guard let number = try tensor(role).integers?.first else { throw .invalid("\(role) is not a number") }
        return number
    }

    fileprivate func numbers(_ role: StaticString, _ account: RunAccount) throws(OpError) -> [Int] {
        try account.requireRoom(for: try tensor(role).shape.elementCount, of: Int.self)
        guard let numbers = try tensor(role).integers else { throw .invalid("\(role) are not numbers") }
        return numbers
    }

    fileprivate func shape(_ role: StaticString) throws(OpError) -> PartialShape {
        try PartialShape(elements: try tensor(role))
    }
}

extension TensorFact {
    /// The shape that a tensor of numbers says, as far as it is known.
    fileprivate func statedShape() throws(OpError) -> PartialShape {
        try value.map { (value) throws(OpError) in try PartialShape(elements: value) } ?? .unknown
    }

    fileprivate static func list(_ elements: ElementFact?) -> TensorFact {
        var fact = TensorFact(.variant, Shape.scalar)
        fact.elements = elements
        return fact
    }
}

/// Ops that make a list. Attribute: `element_dtype`.
struct TensorListMaking: RunOp {
    private enum Way: String, CaseIterable {
        /// Inputs: `element_shape`, `max_num_elements`.
        case empty = "EmptyTensorList"
        /// Inputs: `element_shape`, `num_elements`.
        case reserve = "TensorListReserve"
        /// Inputs: the tensor whose rows are the elements, `element_shape`.
        case fromTensor = "TensorListFromTensor"
        /// Inputs: a tensor, the index of each of its rows, `element_shape`.
        case scatter = "TensorListScatter"
        /// The same, then `num_elements`.
        case scatterV2 = "TensorListScatterV2"
        /// Inputs: a tensor, `element_shape`, the rows of each element.
        case split = "TensorListSplit"

        var inputCount: Int {
            switch self {
            case .empty, .reserve, .fromTensor: 2
            case .scatter, .split: 3
            case .scatterV2: 4
            }
        }
    }

    static let entries: [OpEntry] = Way.allCases.map { way in
        OpEntry(way.rawValue) { node throws(OpError) in try Self(node, way) }
    }

    private let way: Way
    private let dtype: DataType

    private init(_ node: NodeReader, _ way: Way) throws(OpError) {
        try node.expectInputs(way.inputCount)
        self.way = way
        dtype = try node.type("element_dtype")
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        switch way {
        case .empty: return [.list(nil)]
        case .reserve:
            let shape = try inputs[0].statedShape()
            return [.list(ElementFact(shape: shape.isFullyDefined ? shape : nil, count: inputs[1].integers?.first))]
        case .fromTensor:
            return [
                .list(ElementFact(shape: inputs[0].shape.droppingFirst, count: inputs[0].shape.known?.dimensions.first))
            ]
        case .scatter, .scatterV2, .split: return [.list(nil)]
        }
    }

    func run(_ inputs: [RunValue], _ account: RunAccount) throws(OpError) -> [RunValue] {
        switch way {
        case .empty: return [.object(try TensorList(dtype, try inputs[0].shape("element_shape"), account))]
        case .reserve:
            let count = try inputs[1].number("num_elements")
            guard count >= 0 else { throw .invalid("a list of \(count) elements") }
            return [.object(try TensorList(dtype, try inputs[0].shape("element_shape"), count: count, account))]
        case .fromTensor:
            let empty = try TensorList(dtype, try inputs[1].shape("element_shape"), account)
            let rows = try TensorStacking.rows(of: try inputs[0].tensor("the tensor"), account)
            return [.object(try empty.holding(rows, account))]
        case .scatter: return [.object(try scattered(inputs, count: nil, account))]
        case .scatterV2:
            let count = try inputs[3].number("num_elements")
            return [.object(try scattered(inputs, count: count < 0 ? nil : count, account))]
        case .split:
            let empty = try TensorList(dtype, try inputs[1].shape("element_shape"), account)
            let value = try inputs[0].tensor("the tensor")
            let lengths = try inputs[2].numbers("the lengths", account)
            guard try TensorStacking.total(of: lengths) == value.shape.dimensions.first else {
                throw .invalid("lengths \(lengths) for a tensor of shape \(PartialShape(value.shape))")
            }
            let parts = try TensorStacking.parts(of: value, lengths, account)
            return [.object(try empty.holding(parts, account))]
        }
    }

    private func scattered(_ inputs: [RunValue], count: Int?, _ account: RunAccount) throws(OpError) -> TensorList {
        let indices = try inputs[1].numbers("the indices", account)
        let largest = indices.max() ?? -1
        guard (indices.min() ?? 0) >= 0, largest < Int.max else { throw .invalid("\(indices) are not indices") }
        let needed = largest + 1
        if let count, needed > count { throw .invalid("index \(needed - 1) for a list of \(count)") }
        let size = count ?? needed
        let empty = try TensorList(dtype, try inputs[2].shape("element_shape"), count: size, account)
        return try TensorListChange.scatter(try inputs[0].tensor("the tensor"), indices, into: empty, account)
    }
}

/// Ops that take a list, input 0, and give another one.
struct TensorListChange: RunOp {
    private enum Change: String, CaseIterable {
        /// Inputs: the index, the element. Attribute: `resize_if_index_out_of_bounds`.
        case set = "TensorListSetItem"
        /// Input: the element.
        case push = "TensorListPushBack"
        /// Input: `element_shape`. Outputs: the list, its last element. Attribute: `element_dtype`.
        case pop = "TensorListPopBack"
        /// Input: the number of elements.
        case resize = "TensorListResize"
        /// Input: another list.
        case append = "TensorListConcatLists"
        /// Inputs: a tensor, the index of each of its rows.
        case scatter = "TensorListScatterIntoExistingList"

        var inputCount: Int {
            switch self {
            case .set, .scatter: 3
            case .push, .pop, .resize, .append: 2
            }
        }
    }

    static let entries: [OpEntry] = Change.allCases.map { change in
        OpEntry(change.rawValue) { node throws(OpError) in try Self(node, change) }
    }

    private let change: Change
    private let dtype: DataType
    private let grows: Bool

    private init(_ node: NodeReader, _ change: Change) throws(OpError) {
        try node.expectInputs(change.inputCount)
        self.change = change
        dtype = change == .resize ? .variant : try node.type("element_dtype")
        grows = try node.bool("resize_if_index_out_of_bounds", default: false)
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let elements = inputs[0].elements
        switch change {
        case .set:
            var changed = elements?.including(inputs[2].shape)
            if grows { changed?.count = nil }
            return [.list(changed)]
        case .push: return [.list(nil)]
        case .pop: return [.list(nil), TensorFact(dtype, try inputs[1].statedShape())]
        case .resize: return [.list(elements.map { ElementFact(shape: $0.shape, count: inputs[1].integers?.first) })]
        case .append: return [.list(nil)]
        case .scatter: return [.list(elements?.including(inputs[1].shape.droppingFirst))]
        }
    }

    func run(_ inputs: [RunValue], _ account: RunAccount) throws(OpError) -> [RunValue] {
        let list = try inputs[0].list()
        let elements = list.elements
        switch change {
        case .set:
            let index = try inputs[1].number("the index")
            let isNew = grows && index >= elements.count
            if !isNew { try list.require(index) }
            let slots = isNew ? try elements.resized(to: min(index, .max - 1) + 1) : elements
            return [.object(list.with(try slots.setting(index, try list.held(inputs[2], account))))]
        case .push: return [.object(list.with(try elements.appending(try list.held(inputs[1], account))))]
        case .pop:
            guard elements.count > 0 else { throw .invalid("takes the last element of an empty list") }
            let last = try list.element(elements.count - 1, asked: try inputs[1].shape("element_shape"), account)
            return [.object(list.with(try elements.droppingLast())), last]
        case .resize:
            let count = try inputs[1].number("the size")
            guard count >= 0 else { throw .invalid("a list of \(count) elements") }
            return [.object(list.with(try elements.resized(to: count)))]
        case .append: return [.object(list.with(try elements.appending(try inputs[1].list().elements)))]
        case .scatter:
            let indices = try inputs[2].numbers("the indices", account)
            return [.object(try Self.scatter(try inputs[1].tensor("the tensor"), indices, into: list, account))]
        }
    }

    /// The list with a tensor's rows at these indices.
    static func scatter(
        _ tensor: Tensor, _ indices: [Int], into list: TensorList, _ account: RunAccount
    ) throws(OpError) -> TensorList {
        let rows = try TensorStacking.rows(of: tensor, account)
        guard rows.count == indices.count else { throw .invalid("\(indices.count) indices for \(rows.count) rows") }
        for index in indices where index < 0 { throw .invalid("\(index) is not an index") }
        let needed = min(indices.max() ?? -1, .max - 1) + 1
        let slots = needed > list.elements.count ? try list.elements.resized(to: needed) : list.elements
        let whole = try HeldMemory(of: rows, account)
        try account.requireRoom(for: rows.count, of: (Int, TensorList.Element).self)
        let changes = try zip(indices, rows).map { (index, row) throws(OpError) in
            (index: index, element: try list.held(row, account, partOf: whole))
        }
        return list.with(try slots.setting(changes))
    }
}

/// Ops that read a list, input 0. Attribute: `element_dtype`.
struct TensorListReading: RunOp {
    private enum Way: String, CaseIterable {
        /// Inputs: the index, `element_shape`.
        case item = "TensorListGetItem"
        /// Input: `element_shape`. Attribute: `num_elements`, -1 for any.
        case stack = "TensorListStack"
        /// Inputs: the indices, `element_shape`.
        case gather = "TensorListGather"
        case length = "TensorListLength"
        /// Attribute: `shape_type`.
        case elementShape = "TensorListElementShape"
        /// Attribute: `element_shape`. Outputs: the elements joined along their first axis, the rows of each.
        case concat = "TensorListConcat"
        /// Inputs: `element_shape`, the rows of elements that are not set.
        case concatV2 = "TensorListConcatV2"

        var inputCount: Int {
            switch self {
            case .item, .gather, .concatV2: 3
            case .stack: 2
            case .length, .elementShape, .concat: 1
            }
        }
    }

    static let entries: [OpEntry] = Way.allCases.map { way in
        OpEntry(way.rawValue) { node throws(OpError) in try Self(node, way) }
    }

    private let way: Way
    private let dtype: DataType
    private let count: Int?
    private let shapeType: DataType
    private let shape: PartialShape

    private init(_ node: NodeReader, _ way: Way) throws(OpError) {
        try node.expectInputs(way.inputCount)
        self.way = way
        dtype = try node.type("element_dtype", default: .float32)
        let count = way == .stack ? try node.int("num_elements", default: -1) : -1
        self.count = count < 0 ? nil : count
        shapeType = way == .elementShape ? try node.type("shape_type") : .int32
        shape = way == .concat ? try node.shape("element_shape", default: .unknown) : .unknown
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let elements = inputs[0].elements
        let known = elements?.shape ?? .unknown
        func element(_ input: Int) throws(OpError) -> PartialShape {
            let stated = try inputs[input].statedShape()
            return known.merged(with: stated) ?? stated
        }
        switch way {
        case .item: return [TensorFact(dtype, try element(2))]
        case .stack: return [TensorFact(dtype, try element(1).prepending(elements?.count ?? count))]
        case .gather: return [TensorFact(dtype, try element(2).prepending(inputs[1].shape.dimensions?.first))]
        case .length:
            guard let count = elements?.count, let size = Int32(exactly: count) else {
                return [TensorFact(.int32, Shape.scalar)]
            }
            return [TensorFact(try .scalar(size))]
        case .elementShape: return [TensorFact(shapeType, .unknown)]
        case .concat: return concat(shape.droppingFirst)
        case .concatV2: return concat(try inputs[1].statedShape().droppingFirst)
        }
    }

    private func concat(_ row: PartialShape) -> [TensorFact] {
        [TensorFact(dtype, row.prepending(nil)), TensorFact(.int64, .ofRank(1))]
    }

    func run(_ inputs: [RunValue], _ account: RunAccount) throws(OpError) -> [RunValue] {
        let list = try inputs[0].list()
        guard way == .length || way == .elementShape || list.dtype == dtype else {
            throw .invalid("reads \(dtype) from a list of \(list.dtype)")
        }
        switch way {
        case .item:
            let index = try inputs[1].number("the index")
            return [try list.element(index, asked: try inputs[2].shape("element_shape"), account)]
        case .stack:
            if let count, count != list.elements.count {
                throw .invalid("a list of \(count) elements is expected, it has \(list.elements.count)")
            }
            let shape = try inputs[1].shape("element_shape")
            return [.tensor(try list.stacked(0..<list.elements.count, asked: shape, account))]
        case .gather:
            let indices = try inputs[1].numbers("the indices", account)
            return [.tensor(try list.stacked(indices, asked: try inputs[2].shape("element_shape"), account))]
        case .length: return [.tensor(try .scalar(Int32(truncatingIfNeeded: list.elements.count)))]
        case .elementShape: return [.tensor(try elementShape(of: list))]
        case .concat: return try concat(list, shape, missing: [], account)
        case .concatV2:
            let missing = try inputs[2].numbers("the leading dimensions", account)
            return try concat(list, try inputs[1].shape("element_shape"), missing: missing, account)
        }
    }

    private func elementShape(of list: TensorList) throws(OpError) -> Tensor {
        let sizes = list.elementShape.dimensions
        let tensor =
            shapeType == .int64
            ? Tensor((sizes ?? [-1]).map { Int64($0) }, shape: sizes.map { [$0.count] } ?? [])
            : Tensor((sizes ?? [-1]).map { Int32(truncatingIfNeeded: $0) }, shape: sizes.map { [$0.count] } ?? [])
        guard let tensor else { throw OpError(.resourceExhausted, "not enough memory") }
        return tensor
    }

    private func concat(
        _ list: TensorList, _ asked: PartialShape, missing: [Int], _ account: RunAccount
    ) throws(OpError) -> [RunValue] {
        try account.requireRoom(for: list.elements.count, of: Tensor.self)
        // What stands for elements that are not set lives until they are joined.
        let used = account.usedBytes
        defer { account.give(downTo: used) }
        var tensors: [Tensor] = []
        for index in 0..<list.elements.count {
            var shape = asked
            if list.elements[index] == nil, missing.indices.contains(index), let sizes = asked.dimensions {
                shape = PartialShape([missing[index]] + sizes.dropFirst())
            }
            let tensor = try list.element(index, asked: shape, account).tensor("an element")
            if list.elements[index] == nil { try account.reserve(tensor.byteCount) }
            tensors.append(tensor)
        }
        guard tensors.allSatisfy({ $0.shape.rank > 0 }) else {
            throw .invalid("elements that are joined must not be scalars")
        }
        let lengths = tensors.map { $0.shape.dimensions[0] }
        guard
            let row = tensors.first.map({ Array($0.shape.dimensions.dropFirst()) })
                ?? asked.droppingFirst.known?.dimensions ?? list.elementShape.droppingFirst.known?.dimensions
        else { throw .invalid("joins no elements, and their shape is not known: \(asked)") }
        for tensor in tensors where Array(tensor.shape.dimensions.dropFirst()) != row {
            throw .invalid(
                "elements that cannot be joined: rows of shape \(PartialShape(row)) and \(PartialShape(tensor.shape))")
        }
        let value = try TensorStacking.joined(tensors, dtype, [try TensorStacking.total(of: lengths)] + row, account)
        guard let counts = Tensor(lengths.map { Int64($0) }) else {
            throw OpError(.resourceExhausted, "not enough memory")
        }
        return [.tensor(value), .tensor(counts)]
    }
}
