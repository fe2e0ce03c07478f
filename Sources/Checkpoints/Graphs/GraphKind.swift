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

/// Knows a binary file by the fields that it begins with.
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

/// A message's fields, of which a few bytes are looked at.
struct GraphFields {
    private let range: Range<Int>
    private let byte: (Int) -> UInt8?

    /// More fields before the one that is looked for are not passed over.
    private static let maxFields = 4096
    private static let longestName = 1024

    /// - Parameters:
    ///   - range: Where the message lies.
    ///   - byte: Gives a byte of it; nil where it cannot be read.
    init(_ range: Range<Int>, byte: @escaping (Int) -> UInt8?) {
        self.range = range
        self.byte = byte
    }

    var isMetaGraph: Bool { hasMessage(2, where: \.isGraph) }

    var isGraph: Bool { hasMessage(1, where: \.isNode) }

    /// A node has a name, and an op whose name is of letters and digits.
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

    /// Whether the first field of that number is of bytes that fit. Fields after one that cannot be read are not looked at.
    func hasMessage(_ number: UInt64, where fits: (GraphFields) -> Bool) -> Bool {
        var position = range.lowerBound
        for _ in 0..<Self.maxFields {
            guard let field = next(&position) else { return false }
            if field.isMessage, field.number == number { return fits(GraphFields(field.content, byte: byte)) }
        }
        return false
    }

    /// Whether the last field ends where the message does. Of very many fields the first are looked at.
    var isWhole: Bool {
        var position = range.lowerBound
        for _ in 0..<Self.maxFields where position < range.upperBound {
            guard next(&position) != nil else { return false }
        }
        return true
    }

    /// The field at a position, which then is behind it; nil where none can be read.
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

/// Knows a text file by its first field's name.
extension GraphKind {
    private static let fields: [String: GraphKind] = [
        "saved_model_schema_version": .savedModel, "meta_graphs": .savedModel,
        "meta_info_def": .metaGraph, "graph_def": .metaGraph, "saver_def": .metaGraph, "collection_def": .metaGraph,
        "signature_def": .metaGraph,
        "node": .graph, "versions": .graph, "library": .graph, "version": .graph,
    ]

    /// So much of a text is looked at: comments may come first.
    static let textBeginningBytes = 64 << 10

    init?(ofText beginning: [UInt8]) {
        var scanner = TextScanner(beginning)
        guard case .name(let name)? = try? scanner.next(), let kind = Self.fields[name],
            case .symbol(let symbol)? = try? scanner.next(), ":{<".utf8.contains(symbol)
        else { return nil }
        self = kind
    }
}
