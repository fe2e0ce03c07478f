internal import SwiftProtobuf
package import TensorFlowProtos

/// A file that holds a graph: a meta graph (`.meta`), a bare graph (a frozen `.pb`, `graph.pbtxt`), or a SavedModel; binary or
/// text. Which it is, its bytes tell, not its name.
package enum GraphFile: Sendable {
    case savedModel(SavedModel)
    case metaGraph(MetaGraphDef)
    case graph(GraphDef)

    /// A larger text is not read: decoding it would take a multiple of its size.
    private static let largestTextBytes = 1 << 30

    /// Reads a file.
    ///
    /// - Throws: ``CheckpointError`` if it cannot be read, or is none of these kinds, is cut off or damaged.
    package init(path: String) throws(CheckpointError) {
        let file = try MappedFile(path: path)
        defer { withExtendedLifetime(file) {} }
        if let kind = GraphKind(ofBinary: file.bytes) {
            guard let decoded = Self.decode(kind, file.bytes) else { throw Self.damaged(kind.name, path) }
            self = decoded
        } else if let kind = GraphKind(ofText: file.bytes) {
            guard file.bytes.count <= Self.largestTextBytes else {
                throw CheckpointError(
                    .unsupported, file: path,
                    "has \(file.bytes.count) bytes of text; the most that are read are \(Self.largestTextBytes)")
            }
            self = try Self.decode(kind, text: file)
        } else {
            throw CheckpointError(
                .malformed, file: path,
                "is not a meta graph, a graph or a SavedModel: it is cut off or damaged, or of another kind of file")
        }
    }

    /// Whether a file's bytes look like a graph of any kind; nothing is decoded.
    package static func isGraph(path: String) -> Bool {
        guard let file = try? MappedFile(path: path) else { return false }
        return withExtendedLifetime(file) {
            GraphKind(ofBinary: file.bytes) != nil || GraphKind(ofText: file.bytes) != nil
        }
    }

    /// The meta graph; a bare graph becomes one without saver and signatures, and of a SavedModel it is the first.
    package var metaGraph: MetaGraphDef? {
        switch self {
        case .savedModel(let model): model.metaGraphs.first
        case .metaGraph(let meta): meta
        case .graph(let graph): .with { $0.graphDef = graph }
        }
    }

    private static func decode(_ kind: GraphKind, _ bytes: UnsafeRawBufferPointer) -> GraphFile? {
        switch kind {
        case .savedModel: SavedModel(decoding: bytes).map { .savedModel($0) }
        case .metaGraph: MetaGraphDef(decoding: bytes).map { .metaGraph($0) }
        case .graph: GraphDef(decoding: bytes).map { .graph($0) }
        }
    }

    private static func decode(_ kind: GraphKind, text file: MappedFile) throws(CheckpointError) -> GraphFile {
        guard let text = ProtoText.decodable(Array(file.bytes)) else {
            throw CheckpointError(.malformed, file: file.path, "is text, but not UTF-8")
        }
        var options = TextFormatDecodingOptions()
        options.ignoreUnknownFields = true
        options.ignoreUnknownExtensionFields = true
        do {
            switch kind {
            case .savedModel: return .savedModel(try SavedModel(textFormatString: text, options: options))
            case .metaGraph: return .metaGraph(try MetaGraphDef(textFormatString: text, options: options))
            case .graph: return .graph(try GraphDef(textFormatString: text, options: options))
            }
        } catch { throw damaged(kind.name + " as text", file.path) }
    }

    private static func damaged(_ kind: String, _ path: String) -> CheckpointError {
        CheckpointError(.malformed, file: path, "is not \(kind): it is cut off or damaged, or of another kind of file")
    }
}

/// What a file is.
private enum GraphKind {
    case savedModel
    case metaGraph
    case graph

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
    init?(ofBinary bytes: UnsafeRawBufferPointer) {
        // GraphDef.node = 1, MetaGraphDef.graph_def = 2, SavedModel.meta_graphs = 2.
        if Self.isGraph(bytes) {
            self = .graph
        } else if Self.isMetaGraph(bytes) {
            self = .metaGraph
        } else if Self.hasMessage(2, in: bytes, where: Self.isMetaGraph) {
            self = .savedModel
        } else {
            return nil
        }
    }

    private static func isMetaGraph(_ bytes: UnsafeRawBufferPointer) -> Bool {
        hasMessage(2, in: bytes, where: isGraph)
    }

    private static func isGraph(_ bytes: UnsafeRawBufferPointer) -> Bool { hasMessage(1, in: bytes, where: isNode) }

    /// A node has a name, and an op whose name is of letters and digits.
    private static func isNode(_ bytes: UnsafeRawBufferPointer) -> Bool {
        hasMessage(1, in: bytes) { !$0.isEmpty }
            && hasMessage(2, in: bytes) { name in
                !name.isEmpty
                    && name.allSatisfy {
                        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20)
                            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "_")
                            || $0 == UInt8(ascii: ">")
                    }
            }
    }

    /// Whether the first field of that number is of bytes that fit. Fields after one that cannot be read are not looked at.
    private static func hasMessage(
        _ number: UInt64, in bytes: UnsafeRawBufferPointer, where fits: (UnsafeRawBufferPointer) -> Bool
    ) -> Bool {
        var reader = ByteReader(bytes)
        while reader.remaining > 0, let tag = reader.readVarint() {
            switch tag & 7 {
            case 0: guard reader.readVarint() != nil else { return false }
            case 1: guard reader.readBytes(8) != nil else { return false }
            case 2:
                guard let count = reader.readCount(), let value = reader.readBytes(count) else { return false }
                if tag >> 3 == number { return fits(value) }
            case 5: guard reader.readBytes(4) != nil else { return false }
            default: return false
            }
        }
        return false
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
    /// Comments may come first.
    private static let beginning = 64 << 10

    init?(ofText bytes: UnsafeRawBufferPointer) {
        var scanner = TextScanner(Array(bytes.prefix(Self.beginning)))
        guard case .name(let name)? = try? scanner.next(), let kind = Self.fields[name],
            case .symbol(let symbol)? = try? scanner.next(), ":{<".utf8.contains(symbol)
        else { return nil }
        self = kind
    }
}
