package import Graphs
package import Operations
internal import Tensors

/// A tensor that an expression uses, and what is known of it.
package struct Operand: Sendable {
    package let endpoint: Endpoint
    package let fact: TensorFact

    package init(endpoint: Endpoint, fact: TensorFact) {
        self.endpoint = endpoint
        self.fact = fact
    }

    var dtype: DataType { fact.dtype }
    var shape: PartialShape { fact.shape }
    var rank: Int? { fact.shape.rank }
    /// The elements of an integer tensor that are known.
    var integers: [Int]? { fact.integers }
}

/// The value of a part of an expression.
enum Value {
    case tensor(Operand)
    /// A Python value, which becomes a tensor of the dtype that its use asks for.
    case literal(Literal)
    case list([Value])
    /// The results of a function with several, by their names.
    case results([(name: String, value: Operand)])
    case dtype(DataType)

    /// What it is, for messages.
    var kind: String {
        switch self {
        case .tensor(let operand): "a \(operand.dtype) tensor"
        case .literal(.int(let number)): "\(number)"
        case .literal(.float(let number)): "\(number)"
        case .literal(.bool(let truth)): truth ? "True" : "False"
        case .literal(.bytes): "a string"
        case .literal(.none): "None"
        case .list: "a list"
        case .results(let results): "\(results.count) results (\(results.map(\.name).joined(separator: ", ")))"
        case .dtype(let dtype): "the dtype \(dtype)"
        }
    }
}
