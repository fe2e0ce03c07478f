/// JSON as a tree, for documents whose speed does not matter.
enum JSONTree: Sendable {
    case object([(key: String, value: JSONTree)])
    case list([JSONTree])
    case string(String)
    case integer(Int)
    case unsigned(UInt64)
    case number(Double)
    case bool(Bool)
    /// Text that is already JSON.
    case json([UInt8])

    /// Writes the tree.
    func write(to writer: inout JSONWriter) {
        switch self {
        case .object(let pairs):
            writer.beginObject()
            for (key, value) in pairs {
                writer.key(key)
                value.write(to: &writer)
            }
            writer.endObject()
        case .list(let elements):
            writer.beginList()
            for element in elements { element.write(to: &writer) }
            writer.endList()
        case .string(let text): writer.string(text)
        case .integer(let value): writer.integer(value)
        case .unsigned(let value): writer.integer(value)
        case .number(let value): writer.number(value)
        case .bool(let value): writer.bool(value)
        case .json(let bytes): writer.json(bytes)
        }
    }

    /// An object with further pairs.
    func adding(_ pairs: [(key: String, value: JSONTree)]) -> JSONTree {
        guard case .object(let own) = self else { return self }
        return .object(own + pairs)
    }
}

extension JSONTree: ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral, ExpressibleByStringInterpolation,
    ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral
{
    init(dictionaryLiteral elements: (String, JSONTree)...) { self = .object(elements.map { (key: $0, value: $1) }) }
    init(arrayLiteral elements: JSONTree...) { self = .list(elements) }
    init(stringLiteral value: String) { self = .string(value) }
    init(integerLiteral value: Int) { self = .integer(value) }
    init(booleanLiteral value: Bool) { self = .bool(value) }
}
