internal import FoundationEssentials
internal import TensorFlowProtos
internal import Tensors

extension AttrValue {
    /// Encodes an attribute's value.
    ///
    /// - Throws: ``GraphError`` for an unknown dtype, which has no number.
    init(encoding value: AttributeValue) throws(GraphError) {
        self.init()
        switch value {
        case .bytes(let bytes): s = Data(bytes)
        case .int(let number): i = number
        case .float(let number): f = number
        case .bool(let truth): b = truth
        case .type(let dtype): type = try Self.number(of: dtype)
        case .shape(let partial): shape = TensorShapeProto(encoding: partial)
        case .tensor(let constant): tensor = TensorProto(encoding: constant)
        case .function(let name): self.func.name = name
        case .list(let elements): list = try ListValue(encoding: elements)
        }
    }

    fileprivate static func number(of dtype: DataType?) throws(GraphError) -> Int32 {
        guard let dtype else { throw GraphError("an unknown dtype cannot be written into an attribute") }
        return dtype.rawValue
    }
}

extension AttrValue.ListValue {
    fileprivate init(encoding list: AttributeValue.List) throws(GraphError) {
        self.init()
        s = list.bytes.map { Data($0) }
        i = list.ints
        f = list.floats
        b = list.bools
        type = try list.types.map { (dtype) throws(GraphError) in try AttrValue.number(of: dtype) }
        shape = list.shapes.map { TensorShapeProto(encoding: $0) }
    }
}

extension TensorShapeProto {
    fileprivate init(encoding shape: PartialShape) {
        self.init()
        guard let dimensions = shape.dimensions else {
            unknownRank = true
            return
        }
        dim = dimensions.map { size in
            var dimension = TensorShapeProto.Dim()
            dimension.size = Int64(size)
            return dimension
        }
    }
}
