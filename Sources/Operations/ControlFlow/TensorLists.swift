internal import Kernels
internal import Tensors

extension OpTable {
    /// The ops of tensor lists, which loops of TensorFlow 2 write and read.
    static let tensorLists: [OpEntry] = TensorListMaking.entries + TensorListChange.entries + TensorListReading.entries
}

/// An immutable list of tensors. Setting an element makes a new list that shares the other elements.
final class TensorList: RunObject {
    static let kind = "a TensorList"

    /// An element: a tensor, or the object behind a handle, such as another list.
    enum Element {
        case tensor(HeldTensor)
        case object(any RunObject)

        var value: RunValue {
            switch self {
            case .tensor(let held): .tensor(held.tensor)
            case .object(let object): .object(object)
            }
        }

        /// The tensor; nil if the element is an object.
        var tensor: HeldTensor? { if case .tensor(let held) = self { held } else { nil } }

        /// How many objects contain one another, as in ``RunObject``.
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

    /// A list of `count` elements that are not set.
    convenience init(
        _ dtype: DataType, _ elementShape: PartialShape, count: Int = 0, _ account: RunAccount
    ) throws(OpError) {
        self.init(dtype, elementShape, try ListSlots.of(count, account) { (_) in nil })
    }

    var depth: Int { dtype.isHandle ? elements.depth + 1 : 0 }

    /// A list with the same dtype and element shape, and with the given elements.
    func with(_ elements: ListSlots) -> TensorList { TensorList(dtype, elementShape, elements) }

    /// Makes an element from a value.
    ///
    /// Throws `invalidArgument` if the list cannot contain the value.
    func held(_ value: RunValue, _ account: RunAccount) throws(OpError) -> Element {
        switch value {
        case .tensor(let tensor): return try held(tensor, account)
        case .object(let object):
            guard dtype.isHandle else { throw .invalid("a list of \(dtype) is given a handle") }
            return .object(try object.requireShallow())
        }
    }

    /// Makes an element from a tensor.
    ///
    /// - `whole`: The memory that the tensor is a part of; nil if it has its own.
    ///
    /// Throws `invalidArgument` if the dtype or the shape is not that of the list.
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

    /// The list with the parts of one tensor as its elements.
    func holding(_ parts: [Tensor], _ account: RunAccount) throws(OpError) -> TensorList {
        let whole = try HeldMemory(of: parts, account)
        return with(
            try ListSlots.of(parts.count, account) { (index) throws(OpError) in
                try held(parts[index], account, partOf: whole)
            })
    }

    /// Checks that the list has an element with this index.
    func require(_ index: Int) throws(OpError) {
        guard index >= 0, index < elements.count else {
            throw .invalid("element \(index) of a list that has \(elements.count)")
        }
    }

    /// The shape of elements that are not set; nil if neither the list, the op nor an element defines it.
    private func shape(_ asked: PartialShape) -> Shape? {
        if let known = elementShape.merged(with: asked)?.known { return known }
        return elements.first?.tensor.shape
    }

    /// An element. It is zero if it was never set.
    func element(_ index: Int, asked: PartialShape, _ account: RunAccount) throws(OpError) -> RunValue {
        try require(index)
        if let element = elements[index] { return element.value }
        return .tensor(try unset(index, asked: asked, account))
    }

    /// The zeros that replace an element that was never set.
    private func unset(_ index: Int, asked: PartialShape, _ account: RunAccount) throws(OpError) -> Tensor {
        guard let shape = shape(asked) else {
            throw .invalid("element \(index) was never set, and zeros need a shape that is known, not \(elementShape)")
        }
        guard !dtype.isHandle else { throw .invalid("element \(index) was never set, and no handle is zero") }
        try account.requireRoom(dtype, shape.dimensions)
        return try .zeros(dtype, shape)
    }

    /// Stacks elements along a new first axis. All must have the same shape.
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

    /// The elements with the given indices, which must be tensors.
    ///
    /// - `zeros`: Makes the tensor that replaces all elements that are not set. It gets the first of their indices.
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
    /// The value as a tensor list.
    func list() throws(OpError) -> TensorList { try object(as: TensorList.self) }

    /// The value as one integer.
    ///
    /// - `role`: The name of the input in an error.
    func number(_ role: StaticString) throws(OpError) -> Int {
        guard let number = try tensor(role).integers?.first else { throw .invalid("\(role) is not a number") }
        return number
    }

    /// The value as a list of integers.
    func numbers(_ role: StaticString, _ account: RunAccount) throws(OpError) -> [Int] {
        try account.requireRoom(for: try tensor(role).shape.elementCount, of: Int.self)
        guard let numbers = try tensor(role).integers else { throw .invalid("\(role) are not numbers") }
        return numbers
    }

    /// The value as a shape.
    func shape(_ role: StaticString) throws(OpError) -> PartialShape {
        try PartialShape(elements: try tensor(role))
    }
}

extension TensorFact {
    /// The shape that the elements of the tensor define, as far as they are known.
    func statedShape() throws(OpError) -> PartialShape {
        try value.map { (value) throws(OpError) in try PartialShape(elements: value) } ?? .unknown
    }

    /// The fact of a tensor list.
    static func list(_ elements: ElementFact?) -> TensorFact {
        var fact = TensorFact(.variant, Shape.scalar)
        fact.elements = elements
        return fact
    }
}
