internal import Graphs
internal import Tensors
internal import Text

/// A call of a function: its arguments by the names of the parameters, and the builder that takes the nodes.
struct Call {
    struct Argument {
        let keyword: String?
        let offset: Int
        let value: Value
    }

    let builder: ExpressionBuilder
    private let function: ExpressionFunction
    private let arguments: [String: Argument]
    private let offset: Int

    /// Binds arguments to parameters, as Python does it.
    ///
    /// - Throws: ``ExpressionError`` for arguments that are too many, missing, given twice or not known.
    init(
        _ function: ExpressionFunction, _ given: [Argument], _ builder: ExpressionBuilder
    ) throws(ExpressionError) {
        self.builder = builder
        self.function = function
        offset = builder.offset
        let parameters = function.parameterList
        let names = parameters.map(\.name)
        let signature = "\(function.names.first ?? "")(\(function.parameters))"
        var bound: [String: Argument] = [:]
        for (place, argument) in given.enumerated() {
            if argument.keyword == nil, place >= names.count {
                throw builder.error("\(signature) takes \(names.count) arguments, found one more", at: argument.offset)
            }
            let name = argument.keyword ?? names[place]
            // A name is a matter of other versions of a library; nothing depends on it.
            guard name != "name" else { continue }
            guard names.contains(name) else {
                let hint = NearestNames.hint(for: name, among: names)
                throw builder.error("\(signature) has no argument \"\(name)\"\(hint)", at: argument.offset)
            }
            guard bound.updateValue(argument, forKey: name) == nil else {
                throw builder.error("argument \"\(name)\" is given twice", at: argument.offset)
            }
        }
        for (name, fallback) in parameters where bound[name] == nil {
            guard let fallback else { throw builder.error("\(signature) needs the argument \"\(name)\"") }
            bound[name] = Argument(keyword: name, offset: offset, value: fallback)
        }
        arguments = bound
    }

    func error(_ reason: String) -> ExpressionError {
        builder.error("\(function.names.first ?? ""): \(reason)", at: offset)
    }

    /// The value of an argument.
    subscript(name: String) -> Value { arguments[name]?.value ?? .literal(.none) }

    func isNone(_ name: String) -> Bool { if case .literal(.none) = self[name] { true } else { false } }

    private func wrong(_ name: String, _ expected: String) -> ExpressionError {
        builder.error(
            "argument \"\(name)\" is \(self[name].kind), expected \(expected)", at: arguments[name]?.offset)
    }

    /// Runs with the argument's place as that of errors.
    private func at<Result>(
        _ name: String, _ body: () throws(ExpressionError) -> Result
    ) throws(ExpressionError) -> Result {
        builder.offset = arguments[name]?.offset ?? offset
        defer { builder.offset = offset }
        return try body()
    }

    /// An argument as a tensor.
    func tensor(_ name: String, _ dtype: DataType? = nil, isPreference: Bool = false) throws(ExpressionError) -> Operand
    {
        try at(name) { () throws(ExpressionError) in
            try builder.tensor(self[name], dtype, isPreference: isPreference)
        }
    }

    /// An argument as a tensor of whole numbers: axes, sizes, indices.
    func indices(_ name: String) throws(ExpressionError) -> Operand {
        let operand = try tensor(name, .int32, isPreference: true)
        guard operand.dtype == .int32 || operand.dtype == .int64 else {
            throw builder.error(
                "argument \"\(name)\" is \(operand.dtype), expected int32 or int64", at: arguments[name]?.offset)
        }
        return operand
    }

    /// Two arguments as tensors of one dtype.
    func pair(_ first: String, _ second: String) throws(ExpressionError) -> (Operand, Operand) {
        try builder.pair(self[first], self[second], for: function.names.first ?? "")
    }

    /// An argument as floating point numbers: integers are an error of the op.
    func float(_ name: String) throws(ExpressionError) -> Operand { try tensor(name, .float32, isPreference: true) }

    /// The tensors of a list.
    func tensors(_ name: String) throws(ExpressionError) -> [Operand] {
        guard case .list(let values) = self[name] else {
            if case .results(let results) = self[name] { return results.map(\.value) }
            throw wrong(name, "a list of tensors")
        }
        guard !values.isEmpty else { throw wrong(name, "a list with elements") }
        let dtype = ExpressionBuilder.tensorType(of: self[name])
        return try at(name) { () throws(ExpressionError) in
            var operands: [Operand] = []
            for value in values { operands.append(try builder.tensor(value, dtype ?? operands.first?.dtype)) }
            return operands
        }
    }

    func int(_ name: String) throws(ExpressionError) -> Int {
        guard case .literal(.int(let number)) = self[name], let number = Int32(exactly: number) else {
            throw wrong(name, "an integer")
        }
        return Int(number)
    }

    func optionalInt(_ name: String) throws(ExpressionError) -> Int? { isNone(name) ? nil : try int(name) }

    /// A list of integers; one integer stands for a list of one.
    func ints(_ name: String) throws(ExpressionError) -> [Int] {
        switch self[name] {
        case .literal(.int): return [try int(name)]
        case .list(let values):
            var result: [Int] = []
            for value in values {
                guard case .literal(.int(let number)) = value, let number = Int32(exactly: number) else {
                    throw wrong(name, "a list of integers")
                }
                result.append(Int(number))
            }
            return result
        default: throw wrong(name, "a list of integers")
        }
    }

    func number(_ name: String) throws(ExpressionError) -> Double {
        guard case .literal(let literal) = self[name], let number = literal.number else {
            throw wrong(name, "a number")
        }
        return number
    }

    func bool(_ name: String) throws(ExpressionError) -> Bool {
        switch self[name] {
        case .literal(.bool(let truth)): return truth
        case .literal(.none): return false
        default: throw wrong(name, "True or False")
        }
    }

    func bytes(_ name: String) throws(ExpressionError) -> [UInt8] {
        guard case .literal(.bytes(let bytes)) = self[name] else { throw wrong(name, "a string") }
        return bytes
    }

    func string(_ name: String) throws(ExpressionError) -> String {
        String(decoding: try bytes(name), as: UTF8.self)
    }

    /// One of several strings.
    func choice(_ name: String, of choices: [String]) throws(ExpressionError) -> String {
        let found = try string(name)
        guard choices.contains(found) else {
            throw builder.error(
                "argument \"\(name)\" is \"\(found)\", expected one of \(choices.joined(separator: ", "))",
                at: arguments[name]?.offset)
        }
        return found
    }

    func dtype(_ name: String) throws(ExpressionError) -> DataType {
        switch self[name] {
        case .dtype(let dtype): return dtype
        case .literal(.bytes(let bytes)):
            if let dtype = Self.dtype(named: String(decoding: bytes, as: UTF8.self)) { return dtype }
            throw wrong(name, "a dtype, such as float32")
        default: throw wrong(name, "a dtype, such as float32")
        }
    }

    func optionalType(_ name: String) throws(ExpressionError) -> DataType? { isNone(name) ? nil : try dtype(name) }

    static func dtype(named name: String) -> DataType? { DataType.allCases.first { !$0.isHandle && $0.name == name } }

    /// The axes of a reduction: those given, or all.
    func axes(of operand: Operand, _ name: String = "axis") throws(ExpressionError) -> Operand {
        guard isNone(name) else { return try indices(name) }
        if let rank = operand.rank { return try builder.integers(Array(0..<rank)) }
        let rank = try builder.one("Rank", [operand])
        return try builder.one(
            "Range", [try builder.scalar(0), rank, try builder.scalar(1)], ["Tidx": .type(.int32)])
    }

    /// Adds a node of one output.
    func one(
        _ op: String, _ inputs: [Operand], _ attributes: [String: AttributeValue] = [:]
    ) throws(ExpressionError) -> Operand { try builder.one(op, inputs, attributes) }
}
