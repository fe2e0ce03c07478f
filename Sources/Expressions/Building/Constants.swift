internal import Tensors

/// Makes tensors of literals.
struct Constants {
    /// Makes an error of the place where the literals stand.
    let error: (String) -> ExpressionError

    /// The dtype of a literal without a tensor next to it, as `tf.constant` chooses it.
    static func ownType(of literal: Literal) -> DataType? {
        switch literal {
        case .int(let number): Int32(exactly: number) == nil ? .int64 : .int32
        case .float: .float32
        case .bool: .bool
        case .bytes: .string
        case .none: nil
        }
    }

    /// The dtype of literals in a list.
    static func ownType(of literals: [Literal]) -> DataType {
        var type: DataType?
        for literal in literals {
            let own = ownType(of: literal)
            if type == nil || own == .float32 || own == .int64 && type == .int32 { type = own }
        }
        return type ?? .float32
    }

    /// - Throws: ``ExpressionError`` for a literal that the dtype does not take.
    func tensor(_ literals: [Literal], _ dtype: DataType, shape: [Int]) throws(ExpressionError) -> Tensor {
        let made: Tensor? =
            switch dtype {
            case .bool:
                Tensor(try each(literals, dtype) { if case .bool(let truth) = $0 { truth } else { nil } }, shape: shape)
            case .string: try strings(literals, shape: shape)
            case .float32: Tensor(try numbers(literals, dtype) { Float($0) }, shape: shape)
            case .float64: Tensor(try numbers(literals, dtype) { $0 }, shape: shape)
            case .float16, .bfloat16: try halves(literals, dtype, shape: shape)
            case .complex64:
                Tensor(try numbers(literals, dtype) { Float($0) }.flatMap { [$0, 0] }, shape: shape + [2])?.complex
            case .complex128:
                Tensor(try numbers(literals, dtype) { $0 }.flatMap { [$0, 0] }, shape: shape + [2])?.complex
            case .int8: try integers(literals, Int8.self, shape)
            case .int16: try integers(literals, Int16.self, shape)
            case .int32: try integers(literals, Int32.self, shape)
            case .int64: try integers(literals, Int64.self, shape)
            case .uint8: try integers(literals, UInt8.self, shape)
            case .uint16: try integers(literals, UInt16.self, shape)
            case .uint32: try integers(literals, UInt32.self, shape)
            case .uint64: try integers(literals, UInt64.self, shape)
            default: throw error("no constants of dtype \(dtype) can be written")
            }
        guard let made else { throw error("a constant of shape \(PartialShape(shape)) cannot be made") }
        return made
    }

    private func each<Element>(
        _ literals: [Literal], _ dtype: DataType, _ convert: (Literal) -> Element?
    ) throws(ExpressionError) -> [Element] {
        var result: [Element] = []
        result.reserveCapacity(literals.count)
        for literal in literals {
            guard let element = convert(literal) else {
                throw error("\(Value.literal(literal).kind) is no value of dtype \(dtype)")
            }
            result.append(element)
        }
        return result
    }

    private func numbers<Element>(
        _ literals: [Literal], _ dtype: DataType, _ convert: (Double) -> Element
    ) throws(ExpressionError) -> [Element] {
        try each(literals, dtype) { literal in
            switch literal {
            case .int(let number): convert(Double(number))
            case .float(let number): convert(number)
            default: nil
            }
        }
    }

    private func integers<Element: TensorScalar & FixedWidthInteger>(
        _ literals: [Literal], _ type: Element.Type, _ shape: [Int]
    ) throws(ExpressionError) -> Tensor? {
        Tensor(
            try each(literals, Element.dataType) {
                if case .int(let number) = $0 { Element(exactly: number) } else { nil }
            },
            shape: shape)
    }

    private func halves(
        _ literals: [Literal], _ dtype: DataType, shape: [Int]
    ) throws(ExpressionError) -> Tensor? {
        guard let precision = HalfPrecision(dtype), let shape = Shape(shape) else { return nil }
        let bits = try numbers(literals, dtype) { precision.bits(Float($0)) }
        guard shape.elementCount == bits.count else { return nil }
        return Tensor(dtype: dtype, shape: shape) { memory in
            bits.withUnsafeBytes { memory.copyMemory(from: $0) }
        }
    }

    private func strings(_ literals: [Literal], shape: [Int]) throws(ExpressionError) -> Tensor? {
        guard let shape = Shape(shape) else { return nil }
        return Tensor(
            strings: try each(literals, .string) { if case .bytes(let bytes) = $0 { bytes } else { nil } }, shape: shape
        )
    }
}
