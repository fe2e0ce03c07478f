/// A public function of TensorFlow that expressions can call.
package struct ExpressionFunction: Sendable {
    /// The names, without `tf.`. The first is the one that documents show.
    package let names: [String]
    /// The parameters as Python writes them, with TensorFlow's names, order and defaults: `logits, axis=-1`.
    package let parameters: String
    let make: @Sendable (Call) throws(ExpressionError) -> Value

    /// - Parameters:
    ///   - names: Names behind `tf.`, separated by spaces.
    ///   - parameters: The parameters, as Python writes them.
    ///   - make: Adds the nodes.
    init(
        _ names: String, _ parameters: String, _ make: @escaping @Sendable (Call) throws(ExpressionError) -> Value
    ) {
        self.names = names.split(separator: " ").map(String.init)
        self.parameters = parameters
        self.make = make
    }

    /// A function that is one tensor.
    init(
        _ names: String, _ parameters: String, one make: @escaping @Sendable (Call) throws(ExpressionError) -> Operand
    ) {
        self.init(names, parameters) { call throws(ExpressionError) in .tensor(try make(call)) }
    }

    /// The name of each parameter, and its default; nil where there is none.
    var parameterList: [(name: String, fallback: Value?)] {
        var result: [(name: String, fallback: Value?)] = []
        var rest = parameters[...]
        while !rest.isEmpty {
            // Defaults have no commas.
            let part = rest.prefix { $0 != "," }
            rest = rest.dropFirst(part.count).drop { $0 == "," || $0 == " " }
            let sides = part.split(separator: "=", maxSplits: 1).map(String.init)
            guard let name = sides.first else { continue }
            result.append((name, sides.count > 1 ? Self.fallback(sides[1]) : nil))
        }
        return result
    }

    private static func fallback(_ text: String) -> Value {
        switch text {
        case "None": return .literal(.none)
        case "True": return .literal(.bool(true))
        case "False": return .literal(.bool(false))
        default: break
        }
        if let number = Int64(text) { return .literal(.int(number)) }
        if let number = Double(text) { return .literal(.float(number)) }
        if text.hasPrefix("'") { return .literal(.bytes(Array(text.utf8.dropFirst().dropLast()))) }
        return Call.dtype(named: text).map { .dtype($0) } ?? .literal(.none)
    }
}

/// All functions, by their names.
package enum FunctionTable {
    /// The functions, family by family.
    package static let functions: [ExpressionFunction] =
        arithmetic + elementary + comparisons + reductions + shapes + joining + gathering + sorting + activations
        + losses + products + convolutions + images + strings

    private static let prefixes = ["tf.", ""]

    private static let byName: [String: ExpressionFunction] = {
        var result: [String: ExpressionFunction] = [:]
        for function in functions {
            for name in function.names { result[name] = result[name] ?? function }
        }
        // The last word alone is enough where no other function has it as its whole name.
        for function in functions {
            for name in function.names {
                let last = String(name.split(separator: ".").last ?? "")
                result[last] = result[last] ?? function
            }
        }
        return result
    }()

    /// All names without `tf.`.
    package static var names: [String] { Array(byName.keys) }

    /// The function of a name, with or without `tf.` and the module.
    package static func function(named name: String) -> ExpressionFunction? {
        byName[name.hasPrefix("tf.") ? String(name.dropFirst(3)) : name]
    }
}
