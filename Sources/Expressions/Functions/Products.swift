internal import Graphs
internal import Tensors

extension Call {
    /// `tf.tensordot`: both as matrices, whose product gets the other axes of both.
    fileprivate func tensordot() throws(ExpressionError) -> Operand {
        let (a, b) = try pair("a", "b")
        guard let left = a.shape.dimensions, let right = b.shape.dimensions else {
            throw error("the ranks are not known")
        }
        var axes: ([Int], [Int])
        if case .literal(.int) = self["axes"] {
            let count = try int("axes")
            guard (0...min(left.count, right.count)).contains(count) else { throw error("\(count) axes are too many") }
            axes = (Array((left.count - count)..<left.count), Array(0..<count))
        } else {
            guard case .list(let lists) = self["axes"], lists.count == 2 else {
                throw error("axes are a number or two lists")
            }
            axes = (try axisList(lists[0], left.count), try axisList(lists[1], right.count))
        }
        let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
        guard axes.0.count == axes.1.count, left.count + right.count <= letters.count else {
            throw error("axes have \(axes.0.count) and \(axes.1.count) elements")
        }
        let first = Array(letters[..<left.count])
        var second = Array(letters[left.count..<left.count + right.count])
        for (mine, theirs) in zip(axes.0, axes.1) { second[theirs] = first[mine] }
        let outer = first.indices.filter { !axes.0.contains($0) }.map { first[$0] }
        let result = outer + second.indices.filter { !axes.1.contains($0) }.map { second[$0] }
        let equation = "\(String(first)),\(String(second))->\(String(result))"
        return try one("Einsum", [a, b], ["equation": .bytes(Array(equation.utf8)), "N": .int(2)])
    }

    private func axisList(_ value: Value, _ rank: Int) throws(ExpressionError) -> [Int] {
        let values = if case .list(let values) = value { values } else { [value] }
        var axes: [Int] = []
        for value in values {
            guard case .literal(.int(let number)) = value, case let axis = Int(clamping: number),
                (-rank..<rank).contains(axis)
            else { throw error("\(value.kind) is no axis of a tensor of rank \(rank)") }
            axes.append(axis < 0 ? axis + rank : axis)
        }
        guard Set(axes).count == axes.count else { throw error("an axis is named twice") }
        return axes
    }

    fileprivate func normalized() throws(ExpressionError) -> Operand {
        let x = try float("x")
        let sum = try reduce("Sum", try one("Square", [x]), keepdims: true)
        let bounded = try one("Maximum", [sum, try tensor("epsilon", x.dtype)])
        return try one("Mul", [x, try one("Rsqrt", [bounded])])
    }

    fileprivate func norm() throws(ExpressionError) -> Operand {
        let x = try float("tensor")
        let order: Double
        if case .literal(.bytes) = self["ord"] {
            _ = try choice("ord", of: ["euclidean"])
            order = 2
        } else {
            order = try number("ord")
        }
        if order == 2 { return try one("Sqrt", [try reduce("Sum", try one("Mul", [x, x]))]) }
        guard order > 0 else { throw error("ord is \(order), expected more than 0") }
        let size = try one("Abs", [x])
        if order == 1 { return try reduce("Sum", size) }
        let sum = try reduce("Sum", try one("Pow", [size, try builder.scalar(order, x.dtype)]))
        return try one("Pow", [sum, try builder.scalar(1 / order, x.dtype)])
    }
}

extension FunctionTable {
    static let products: [ExpressionFunction] = [
        ExpressionFunction(
            "matmul linalg.matmul", "a, b, transpose_a=False, transpose_b=False, adjoint_a=False, adjoint_b=False",
            one: { call throws(ExpressionError) in
                let (a, b) = try call.pair("a", "b")
                return try call.builder.product(
                    a, b, transposes: (try call.bool("transpose_a"), try call.bool("transpose_b")),
                    adjoins: (try call.bool("adjoint_a"), try call.bool("adjoint_b")))
            }),
        ExpressionFunction(
            "linalg.matvec", "a, b, transpose_a=False",
            one: { call throws(ExpressionError) in
                let (a, b) = try call.pair("a", "b")
                let column = try call.one("ExpandDims", [b, try call.builder.scalar(-1)], ["Tdim": .type(.int32)])
                let product = try call.builder.product(a, column, transposes: (try call.bool("transpose_a"), false))
                var axes = AttributeValue.List()
                axes.ints = [-1]
                return try call.one("Squeeze", [product], ["squeeze_dims": .list(axes)])
            }),
        ExpressionFunction(
            "tensordot linalg.tensordot", "a, b, axes", one: { call throws(ExpressionError) in try call.tensordot() }),
        ExpressionFunction(
            "einsum linalg.einsum", "equation, a, b=None, c=None",
            one: { call throws(ExpressionError) in
                var inputs: [Operand] = []
                for name in ["a", "b", "c"] where !call.isNone(name) {
                    inputs.append(try call.tensor(name, inputs.first?.dtype))
                }
                guard inputs.count < 3 else { throw call.error("two tensors at most are supported") }
                let equation = try call.string("equation").filter { $0 != " " }
                return try call.one(
                    "Einsum", inputs, ["equation": .bytes(Array(equation.utf8)), "N": .int(Int64(inputs.count))])
            }),
        ExpressionFunction(
            "norm linalg.norm", "tensor, ord='euclidean', axis=None, keepdims=False",
            one: { call throws(ExpressionError) in
                try call.norm()
            }),
        ExpressionFunction(
            "math.l2_normalize nn.l2_normalize linalg.l2_normalize", "x, axis=None, epsilon=1e-12",
            one: { call throws(ExpressionError) in
                try call.normalized()
            }),
        .floating("linalg.inv", "MatrixInverse", "input"), .floating("linalg.det", "MatrixDeterminant", "input"),
        .floating("linalg.cholesky", "Cholesky", "input"),
        .binary("linalg.solve", "MatrixSolve", "matrix", "rhs"),
        .unary("linalg.tensor_diag", "Diag", "diagonal"), .unary("linalg.tensor_diag_part", "DiagPart", "input"),
        .binary("linalg.cross", "Cross", "a", "b"),
    ]
}
