internal import Kernels
internal import Tensors

extension OpTable {
    /// Where values come into a graph: constants, feeds, variables; and nodes without a value.
    static let graphInputs: [OpEntry] = [
        OpEntry("Const", make: Const.init),
        OpEntry("Placeholder", make: Placeholder.init),
        OpEntry("PlaceholderV2", make: Placeholder.init),
        OpEntry("PlaceholderWithDefault", make: PlaceholderWithDefault.init),
        OpEntry("Variable", make: Variable.init),
        OpEntry("VariableV2", make: Variable.init),
        OpEntry("VarHandleOp", make: VarHandleOp.init),
        OpEntry("ReadVariableOp", make: ReadVariableOp.init),
        OpEntry("NoOp", make: NoOp.init),
    ]
}

/// A constant. Attributes: `value`, `dtype`.
struct Const: Op {
    private let value: Tensor

    init(_ node: NodeReader) throws(OpError) {
        value = try node.tensor("value")
        let dtype = try node.type("dtype", default: value.dtype)
        guard dtype == value.dtype else { throw node.malformed("dtype is \(dtype), its value's is \(value.dtype)") }
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] { [TensorFact(value)] }

    // A constant is itself and no other: comparing elements would cost more than merging equal ones brings.
    static func == (left: Const, right: Const) -> Bool {
        left.value.storage === right.value.storage && left.value.byteOffset == right.value.byteOffset
    }

    func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(value.storage)) }
}

/// A tensor that the request feeds. Attributes: `dtype`, `shape`.
struct Placeholder: PlaceholderOp {
    static var traits: OpTraits { [.identity, .feed] }

    let dtype: DataType
    let shape: PartialShape

    init(_ node: NodeReader) throws(OpError) {
        dtype = try node.type("dtype")
        shape = try node.shape("shape", default: .unknown)
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] { [TensorFact(dtype, shape)] }
}

/// A tensor that the request may feed; else its input.
struct PlaceholderWithDefault: KernelOp {
    static var traits: OpTraits { [.identity, .feed] }

    let shape: PartialShape

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(1)
        shape = try node.shape("shape", default: .unknown)
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] { [inputs[0]] }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.handingOn { node.rowwise(0) } }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel { .alias() }
}

/// A reference variable. Attributes: `dtype`, `shape`, `shared_name`.
struct Variable: VariableReading {
    static var traits: OpTraits { [.state, .identity, .variable] }

    let reference: VariableReference

    init(_ node: NodeReader) throws(OpError) { reference = try VariableReference(node) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        var output = TensorFact(reference.dtype, reference.shape)
        output.variable = reference
        return [output]
    }

    func variable(reading inputs: [TensorFact]) throws(OpError) -> VariableReference { reference }
}

extension VariableReference {
    fileprivate init(_ node: NodeReader) throws(OpError) {
        let shared = try node.string("shared_name", default: "")
        self.init(
            name: shared.isEmpty ? node.name : shared, dtype: try node.type("dtype"),
            shape: try node.shape("shape", default: .unknown))
    }
}

/// A handle to a resource variable. Attributes: `dtype`, `shape`, `shared_name`.
struct VarHandleOp: Op {
    static var traits: OpTraits { [.identity, .variable] }

    let reference: VariableReference

    init(_ node: NodeReader) throws(OpError) { reference = try VariableReference(node) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] { [TensorFact(variable: reference)] }
}

/// The value of a resource variable. Attributes: `dtype`.
struct ReadVariableOp: VariableReading {
    static var traits: OpTraits { .state }

    let dtype: DataType

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(1)
        dtype = try node.type("dtype")
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let reference = try variable(reading: inputs)
        guard reference.dtype == dtype else {
            throw .invalid("reads \(dtype), the variable \(reference.name) is \(reference.dtype)")
        }
        return [TensorFact(dtype, reference.shape)]
    }

    func variable(reading inputs: [TensorFact]) throws(OpError) -> VariableReference {
        guard let reference = inputs[0].variable else { throw .unsupported("the handle is not that of a variable") }
        return reference
    }
}

/// A node that does nothing: it only orders others.
struct NoOp: Op {
    // What it orders is its own.
    static var traits: OpTraits { [.identity, .bookkeeping] }

    init(_ node: NodeReader) {}

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] { [] }
}
