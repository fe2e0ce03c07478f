package import Files
internal import SwiftProtobuf
package import TensorFlowProtos

/// A file with a graph: a meta graph (`.meta`), a bare graph (a frozen `.pb`, `graph.pbtxt`), or a SavedModel; binary or text. The bytes
/// determine the kind, not the name.
package enum GraphFile: Sendable {
    case savedModel(SavedModel)
    case metaGraph(MetaGraphDef)
    case graph(GraphDef)

    /// Reads a file.
    ///
    /// - Throws: ``CheckpointError`` if the file cannot be read, has none of these kinds, is cut off or damaged.
    package init(path: String) throws(CheckpointError) { self = try GraphBytes(path: path).decoded() }

    /// Whether a file's bytes look like a graph of any kind. Reads little, and decodes nothing.
    package static func isGraph(path: String) -> Bool {
        guard let file = try? PeekedFile(path: path) else { return false }
        if GraphKind(ofBinary: GraphFields(0..<file.byteCount) { file.byte(at: $0) }) != nil { return true }
        let beginning = file.bytes(at: 0, count: min(file.byteCount, GraphKind.textBeginningBytes)) ?? []
        return GraphKind(ofText: beginning) != nil
    }

    /// The apparent content of a file with the name of a SavedModel's file.
    package enum Look: Sendable {
        case savedModel
        /// A meta graph, or a graph by itself.
        case graph
        /// Cut off, or of another kind.
        case damaged
    }

    /// Checks a file's fields. Reads little, and decodes nothing.
    package static func look(path: String) -> Look {
        // The error is reported when the file is opened.
        guard let file = try? PeekedFile(path: path) else { return .savedModel }
        let fields = GraphFields(0..<file.byteCount) { file.byte(at: $0) }
        let beginning = file.bytes(at: 0, count: min(file.byteCount, GraphKind.textBeginningBytes)) ?? []
        switch GraphKind(ofBinary: fields) {
        case .savedModel?: return fields.isWhole ? .savedModel : .damaged
        case .metaGraph?, .graph?: return fields.isWhole ? .graph : .damaged
        case nil: break
        }
        switch GraphKind(ofText: beginning) {
        case .savedModel?: return .savedModel
        case .metaGraph?, .graph?: return .graph
        case nil: return .damaged
        }
    }

    /// The meta graph. A bare graph becomes one without saver and signatures. A SavedModel returns its first meta graph.
    package var metaGraph: MetaGraphDef? {
        switch self {
        case .savedModel(let model): model.metaGraphs.first
        case .metaGraph(let meta): meta
        case .graph(let graph): .with { $0.graphDef = graph }
        }
    }
}

/// A file that may contain a graph, read but not decoded.
package struct GraphBytes: Sendable {
    private let contents: FileContents

    /// The state of the file when it was read.
    package var identity: FileIdentity { contents.identity }

    /// A digest of the bytes. Files with equal digests contain the same graph. Valid in this process only.
    package struct Digest: Hashable, Sendable {
        private let byteCount: Int
        private let hash: Int

        fileprivate init(_ bytes: UnsafeRawBufferPointer) {
            byteCount = bytes.count
            var hasher = Hasher()
            hasher.combine(bytes: bytes)
            hash = hasher.finalize()
        }
    }

    /// The maximum size of text. Decoding takes a multiple of the size.
    private static let largestTextBytes = 1 << 30

    /// The size limit of binary graphs. No program can read larger protobuf messages.
    private static let limit = FileContents.Limit(
        byteCount: Int(Int32.max),
        reason: "protobuf's limit for a message is 2 GiB, so that no program can read it; save the weights as "
            + "variables, in a checkpoint beside the graph, rather than as constants in it")

    /// Reads a file.
    ///
    /// - Throws: ``CheckpointError`` if the file cannot be read, or is larger than a message can be.
    package init(path: String) throws(CheckpointError) {
        contents = try FileContents(path: path, limit: Self.limit)
    }

    /// The digest of the bytes.
    package func digest() -> Digest { Digest(contents.bytes) }

    /// Decodes the bytes.
    ///
    /// - Throws: ``CheckpointError`` if they have none of the kinds, are cut off or damaged.
    package func decoded() throws(CheckpointError) -> GraphFile {
        let bytes = contents.bytes
        if let kind = GraphKind(ofBinary: GraphFields(bytes.indices) { bytes[$0] }) {
            guard let decoded = Self.decode(kind, bytes) else { throw damaged(kind.name) }
            return decoded
        }
        if let kind = GraphKind(ofText: Array(bytes.prefix(GraphKind.textBeginningBytes))) {
            guard bytes.count <= Self.largestTextBytes else {
                throw CheckpointError(
                    .unsupported, file: contents.path,
                    "has \(bytes.count) bytes of text; the limit is \(Self.largestTextBytes)")
            }
            return try decodeText(kind)
        }
        throw CheckpointError(
            .malformed, file: contents.path,
            "is not a meta graph, a graph or a SavedModel: it is cut off or damaged, or of another kind of file")
    }

    private static func decode(_ kind: GraphKind, _ bytes: UnsafeRawBufferPointer) -> GraphFile? {
        switch kind {
        case .savedModel: SavedModel(decodingGraphs: bytes).map { .savedModel($0) }
        case .metaGraph: MetaGraphDef(decodingGraphs: bytes).map { .metaGraph($0) }
        case .graph: GraphDef(decodingGraphs: bytes).map { .graph($0) }
        }
    }

    private func decodeText(_ kind: GraphKind) throws(CheckpointError) -> GraphFile {
        guard let text = ProtoText.decodable(Array(contents.bytes)) else {
            throw CheckpointError(.malformed, file: contents.path, "is text, but not UTF-8")
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
        } catch { throw damaged(kind.name + " as text") }
    }

    private func damaged(_ kind: String) -> CheckpointError {
        CheckpointError(
            .malformed, file: contents.path, "is not \(kind): it is cut off or damaged, or of another kind of file")
    }
}
