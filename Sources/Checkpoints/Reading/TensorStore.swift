internal import Files
internal import Tensors
internal import Text

/// A format in which TensorFlow stores tensors by name. Each format is one type in one file.
protocol TensorStore: Sendable {
    /// The name in messages.
    static var title: String { get }

    /// Whether files with that prefix exist in this format.
    static func exists(prefix: String) -> Bool

    /// The checkpoints of a folder in this format.
    ///
    /// - Parameters:
    ///   - files: The names of the folder's files.
    ///   - folder: Its path, to read files whose names do not identify them.
    /// - Returns: The prefixes relative to the folder.
    static func prefixes(among files: FileNames, in folder: String) -> [String]

    /// Opens all files, and checks everything that does not depend on the tensors' bytes.
    init(prefix: String) throws(CheckpointError)

    /// The states of the files when they were opened.
    var files: [FileIdentity] { get }

    /// The same with all that is needed of the files in memory and verified, or read on demand.
    ///
    /// - Parameter options: How tensors are read.
    /// - Returns: The store in memory.
    /// - Throws: ``CheckpointError`` for the first tensor that does not verify.
    func loaded(_ options: ReadingOptions) throws(CheckpointError) -> Self

    /// Verifies what is read on demand and was not read yet.
    ///
    /// - Throws: ``CheckpointError``, as ``loaded(_:)`` does for tensors that are read at once.
    func verifyRest() throws(CheckpointError)

    /// Lets a function take the bytes of a tensor in parts, so that they need no memory.
    ///
    /// - Parameters:
    ///   - name: The name of an existing tensor.
    ///   - multiple: All parts but the last have a multiple of so many bytes.
    ///   - take: Takes a part.
    /// - Returns: false if the store cannot do that, or has the tensor in memory.
    /// - Throws: ``CheckpointError`` if the tensor does not verify; what was taken then is not to be used.
    func readParts(
        of name: String, multipleOf multiple: Int, _ take: @escaping PartTaking
    ) throws(CheckpointError) -> Bool

    /// Gives the memory of tensors that nobody uses back to the system, if the store can read them again.
    func giveBackUnused()

    /// The bytes of the tensors in memory.
    var residentBytes: Int { get }

    /// The file that contains the names, for messages.
    var indexPath: String { get }

    /// All names, in no order.
    var names: [String] { get }

    /// The description of a tensor, without reading it.
    func info(for name: String) -> CheckpointReader.TensorInfo?

    /// Reads an existing tensor, or a part of it.
    func tensor(_ name: String, slice: TensorSlice?) throws(CheckpointError) -> Tensor
}

/// The formats, in the order in which they are tried. To add one, add a line here.
enum TensorStores {
    static let all: [any TensorStore.Type] = [TensorBundle.self, SlicedTensors.self]

    /// Opens the first format that exists. If none does, the error is that of the first format.
    static func open(prefix: String) throws(CheckpointError) -> any TensorStore {
        for format in all where format.exists(prefix: prefix) { return try format.init(prefix: prefix) }
        return try TensorBundle(prefix: prefix)
    }

    /// The checkpoints of a folder, each once.
    static func prefixes(among files: FileNames, in folder: String) -> [String] {
        Set(all.flatMap { $0.prefixes(among: files, in: folder) }.map { ExactText($0) }).sorted().map(\.string)
    }
}

/// The numbers that TensorFlow appends to the names of a checkpoint's parts: `-00001-of-00004`.
enum ShardName {
    /// At least five digits.
    static func padded(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    }

    /// Splits off the numbers. `shard` is nil if the name has question marks instead.
    static func split(_ name: String) -> (base: String, shard: Int?, total: Int)? {
        let parts = name.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.count > 3, parts[parts.count - 2].elementsEqual("of".utf8),
            let total = number(parts[parts.count - 1])
        else { return nil }
        let shard = parts[parts.count - 3]
        guard !shard.isEmpty, number(shard) != nil || shard.allSatisfy({ $0 == UInt8(ascii: "?") }) else { return nil }
        return (String(name[..<parts[parts.count - 4].endIndex]), number(shard), total)
    }

    /// Splits a name that ends with a suffix and such numbers: `model-7.data-00000-of-00001`.
    static func split(_ name: String, after suffix: String) -> (base: String, shard: Int?, total: Int)? {
        guard let parts = split(name), let base = parts.base.withoutEnding(suffix) else { return nil }
        return (base, parts.shard, parts.total)
    }

    private static func number(_ text: Substring.UTF8View) -> Int? {
        text.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int(Substring(text)) : nil
    }
}
