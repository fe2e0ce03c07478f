internal import Graphs
internal import Tensors

extension ExpressionBuilder {
    /// An operator of two operands.
    func binary(_ symbol: String, _ left: Value, _ right: Value) throws(ExpressionError) -> Value {
        if let folded = try fold(symbol, left, right) { return folded }
        if symbol == "@" {
            let (x, y) = try pair(left, right, for: symbol)
            return .tensor(try product(x, y))
        }
        let (x, y) = try pair(left, right, for: symbol)
        return .tensor(try binary(symbol, x, y))
    }

    func binary(_ symbol: String, _ x: Operand, _ y: Operand) throws(ExpressionError) -> Operand {
        let isLogical = x.dtype == .bool
        switch symbol {
        case "+": return try one(x.dtype == .string ? "Add" : "AddV2", [x, y])
        case "-": return try one("Sub", [x, y])
        case "*": return try one("Mul", [x, y])
        case "/": return try quotient(x, y)
        case "//": return try one("FloorDiv", [x, y])
        case "%": return try one("FloorMod", [x, y])
        case "**": return try one("Pow", [x, y])
        case "==": return try one("Equal", [x, y])
        case "!=": return try one("NotEqual", [x, y])
        case "<": return try one("Less", [x, y])
        case "<=": return try one("LessEqual", [x, y])
        case ">": return try one("Greater", [x, y])
        case ">=": return try one("GreaterEqual", [x, y])
        case "&": return try one(isLogical ? "LogicalAnd" : "BitwiseAnd", [x, y])
        case "|": return try one(isLogical ? "LogicalOr" : "BitwiseOr", [x, y])
        case "^": return isLogical ? try one("NotEqual", [x, y]) : try one("BitwiseXor", [x, y])
        default: throw error("operator \(symbol) is not supported")
        }
    }

    /// Python's division: integers are divided as floating point numbers.
    func quotient(_ x: Operand, _ y: Operand) throws(ExpressionError) -> Operand {
        let dtype: DataType? =
            switch x.dtype {
            case .int8, .uint8, .int16, .uint16: .float32
            case .int32, .int64, .uint32, .uint64: .float64
            default: nil
            }
        guard let dtype else { return try one("RealDiv", [x, y]) }
        return try one("RealDiv", [try cast(x, dtype), try cast(y, dtype)])
    }

    /// `tf.matmul`.
    func product(
        _ x: Operand, _ y: Operand, transposes: (Bool, Bool) = (false, false), adjoins: (Bool, Bool) = (false, false)
    ) throws(ExpressionError) -> Operand {
        guard let left = x.rank, let right = y.rank else {
            throw error("the rank of a matrix is not known; fix it with ensure_shape")
        }
        guard left > 2 || right > 2 else {
            guard !adjoins.0, !adjoins.1 else {
                throw error("adjoints of matrices are not supported; use transpose and conj")
            }
            return try one(
                "MatMul", [x, y], ["transpose_a": .bool(transposes.0), "transpose_b": .bool(transposes.1)])
        }
        let isReal = x.dtype.complexPart == nil
        guard isReal || !transposes.0 && !transposes.1 else {
            throw error("transposes of batches of complex matrices are not supported; use adjoint_a and adjoint_b")
        }
        return try one(
            "BatchMatMulV2", [x, y],
            ["adj_x": .bool(transposes.0 || adjoins.0), "adj_y": .bool(transposes.1 || adjoins.1)])
    }

    func unary(_ symbol: String, _ value: Value) throws(ExpressionError) -> Value {
        switch (symbol, value) {
        case ("+", _): return value
        case ("-", .literal(.int(let number))):
            let (result, overflow) = Int64(0).subtractingReportingOverflow(number)
            guard !overflow else { throw error("-(\(number)) does not fit int64") }
            return .literal(.int(result))
        case ("-", .literal(.float(let number))): return .literal(.float(-number))
        case ("~", .literal(.int(let number))): return .literal(.int(~number))
        case ("-", _): return .tensor(try one("Neg", [try tensor(value)]))
        default:
            let operand = try tensor(value)
            return .tensor(try one(operand.dtype == .bool ? "LogicalNot" : "Invert", [operand]))
        }
    }

    /// Python's result for two numbers; nil where one is a tensor, or it is left to TensorFlow's ops.
    private func fold(_ symbol: String, _ left: Value, _ right: Value) throws(ExpressionError) -> Value? {
        guard case .literal(let first) = left, case .literal(let second) = right else { return nil }
        if case .int(let x) = first, case .int(let y) = second, let result = try fold(symbol, x, y) {
            return .literal(.int(result))
        }
        guard let x = first.number, let y = second.number else { return nil }
        switch symbol {
        case "+": return .literal(.float(x + y))
        case "-": return .literal(.float(x - y))
        case "*": return .literal(.float(x * y))
        case "/":
            guard y != 0 else { throw error("division by zero") }
            return .literal(.float(x / y))
        default: return nil
        }
    }

    private func fold(_ symbol: String, _ x: Int64, _ y: Int64) throws(ExpressionError) -> Int64? {
        let (result, overflow): (Int64, Bool)
        switch symbol {
        case "+": (result, overflow) = x.addingReportingOverflow(y)
        case "-": (result, overflow) = x.subtractingReportingOverflow(y)
        case "*": (result, overflow) = x.multipliedReportingOverflow(by: y)
        case "//", "%":
            guard y != 0 else { throw error("division by zero") }
            let (quotient, isOver) = x.dividedReportingOverflow(by: y)
            guard !isOver else { throw error("\(x) \(symbol) \(y) does not fit int64") }
            // Python rounds down, Swift towards zero.
            let isDown = x % y != 0 && (x < 0) != (y < 0)
            return symbol == "//" ? quotient - (isDown ? 1 : 0) : x % y + (isDown ? y : 0)
        default: return nil
        }
        guard !overflow else { throw error("\(x) \(symbol) \(y) does not fit int64") }
        return result
    }
}

extension Literal {
    /// The number, if it is one.
    var number: Double? {
        switch self {
        case .int(let number): Double(number)
        case .float(let number): number
        case .bool, .bytes, .none: nil
        }
    }
}
