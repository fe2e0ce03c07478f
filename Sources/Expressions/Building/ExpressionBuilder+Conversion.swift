internal import Graphs
internal import Tensors

extension ExpressionBuilder {
    /// The dtype of the first tensor in a value; nil if it is made of Python values only.
    static func tensorType(of value: Value) -> DataType? {
        switch value {
        case .tensor(let operand): operand.dtype
        case .list(let elements): elements.lazy.compactMap { tensorType(of: $0) }.first
        case .literal, .results, .dtype: nil
        }
    }

    /// A value as a tensor: Python numbers and lists take the wanted dtype, as `tf.convert_to_tensor` does it.
    ///
    /// - Parameters:
    ///   - value: The value.
    ///   - wanted: The dtype that goes with it; nil for its own one.
    ///   - isPreference: Whether Python values that the wanted dtype does not take may have their own one.
    /// - Returns: The tensor.
    /// - Throws: ``ExpressionError`` if it is no tensor, or has another dtype.
    func tensor(_ value: Value, _ wanted: DataType? = nil, isPreference: Bool = false) throws(ExpressionError)
        -> Operand
    {
        switch value {
        case .tensor(let operand):
            if let wanted, operand.dtype != wanted, !isPreference {
                throw error(
                    "a \(wanted) tensor is needed, found \(operand.dtype); convert it with cast(..., \(wanted))")
            }
            return operand
        case .literal(.none): throw error("a tensor is needed, found None")
        case .literal(let literal):
            let own = Constants.ownType(of: literal)
            let dtype = (isPreference ? nil : wanted) ?? preferred(wanted, [literal]) ?? own ?? .float32
            return try constant([literal], dtype, shape: [])
        case .list(let elements): return try tensor(ofList: elements, value, wanted, isPreference)
        case .results(let results) where results.count == 1: return results[0].value
        case .results, .dtype: throw error("a tensor is needed, found \(value.kind)")
        }
    }

    private func preferred(_ dtype: DataType?, _ literals: [Literal]) -> DataType? {
        guard let dtype else { return nil }
        let fits = (try? Constants(error: { self.error($0) }).tensor(literals, dtype, shape: [literals.count])) != nil
        return fits ? dtype : nil
    }

    private func tensor(
        ofList elements: [Value], _ value: Value, _ wanted: DataType?, _ isPreference: Bool
    ) throws(ExpressionError) -> Operand {
        guard let dtype = Self.tensorType(of: value) else {
            var literals: [Literal] = []
            let shape = try collect(elements, into: &literals)
            let own = Constants.ownType(of: literals)
            return try constant(literals, (isPreference ? preferred(wanted, literals) : wanted) ?? own, shape: shape)
        }
        var operands: [Operand] = []
        for element in elements { operands.append(try tensor(element, wanted ?? dtype)) }
        return try pack(operands, axis: 0)
    }

    /// The shape of a list of Python values, whose elements are appended to others.
    private func collect(_ elements: [Value], into literals: inout [Literal]) throws(ExpressionError) -> [Int] {
        var inner: [Int]?
        for element in elements {
            var shape: [Int] = []
            switch element {
            case .literal(.none), .tensor, .results, .dtype: throw error("a list of \(element.kind) is no tensor")
            case .literal(let literal): literals.append(literal)
            case .list(let nested): shape = try collect(nested, into: &literals)
            }
            guard inner == nil || inner == shape else { throw error("the lists in a list have different lengths") }
            inner = shape
        }
        return [elements.count] + (inner ?? [])
    }

    func pack(_ operands: [Operand], axis: Int) throws(ExpressionError) -> Operand {
        try one("Pack", operands, ["N": .int(Int64(operands.count)), "axis": .int(Int64(axis))])
    }

    /// Two values as tensors of one dtype.
    ///
    /// - Throws: ``ExpressionError`` if both are tensors, and their dtypes differ.
    func pair(_ left: Value, _ right: Value, for name: String) throws(ExpressionError) -> (Operand, Operand) {
        let types = (Self.tensorType(of: left), Self.tensorType(of: right))
        if let mine = types.0, let theirs = types.1, mine != theirs {
            throw error(
                "\(name) takes tensors of one dtype, found \(mine) and \(theirs); convert one of them, as in cast(..., \(mine))"
            )
        }
        if types.0 == nil, types.1 == nil, case .literal(.int) = left, case .literal(.float) = right {
            return (try tensor(left, .float32), try tensor(right))
        }
        guard types.0 == nil else {
            let first = try tensor(left)
            return (first, try tensor(right, first.dtype))
        }
        let second = try tensor(right, types.1)
        let wanted = types.1 ?? second.dtype
        return (try tensor(left, wanted), try tensor(right, wanted))
    }
}
