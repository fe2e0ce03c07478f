internal import Kernels
internal import Tensors

/// The ops that make a list. Attribute: `element_dtype`.
struct TensorListMaking: RunOp, RowStoreOp {
    private enum Way: String, CaseIterable {
        /// Inputs: `element_shape`, `max_num_elements`.
        case empty = "EmptyTensorList"
        /// Inputs: `element_shape`, `num_elements`.
        case reserve = "TensorListReserve"
        /// Inputs: a tensor, whose rows become the elements; `element_shape`.
        case fromTensor = "TensorListFromTensor"
        /// Inputs: a tensor; the index of each of its rows in the list; `element_shape`.
        case scatter = "TensorListScatter"
        /// Inputs: those of `TensorListScatter`, then `num_elements`.
        case scatterV2 = "TensorListScatterV2"
        /// Inputs: a tensor; `element_shape`; the number of rows of each element.
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
        OpEntry(way.rawValue, make: Self.init, way)
    }

    private let way: Way
    private let dtype: DataType

    private init(_ node: NodeReader, _ way: Way) throws(OpError) {
        try node.expectInputs(way.inputCount)
        self.way = way
        dtype = try node.type("element_dtype")
    }

    var rowStoreUse: RowStoreUse? { way == .fromTensor ? .fill(value: 0, places: nil, handle: nil) : nil }

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
