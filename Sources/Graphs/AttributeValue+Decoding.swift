internal import TensorFlowProtos
internal import Tensors

extension AttributeValue {
    /// Decodes the message.
    ///
    /// - Returns: nil if it is empty.
    init?(decoding message: AttrValue) throws(GraphError) {
        switch message.value {
        case nil: return nil
        case .s(let bytes): self = .bytes(Array(bytes))
        case .i(let number): self = .int(number)
        case .f(let number): self = .float(number)
        case .b(let truth): self = .bool(truth)
        case .type(let number): self = .type(DataType(protoNumber: number))
        case .shape(let shape): self = .shape(PartialShape(decoding: shape))
        case .tensor(let tensor):
            do { self = .tensor(try Tensor(decoding: tensor)) } catch { throw GraphError(error.reason) }
        case .func(let function): self = .function(name: function.name)
        case .list(let list): self = .list(List(decoding: list))
        case .placeholder(let name): throw GraphError("is a function's placeholder, \"\(name)\"")
        }
    }
}

extension AttributeValue.List {
    init(decoding message: AttrValue.ListValue) {
        bytes = message.s.map { Array($0) }
        ints = message.i
        floats = message.f
        bools = message.b
        types = message.type.map { DataType(protoNumber: $0) }
        shapes = message.shape.map { PartialShape(decoding: $0) }
    }
}
