/// The kind of a file with a graph.
enum GraphKind {
    case savedModel
    case metaGraph
    case graph

    /// With an article.
    var name: String {
        switch self {
        case .savedModel: "a SavedModel"
        case .metaGraph: "a meta graph"
        case .graph: "a graph"
        }
    }
}

/// Recognises a binary file by its first fields.
extension GraphKind {
    init?(ofBinary fields: GraphFields) {
        // GraphDef.node = 1, MetaGraphDef.graph_def = 2, SavedModel.meta_graphs = 2.
        if fields.isGraph {
            self = .graph
        } else if fields.isMetaGraph {
            self = .metaGraph
        } else if fields.hasMessage(2, where: \.isMetaGraph) {
            self = .savedModel
        } else {
            return nil
        }
    }
}

/// The fields of a message. Only a few bytes are read.
struct GraphFields {
    private let range: Range<Int>
    private let byte: (Int) -> UInt8?

    /// The maximum number of fields to skip before the wanted one.
    private static let maxFields = 4096
    private static let longestName = 1024

    /// - Parameters:
    ///   - range: The position of the message.
    ///   - byte: Returns the byte at a position; nil if it cannot be read.
    init(_ range: Range<Int>, byte: @escaping (Int) -> UInt8?) {
        self.range = range
        self.byte = byte
    }

    var isMetaGraph: Bool { hasMessage(2, where: \.isGraph) }

    var isGraph: Bool { hasMessage(1, where: \.isNode) }

    /// A node has a name, and an op whose name consists of letters and digits.
    private var isNode: Bool { hasMessage(1) { !$0.range.isEmpty } && hasMessage(2, where: \.isOpName) }

    private var isOpName: Bool {
        (1...Self.longestName).contains(range.count)
            && range.allSatisfy { position in
                guard let byte = byte(position) else { return false }
                return (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "_")
                    || byte == UInt8(ascii: ">")
            }
    }

    /// Whether the first field with that number is a message that fits. Fields after an unreadable one are ignored.
    func hasMessage(_ number: UInt64, where fits: (GraphFields) -> Bool) -> Bool {
        var position = range.lowerBound
        for _ in 0..<Self.maxFields {
            guard let field = next(&position) else { return false }
            if field.isMessage, field.number == number { return fits(GraphFields(field.content, byte: byte)) }
        }
        return false
    }

    /// Whether the last field ends with the message. If there are very many fields, only the first are checked.
    var isWhole: Bool {
        var position = range.lowerBound
        for _ in 0..<Self.maxFields where position < range.upperBound {
            guard next(&position) != nil else { return false }
        }
        return true
    }

    /// Reads the field at a position, and advances the position; nil if no field can be read.
    private func next(_ position: inout Int) -> (number: UInt64, isMessage: Bool, content: Range<Int>)? {
        guard position < range.upperBound, let tag = varint(&position) else { return nil }
        let count: Int
        switch tag & 7 {
        case 0:
            guard varint(&position) != nil else { return nil }
            count = 0
        case 1: count = 8
        case 2:
            guard let length = varint(&position), let known = Int(exactly: length) else { return nil }
            count = known
        case 5: count = 4
        default: return nil
        }
        guard count <= range.upperBound - position else { return nil }
        let start = position
        position += count
        return (tag >> 3, tag & 7 == 2, start..<position)
    }

    private func varint(_ position: inout Int) -> UInt64? {
        let bytes = (position..<min(position + 10, range.upperBound)).lazy.compactMap(byte)
        return Array(bytes).withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            let value = reader.readVarint()
            position += reader.position
            return value
        }
    }
}

/// Recognises a text file by the name of its first field.
extension GraphKind {
    private static let fields: [String: GraphKind] = [
        "saved_model_schema_version": .savedModel, "meta_graphs": .savedModel,
        "meta_info_def": .metaGraph, "graph_def": .metaGraph, "saver_def": .metaGraph, "collection_def": .metaGraph,
        "signature_def": .metaGraph,
        "node": .graph, "versions": .graph, "library": .graph, "version": .graph,
    ]

    /// The number of bytes of a text to check, because comments may come first.
    static let textBeginningBytes = 64 << 10

    init?(ofText beginning: [UInt8]) {
        var scanner = TextScanner(beginning)
        guard case .name(let name)? = try? scanner.next(), let kind = Self.fields[name],
            case .symbol(let symbol)? = try? scanner.next(), ":{<".utf8.contains(symbol)
        else { return nil }
        self = kind
    }
}
