internal import Kernels
internal import Tensors

extension OpTable {
    /// Optionals: what one branch keeps for its gradient, and the other does not have.
    static let optionals: [OpEntry] = [
        OpEntry("OptionalFromValue", make: OptionalMaking.init(_:isSet:), true),
        OpEntry("OptionalNone", make: OptionalMaking.init(_:isSet:), false),
        OpEntry("OptionalHasValue", make: OptionalHasValue.init),
        OpEntry("OptionalGetValue", make: OptionalGetValue.init),
    ]
}

/// Some values, or none.
final class OptionalValues: RunObject {
    static let kind = "an optional"

    let values: [RunValue]?
    let depth: Int
    /// Keeps the tensors among the values.
    private let held: [HeldTensor]

    /// Throws `resourceExhausted` where the tensors are more than the run may hold.
    init(_ values: [RunValue]?, _ account: RunAccount) throws(OpError) {
        var held: [HeldTensor] = []
        self.values = try values?.map { (value) throws(OpError) in
            if case .object(let object) = value { return .object(try object.requireShallow()) }
            let kept = try HeldTensor(try value.tensor("a value"), account)
            held.append(kept)
            return .tensor(kept.tensor)
        }
        self.held = held
        depth = (values ?? []).map(\.depth).reduce(0, max) + 1
    }
}

/// `OptionalFromValue`, whose inputs are the values, and `OptionalNone`.
struct OptionalMaking: RunOp {
    private let isSet: Bool

    init(_ node: NodeReader, isSet: Bool) throws(OpError) {
        if isSet { try node.expectInputs(atLeast: 1) } else { try node.expectInputs(0) }
        self.isSet = isSet
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        [TensorFact(.variant, Shape.scalar)]
    }

    func run(_ inputs: [RunValue], _ account: RunAccount) throws(OpError) -> [RunValue] {
        [.object(try OptionalValues(isSet ? inputs : nil, account))]
    }
}

/// `OptionalHasValue`. Input: an optional. Output: a bool.
struct OptionalHasValue: RunOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(1) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] { [TensorFact(.bool, Shape.scalar)] }

    func run(_ inputs: [RunValue], _ account: RunAccount) throws(OpError) -> [RunValue] {
        [.tensor(try .scalar(try inputs[0].object(as: OptionalValues.self).values != nil))]
    }
}

/// `OptionalGetValue`. Input: an optional. Outputs: its values. Attributes: `output_types`, `output_shapes`.
struct OptionalGetValue: RunOp {
    private let types: [DataType]
    private let shapes: [PartialShape]

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(1)
        types = try node.types("output_types")
        shapes = try node.shapes("output_shapes")
        guard types.count == shapes.count else {
            throw node.malformed("\(types.count) types and \(shapes.count) shapes of outputs")
        }
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        zip(types, shapes).map { TensorFact($0, $0.isHandle ? PartialShape(.scalar) : $1) }
    }

    func run(_ inputs: [RunValue], _ account: RunAccount) throws(OpError) -> [RunValue] {
        guard let values = try inputs[0].object(as: OptionalValues.self).values else {
            throw .invalid("the optional has no value")
        }
        guard values.count == types.count else {
            throw .invalid("\(types.count) values are asked for, the optional has \(values.count)")
        }
        for (index, value) in values.enumerated() {
            switch value {
            case .object:
                guard types[index].isHandle else { throw .invalid("value \(index) is a handle, not \(types[index])") }
            case .tensor(let tensor):
                guard tensor.dtype == types[index], shapes[index].admits(tensor.shape) else {
                    throw .invalid(
                        "value \(index) is \(tensor.dtype) \(PartialShape(tensor.shape)), "
                            + "not \(types[index]) \(shapes[index])")
                }
            }
        }
        return values
    }
}
