internal import Kernels
internal import Tensors

/// The ops that read a list, which is input 0. Attribute: `element_dtype`.
struct TensorListReading: RunOp, RowStoreOp {
    private enum Way: String, CaseIterable {
        /// Inputs: an index; `element_shape`.
        case item = "TensorListGetItem"
        /// Input: `element_shape`. Attribute: `num_elements`, the required number of elements, or -1 for any number.
        case stack = "TensorListStack"
        /// Inputs: indices; `element_shape`.
        case gather = "TensorListGather"
        case length = "TensorListLength"
        /// Attribute: `shape_type`, the dtype of the output.
        case elementShape = "TensorListElementShape"
        /// Attribute: `element_shape`. Outputs: the elements, concatenated along their first axis; the number of rows of
        /// each.
        case concat = "TensorListConcat"
        /// Inputs: `element_shape`; the number of rows of each element, which is used for elements that are not set.
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
        OpEntry(way.rawValue, make: Self.init, way)
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

    var rowStoreUse: RowStoreUse? { way == .item ? .read(store: 0, index: 1, handle: nil) : nil }

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
        // The zeros that replace elements that are not set are needed until the concatenation is done.
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
