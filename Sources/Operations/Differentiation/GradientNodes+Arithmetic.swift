package import Graphs
package import Tensors

// The nodes that rules write most often.
extension GradientNodes {
    /// A constant scalar of a dtype.
    func scalar(_ value: Double, like other: Endpoint) throws(OpError) -> Endpoint {
        let type = try type(of: other)
        let tensor: Tensor? =
            switch type {
            case .float64: Tensor([value], shape: [])
            case .int32: Tensor([Int32(value)], shape: [])
            case .int64: Tensor([Int64(value)], shape: [])
            default: Tensor([Float(value)], shape: [])
            }
        guard let tensor else { throw OpError(.resourceExhausted, "a constant of a gradient does not fit into memory") }
        return try cast(try constant(tensor), to: type)
    }

    /// A constant vector of int32.
    func vector(_ values: [Int]) throws(OpError) -> Endpoint {
        guard let tensor = Tensor(values.map { Int32(truncatingIfNeeded: $0) }, shape: [values.count]) else {
            throw OpError(.resourceExhausted, "a constant of a gradient does not fit into memory")
        }
        return try constant(tensor)
    }

    /// A constant scalar of int32.
    func integer(_ value: Int) throws(OpError) -> Endpoint {
        guard let tensor = Tensor([Int32(truncatingIfNeeded: value)], shape: []) else {
            throw OpError(.resourceExhausted, "a constant of a gradient does not fit into memory")
        }
        return try constant(tensor)
    }

    /// A constant.
    package func constant(_ value: Tensor) throws(OpError) -> Endpoint {
        try add("Const", [], ["dtype": .type(value.dtype), "value": .tensor(value)], gives: [TensorFact(value)])
    }

    /// One op of one tensor.
    func unary(_ op: String, _ x: Endpoint) throws(OpError) -> Endpoint { try add(op, [x]) }

    func neg(_ x: Endpoint) throws(OpError) -> Endpoint { try add("Neg", [x]) }
    func mul(_ x: Endpoint, _ y: Endpoint) throws(OpError) -> Endpoint { try add("Mul", [x, y]) }
    func div(_ x: Endpoint, _ y: Endpoint) throws(OpError) -> Endpoint { try add("RealDiv", [x, y]) }
    func sum(_ x: Endpoint, _ y: Endpoint) throws(OpError) -> Endpoint { try add("AddV2", [x, y]) }
    func sub(_ x: Endpoint, _ y: Endpoint) throws(OpError) -> Endpoint { try add("Sub", [x, y]) }
    func square(_ x: Endpoint) throws(OpError) -> Endpoint { try add("Square", [x]) }
    func reciprocal(_ x: Endpoint) throws(OpError) -> Endpoint { try add("Reciprocal", [x]) }
    func zerosLike(_ x: Endpoint) throws(OpError) -> Endpoint { try add("ZerosLike", [x]) }

    /// The tensor with other elements where it is complex: its conjugate.
    func conjugate(_ x: Endpoint) throws(OpError) -> Endpoint {
        switch try type(of: x) {
        case .complex64, .complex128: try add("Conj", [x])
        default: x
        }
    }

    /// Elements of one tensor or another.
    func select(_ condition: Endpoint, _ x: Endpoint, _ y: Endpoint) throws(OpError) -> Endpoint {
        try add("SelectV2", [condition, x, y])
    }

    func cast(_ x: Endpoint, to type: DataType) throws(OpError) -> Endpoint {
        guard try self.type(of: x) != type else { return x }
        return try add("Cast", [x], ["DstT": .type(type), "Truncate": .bool(false)])
    }

    /// The shape of a tensor, a vector of int32. A handle of a variable stands for the variable.
    func shapeVector(_ x: Endpoint) throws(OpError) -> Endpoint {
        try add("Shape", [valueBehind(x)], ["out_type": .type(.int32)])
    }

    /// The tensor; of a variable's handle, the variable's value.
    package func valueBehind(_ x: Endpoint) throws(OpError) -> Endpoint {
        let fact = try knowledge(of: x)
        guard fact.dtype == .resource else { return x }
        guard let variable = fact.variable else {
            throw OpError(.unsupported, "a handle whose variable is not known has no gradient here")
        }
        return try add(
            "ReadVariableOp", [x], ["dtype": .type(variable.dtype)], gives: [TensorFact(variable.dtype, variable.shape)]
        )
    }

    func size(_ x: Endpoint) throws(OpError) -> Endpoint { try add("Size", [x], ["out_type": .type(.int32)]) }
    func rank(_ x: Endpoint) throws(OpError) -> Endpoint { try add("Rank", [x]) }

    func reshape(_ x: Endpoint, _ shape: Endpoint) throws(OpError) -> Endpoint { try add("Reshape", [x, shape]) }

    /// The elements in the shape of another tensor.
    func reshape(_ x: Endpoint, like other: Endpoint) throws(OpError) -> Endpoint {
        try reshape(x, try shapeVector(other))
    }

    func expandDims(_ x: Endpoint, _ axis: Int) throws(OpError) -> Endpoint {
        try add("ExpandDims", [x, try integer(axis)])
    }

    func reduceSum(_ x: Endpoint, _ axes: Endpoint, keepsDimensions: Bool = false) throws(OpError) -> Endpoint {
        try add("Sum", [x, axes], ["keep_dims": .bool(keepsDimensions)])
    }

    func concat(_ parts: [Endpoint], axis: Int) throws(OpError) -> Endpoint {
        try add("ConcatV2", parts + [try integer(axis)], ["N": .int(Int64(parts.count)), "Tidx": .type(.int32)])
    }

    func pack(_ parts: [Endpoint], axis: Int = 0) throws(OpError) -> Endpoint {
        try add("Pack", parts, ["N": .int(Int64(parts.count)), "axis": .int(Int64(axis))])
    }

    /// Elements of a vector.
    func slice(_ x: Endpoint, _ begin: Endpoint, _ size: Endpoint) throws(OpError) -> Endpoint {
        try add("Slice", [x, begin, size])
    }

    func matmul(_ a: Endpoint, _ b: Endpoint, _ transposeA: Bool, _ transposeB: Bool) throws(OpError) -> Endpoint {
        try add("MatMul", [a, b], ["transpose_a": .bool(transposeA), "transpose_b": .bool(transposeB)])
    }

    func batchMatmul(_ a: Endpoint, _ b: Endpoint, _ adjointA: Bool, _ adjointB: Bool) throws(OpError) -> Endpoint {
        try add("BatchMatMulV2", [a, b], ["adj_x": .bool(adjointA), "adj_y": .bool(adjointB)])
    }

    /// The sum of gradients, all of one shape. Where all are rows of a tensor, so is the sum.
    package func total(_ gradients: [Endpoint]) throws(OpError) -> Endpoint? {
        guard let first = gradients.first else { return nil }
        guard gradients.count > 1 else { return first }
        let dense = try add("AddN", gradients, ["N": .int(Int64(gradients.count))])
        let parts = gradients.compactMap { slices[$0] }
        if parts.count == gradients.count {
            note(
                GradientSlices(
                    values: try concat(parts.map(\.values), axis: 0),
                    indices: try concat(parts.map(\.indices), axis: 0),
                    shape: parts[0].shape), of: dense)
        }
        return dense
    }

    /// A gradient summed over the axes in which the input was repeated.
    private func unbroadcast(_ gradient: Endpoint, _ axes: Endpoint, _ shape: Endpoint) throws(OpError) -> Endpoint {
        try reshape(try reduceSum(gradient, axes), shape)
    }

    /// The gradients of two inputs that were repeated to one shape.
    ///
    /// - Parameters:
    ///   - x: The first input.
    ///   - y: The second input.
    ///   - gx: The first one's gradient in the shape of the output; nil for none.
    ///   - gy: The second one's.
    /// - Returns: Both gradients in the shapes of their inputs.
    /// - Throws: ``OpError`` for a dtype that is not known.
    func broadcastGradients(
        _ x: Endpoint, _ y: Endpoint, _ gx: Endpoint?, _ gy: Endpoint?
    ) throws(OpError) -> [Endpoint?] {
        let (shapeX, shapeY) = (try shape(of: x), try shape(of: y))
        if shapeX == shapeY, shapeX.known != nil { return [gx, gy] }
        let (sx, sy) = (try shapeVector(x), try shapeVector(y))
        let axes = try add("BroadcastGradientArgs", [sx, sy])
        var result: [Endpoint?] = [nil, nil]
        if let gx { result[0] = try unbroadcast(gx, axes, sx) }
        if let gy { result[1] = try unbroadcast(gy, Endpoint(node: axes.node, output: 1), sy) }
        return result
    }
}

extension Endpoint {
    /// Another output of the same node.
    func output(_ number: Int) -> Endpoint { Endpoint(node: node, output: number) }
}
