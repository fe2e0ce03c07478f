package import Files
internal import Glibc
package import TensorFlowProtos
public import Tensors
internal import Text

/// Reads the tensors of a checkpoint by name.
///
/// ```swift
/// let reader = try CheckpointReader(folder: "models/tutorial")
/// let bias = try reader.tensor(named: "bias")
/// ```
///
/// The initialiser opens all files and verifies the index. A tensor's bytes are read and verified when it is requested. The files may be
/// deleted while the reader exists. Safe to use from many threads.
public struct CheckpointReader: Sendable {
    /// A tensor, without its elements.
    public struct TensorInfo: Hashable, Sendable {
        /// The key in the checkpoint.
        public let name: String
        /// The element type.
        public let dtype: DataType
        /// The dimensions of the whole tensor, even if it is stored in slices.
        public let shape: Shape
        /// The shards that contain its bytes.
        public let shards: [Int]
        /// The number of bytes in the file; for strings including lengths and checksums.
        public let byteCount: Int
    }

    /// The common prefix of the paths of the files.
    public let prefix: String
    /// The name of the format: "V2 checkpoint".
    public let format: String
    /// For an object-based checkpoint of TensorFlow 2: the keys by the variables' full names, without names that several variables
    /// share.
    package let objectKeys: [String: String]
    /// The object graph of such a checkpoint.
    package let objects: TrackableObjectGraph?
    private let store: any TensorStore

    /// Opens the newest checkpoint of a folder.
    ///
    /// - Throws: ``CheckpointError``.
    public init(folder: String) throws(CheckpointError) {
        try self.init(prefix: CheckpointFolder(folder: folder).prefix)
    }

    /// Opens the checkpoint with a prefix.
    ///
    /// - Throws: ``CheckpointError``.
    public init(prefix: String) throws(CheckpointError) {
        self.prefix = prefix
        store = try TensorStores.open(prefix: prefix)
        let isObjectBased = store.info(for: ObjectGraph.key) != nil
        let graph = isObjectBased ? try ObjectGraph(store) : nil
        objectKeys = graph?.keys ?? [:]
        objects = graph?.message
        format = (isObjectBased ? "object-based " : "") + type(of: store).title
    }

    /// All tensors, by name.
    public var tensors: [TensorInfo] { names.compactMap { info(for: $0) } }

    /// All names, sorted.
    public var names: [String] { store.names.sorted() }

    /// The index's entry for a tensor; nil if there is none.
    public func info(for name: String) -> TensorInfo? { store.info(for: name) }

    /// The states of the files when they were opened.
    package var files: [FileIdentity] { store.files }

    /// The file that contains the names, for messages.
    package var indexPath: String { store.indexPath }

    /// Reads a tensor.
    ///
    /// - Throws: ``CheckpointError`` of kind `notFound`, with the nearest names, if there is no such tensor.
    public func tensor(named name: String) throws(CheckpointError) -> Tensor {
        _ = try knownInfo(name)
        return try store.tensor(name, slice: nil)
    }

    /// Reads a part of a tensor, in the form of RestoreV2's `shape_and_slices`: `""` for all, otherwise the full shape, and for each dimension
    /// `start,length` or `-`: `"10 4 0,4:-"`.
    ///
    /// - Throws: ``CheckpointError`` of kind `mismatch` if the tensor has another shape, or no such part.
    public func tensor(named name: String, slice specification: String) throws(CheckpointError) -> Tensor {
        let info = try knownInfo(name)
        guard !specification.isEmpty else { return try store.tensor(name, slice: nil) }
        guard let (shape, slice) = TensorSlice.parse(specification) else {
            throw CheckpointError(.mismatch, file: prefix, "\"\(specification)\" is not a shape and a slice")
        }
        guard shape == info.shape.dimensions else {
            throw CheckpointError(
                .mismatch, file: indexPath,
                "tensor \"\(name)\" has shape \(info.shape); the graph restores a part of \(PartialShape(shape))")
        }
        return try store.tensor(name, slice: slice)
    }

    /// Reads every tensor once, so that all checksums are verified.
    ///
    /// - Throws: ``CheckpointError`` for the first tensor that fails.
    public func verify() throws(CheckpointError) {
        for name in names { _ = try tensor(named: name) }
    }

    /// The same checkpoint in memory: every tensor is read once and verified. What is in memory is what was verified.
    ///
    /// - Parameter options: Whether tensors are read now or on demand, and who helps. On demand, ``verifyRest()`` completes the verification.
    /// - Returns: The checkpoint in memory.
    /// - Throws: ``CheckpointError`` for the first that does not verify; of kind `changed` if a file was written meanwhile.
    package func loaded(_ options: ReadingOptions = ReadingOptions()) throws(CheckpointError) -> CheckpointReader {
        CheckpointReader(self, try store.loaded(options))
    }

    /// Verifies the tensors of a checkpoint that is read on demand, as far as they were not read yet.
    ///
    /// - Throws: ``CheckpointError`` for the first that does not verify; of kind `changed` if a file was written meanwhile.
    package func verifyRest() throws(CheckpointError) { try store.verifyRest() }

    /// Lets a function take the bytes of a tensor in parts, on several threads at once. They need no memory then.
    ///
    /// - Parameters:
    ///   - name: The name of a tensor.
    ///   - multiple: All parts but the last have a multiple of so many bytes.
    ///   - take: Takes a part.
    /// - Returns: false if the tensor is in memory, or cannot be read in this way.
    /// - Throws: ``CheckpointError`` if the tensor does not verify; what was taken then is not to be used.
    package func readParts(
        of name: String, multipleOf multiple: Int, _ take: @escaping PartTaking
    ) throws(CheckpointError) -> Bool { try store.readParts(of: name, multipleOf: multiple, take) }

    /// Gives the memory of tensors that nobody uses back to the system. They are read, and verified, again when somebody asks for them.
    ///
    /// It does nothing unless tensors are read on demand.
    package func giveBackUnused() { store.giveBackUnused() }

    /// The bytes of the tensors in memory.
    package var residentBytes: Int { store.residentBytes }

    private init(_ other: CheckpointReader, _ store: any TensorStore) {
        prefix = other.prefix
        format = other.format
        objectKeys = other.objectKeys
        objects = other.objects
        self.store = store
    }

    /// The end of a message: some of the existing names.
    private var contents: String {
        let names = names
        guard !names.isEmpty else { return "" }
        let shown = names.prefix(3).map { "\"\($0)\"" }.joined(separator: ", ")
        return "; it has \(shown)" + (names.count > 3 ? " and \(names.count - 3) more" : "")
    }

    private func knownInfo(_ name: String) throws(CheckpointError) -> TensorInfo {
        if let info = store.info(for: name) { return info }
        let nearest = NearestNames.of(name, among: store.names)
        let hint =
            nearest.isEmpty ? contents : "; the nearest are \(nearest.map { "\"\($0)\"" }.joined(separator: ", "))"
        throw CheckpointError(.notFound, file: indexPath, "has no tensor \"\(name)\"\(hint)")
    }
}

extension TensorSlice {
    /// Parses RestoreV2's form.
    static func parse(_ text: String) -> (shape: [Int], slice: TensorSlice)? {
        var words = text.split(separator: " ", omittingEmptySubsequences: false)
        let last = words.removeLast()
        let shape = words.compactMap { Int($0) }
        let parts = last.isEmpty ? [] : last.split(separator: ":", omittingEmptySubsequences: false)
        guard shape.count == words.count, parts.count == shape.count else { return nil }
        var extents: [Extent] = []
        for part in parts {
            if part == "-" {
                extents.append(Extent(start: 0, length: nil))
                continue
            }
            let numbers = part.split(separator: ",", omittingEmptySubsequences: false).compactMap { Int($0) }
            guard numbers.count == 2 else { return nil }
            extents.append(Extent(start: numbers[0], length: numbers[1]))
        }
        return (shape, TensorSlice(extents))
    }
}
