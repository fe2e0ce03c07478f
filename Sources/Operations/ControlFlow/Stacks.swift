internal import Kernels
internal import Tensors

extension OpTable {
    /// Stacks: what a loop keeps for the loop of its gradients.
    static let stacks: [OpEntry] = ["", "V2"].flatMap { version in
        [
            OpEntry("Stack\(version)", make: NewStack.init),
            OpEntry("StackPush\(version)", make: StackPush.init),
            OpEntry("StackPop\(version)", make: StackPop.init),
            OpEntry("StackClose\(version)", make: CloseHandle.init),
        ]
    }
}

/// Tensors of one dtype, the last in first out.
final class TensorStack: RunObject {
    static let kind = "a stack"

    let dtype: DataType
    private let limit: Int?
    private var tensors: [HeldTensor] = []
    /// What the places of the tensors take.
    private var slotMemory: SlotMemory

    init(_ dtype: DataType, limit: Int?, _ account: RunAccount) throws(OpError) {
        slotMemory = try SlotMemory(0, account)
        self.dtype = dtype
        self.limit = limit
    }

    func push(_ tensor: HeldTensor) throws(OpError) {
        guard tensor.tensor.dtype == dtype else {
            throw .invalid("a stack of \(dtype) is given \(tensor.tensor.dtype)")
        }
        if let limit, tensors.count >= limit { throw .invalid("the stack is full: it takes \(limit) tensors") }
        try slotMemory.hold(tensors.count + 1)
        tensors.append(tensor)
    }

    func pop() throws(OpError) -> Tensor {
        guard let last = tensors.popLast() else { throw .invalid("the stack is empty") }
        return last.tensor
    }
}

/// `Stack`, `StackV2`. Input of V2: the most tensors, negative for any number. Attribute: `elem_type`.
struct NewStack: RunOp {
    static var traits: OpTraits { [.identity, .notFolded] }

    private let dtype: DataType

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(node.op == "StackV2" ? 1 : 0)
        dtype = try node.type("elem_type")
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        [TensorFact(.resource, Shape.scalar)]
    }

    func run(_ inputs: [RunValue], _ account: RunAccount) throws(OpError) -> [RunValue] {
        let limit = try inputs.first?.tensor("max_size").integers?.first
        return [.object(try TensorStack(dtype, limit: limit.flatMap { $0 < 0 ? nil : $0 }, account))]
    }
}

/// `StackPush`, `StackPushV2`. Inputs: the handle, the tensor, which is also the output.
struct StackPush: RunOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(2) }

    static var traits: OpTraits { [.state, .effect] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        var output = inputs[1]
        output.forgetElements()
        return [output]
    }

    func run(_ inputs: [RunValue], _ account: RunAccount) throws(OpError) -> [RunValue] {
        let held = try HeldTensor(try inputs[1].tensor("the element"), account)
        try inputs[0].object(as: TensorStack.self).push(held)
        return [.tensor(held.tensor)]
    }
}

/// `StackPop`, `StackPopV2`. Input: the handle. Attribute: `elem_type`.
struct StackPop: RunOp {
    private let dtype: DataType

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(1)
        dtype = try node.type("elem_type")
    }

    static var traits: OpTraits { [.state, .effect] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] { [TensorFact(dtype, .unknown)] }

    func run(_ inputs: [RunValue], _ account: RunAccount) throws(OpError) -> [RunValue] {
        let stack = try inputs[0].object(as: TensorStack.self)
        guard stack.dtype == dtype else { throw .invalid("pops \(dtype) from a stack of \(stack.dtype)") }
        return [.tensor(try stack.pop())]
    }
}
