internal import Kernels
internal import Tensors

/// The ops that make a list from another list, which is input 0.
struct TensorListChange: RunOp {
    private enum Change: String, CaseIterable {
        /// Inputs: an index; the new element. Attribute: `resize_if_index_out_of_bounds`.
        case set = "TensorListSetItem"
        /// Input: the element to append.
        case push = "TensorListPushBack"
        /// Input: `element_shape`. Outputs: the list without its last element; that element. Attribute:
        /// `element_dtype`.
        case pop = "TensorListPopBack"
        /// Input: the new number of elements.
        case resize = "TensorListResize"
        /// Input: the list to append.
        case append = "TensorListConcatLists"
        /// Inputs: a tensor; the index of each of its rows in the list.
        case scatter = "TensorListScatterIntoExistingList"

        var inputCount: Int {
            switch self {
            case .set, .scatter: 3
            case .push, .pop, .resize, .append: 2
            }
        }
    }

    static let entries: [OpEntry] = Change.allCases.map { change in
        OpEntry(change.rawValue, make: Self.init, change)
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

    /// Sets the elements at the given indices to the rows of a tensor.
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
