internal import Kernels
internal import Tensors

/// `ZerosLike` of a handle: a list of zeros of the elements' shapes, or an optional of zeros of its values.
struct HandleZeros: RunOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(1) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        var output = TensorFact(inputs[0].dtype, Shape.scalar)
        output.elements = inputs[0].elements
        return [output]
    }

    func run(_ inputs: [RunValue], _ account: RunAccount) throws(OpError) -> [RunValue] {
        [try zeros(inputs[0], account)]
    }

    private func zeros(_ value: RunValue, _ account: RunAccount) throws(OpError) -> RunValue {
        switch value {
        case .tensor(let tensor):
            try account.requireRoom(tensor.byteCount)
            return .tensor(try .zeros(tensor.dtype, tensor.shape))
        case .object(let optional as OptionalValues):
            let values = try optional.values?.map { (value) throws(OpError) in try zeros(value, account) }
            return .object(try OptionalValues(values, account))
        case .object(let object):
            let list = try RunValue.object(object).object(as: TensorList.self)
            // What was never set is zeros already, of a shape that is not known yet.
            let elements = try ListSlots.of(list.elements.count, account) { (index) throws(OpError) in
                try list.elements[index].map { (element) throws(OpError) in
                    try list.held(try zeros(element.value, account), account)
                }
            }
            return .object(list.with(elements))
        }
    }
}

/// `AddN` of lists of the same length, element by element; one that is not set counts as zeros.
struct ListSum: RunOp {
    private let sum: AddN

    init(_ node: NodeReader) throws(OpError) { sum = try AddN(node) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        var output = TensorFact(inputs[0].dtype, Shape.scalar)
        output.elements = inputs.dropFirst().reduce(inputs[0].elements) { ElementFact.joined($0, $1.elements) }
        return [output]
    }

    func run(_ inputs: [RunValue], _ account: RunAccount) throws(OpError) -> [RunValue] {
        let lists = try inputs.map { (input) throws(OpError) in try input.object(as: TensorList.self) }
        guard let first = lists.first else { throw .invalid("adds nothing") }
        for list in lists where list.dtype != first.dtype || list.elements.count != first.elements.count {
            throw .invalid(
                "adds a list of \(first.elements.count) \(first.dtype) and one of \(list.elements.count) \(list.dtype)")
        }
        let elements = try ListSlots.of(first.elements.count, account) {
            (index) throws(OpError) -> TensorList.Element? in
            let set = lists.compactMap { $0.elements[index] }
            if set.count < 2 { return set.first }
            let values = set.map(\.value)
            return try first.held(first.dtype.isHandle ? run(values, account)[0] : .tensor(try total(values)), account)
        }
        return [.object(first.with(elements))]
    }

    private func total(_ values: [RunValue]) throws(OpError) -> Tensor {
        let tensors = try values.map { (value) throws(OpError) in try value.tensor("an element") }
        do {
            if let total = try sum.evaluate(tensors.map { TensorFact($0) }).first { return total }
        } catch let error as OpError {
            throw error
        } catch {
            throw .invalid("\(error)")
        }
        throw .invalid("a sum has no value")
    }
}

extension NodeReader {
    /// Whether the dtype that an op works on, its attribute `T`, is that of handles.
    var isOfHandles: Bool {
        get throws(OpError) { try type("T", default: .float32).isHandle }
    }
}
