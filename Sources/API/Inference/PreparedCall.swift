internal import Execution
internal import Glibc
internal import HTTPMessages
internal import Memory
internal import Serving
internal import Threads

// Safety: nothing here changes; what CacheEntry changes, the budget guards.
/// The resolved names of a request: the callable, and the keys of its response. Resolved once and cached.
final class PreparedCall: CacheEntry, @unchecked Sendable {
    /// The protocol, as the first byte of the signature.
    enum Kind: UInt8 {
        case predict = 1
        case tfServing
        case v2
        case examples
    }

    /// The names of feeds and fetches.
    struct Names {
        /// The feeds: tensors, or keys of the signature.
        let feeds: [String]
        /// The fetches: tensors, or keys of the signature; nil for the outputs of the signature or the model.
        let fetches: [String]?
        /// The signature of the keys.
        var signature: Signature?
        /// For each feed of the request, its composite tensor if it is sparse or ragged; empty if none is.
        var composites: [CompositeTensor?] = []
        /// Which feeds are known to be scalars although the graph does not declare their shape; empty if none is.
        var scalars: [Bool] = []
        /// The request's names for the feeds, if they differ from the tensors' names.
        var feedNames: [String]?
        /// The response's names for the fetches, if they differ from the tensors' names.
        var fetchNames: [String]?
        /// Whether fetches without another name are called `y` instead of `y:0`.
        var isWithoutNumbers = false
    }

    /// The names as bytes, in a form of the protocol. A ``Kind`` is the first byte.
    let signature: [UInt8]
    let callable: Callable
    /// The names of the feeds in the request, for messages.
    let feedNames: [String]
    /// For each feed of the request, its composite tensor if it is sparse or ragged, with several of ``feedNames``; empty if none is.
    let composites: [CompositeTensor?]
    /// Which feeds are known to be scalars although the graph does not declare their shape; empty if none is.
    let scalars: [Bool]
    /// The names of the fetches in the request, quoted and escaped.
    let keys: [[UInt8]]
    /// The names of the classes of fetches that are scores.
    let classes: [ClassNames?]
    private let calls: EvictingTable<PreparedCall>

    init(
        signature: [UInt8], callable: Callable, _ names: Names, fetchNames: [String], classes: [ClassNames?],
        in calls: EvictingTable<PreparedCall>
    ) {
        let feedNames = names.feedNames ?? names.feeds
        let keys = fetchNames.map(Self.escaped)
        self.calls = calls
        self.classes = classes
        self.signature = signature
        self.callable = callable
        self.feedNames = feedNames
        self.keys = keys
        composites = names.composites
        scalars = names.scalars
        // Uses locals only, because Swift 6.3's optimizer fails if closures use the object's fields before super.init.
        super.init(
            .calls,
            byteCount: Self.objectBytes * (8 + names.composites.count + classes.count) + 2 * signature.count
                + Self.byteCount(ofNames: feedNames, keys: keys))
    }

    /// The approximate overhead of an allocation.
    private static let objectBytes = 48

    /// The approximate size of the names and keys. Each name is stored once more in the callable.
    private static func byteCount(ofNames names: [String], keys: [[UInt8]]) -> Int {
        let texts = names.reduce(0) { $0 + objectBytes + $1.utf8.count }
        return 2 * texts + keys.reduce(0) { $0 + objectBytes + $1.count }
    }

    override func evict() { calls.remove(self, hash: signature.withUnsafeBytes(Self.hash)) }

    /// The name without output number: `y` for `y:0`.
    static func withoutNumber(_ name: String) -> String { name.hasSuffix(":0") ? String(name.dropLast(2)) : name }

    private static func escaped(_ name: String) -> [UInt8] {
        let buffer = ResponseBuffer()
        var writer = JSONWriter(buffer)
        writer.string(name)
        return Array(buffer.bytes)
    }

    /// Appends a name to a signature as a 0, its length, and its bytes, so that different names never have the same bytes.
    static func append(name: UnsafeRawBufferPointer, to signature: ResponseBuffer) {
        let size = 1 + MemoryLayout<UInt32>.size
        guard let room = signature.reserve(size + name.count) else { return }
        room.storeBytes(of: 0, as: UInt8.self)
        room.storeBytes(of: UInt32(truncatingIfNeeded: name.count), toByteOffset: 1, as: UInt32.self)
        if let start = name.baseAddress { (room + size).copyMemory(from: start, byteCount: name.count) }
        signature.commit(size + name.count)
    }

    /// The FNV-1a hash of a signature.
    static func hash(_ signature: UnsafeRawBufferPointer) -> UInt {
        signature.reduce(14_695_981_039_346_656_037) { ($0 ^ UInt($1)) &* 1_099_511_628_211 }
    }

    /// Whether the call has that signature.
    func hasSignature(_ other: UnsafeRawBufferPointer) -> Bool {
        signature.withUnsafeBytes { own in
            guard own.count == other.count, let ownStart = own.baseAddress, let start = other.baseAddress else {
                return false
            }
            return memcmp(ownStart, start, own.count) == 0
        }
    }
}

/// The data that the API keeps with a version of a model: the prepared calls.
final class VersionCalls: Sendable {
    let model: Model
    /// The model's name as bytes.
    let name: [UInt8]
    private let calls = EvictingTable<PreparedCall>()
    /// The model's signatures for clients of TF Serving.
    let signatures: TFServingSignatures
    /// The tensors that a request must feed.
    let neededInputs: [String]
    /// The end of every response, after the outputs.
    let tail: [UInt8]

    init(_ model: Model) {
        self.model = model
        name = Array(model.name.utf8)
        signatures = TFServingSignatures(model)
        neededInputs = model.inputs.filter { $0.isNeeded && !model.hasDefault($0.tensor) }.map(\.name)
        let buffer = ResponseBuffer()
        var writer = JSONWriter(buffer)
        writer.beginObject()
        writer.key("name")
        writer.string(model.name)
        writer.key("step")
        if let step = model.step { writer.integer(step) } else { writer.null() }
        writer.endObject()
        tail = Array(buffer.bytes)
    }

    /// The model's signature with a name, or its default.
    ///
    /// - Throws: ``RequestError`` 400 with the existing names.
    func signature(named name: String?) throws(RequestError) -> Signature? {
        do throws(ModelError) { return try model.signature(named: name) } catch { throw RequestError(error) }
    }

    /// The call for a signature: a table look-up for all but the first of its kind.
    ///
    /// - Parameters:
    ///   - signature: Begins with a ``PreparedCall/Kind``, and contains everything that ``names`` depends on.
    ///   - names: Returns the names for the signature. Called only the first time.
    /// - Returns: The call.
    /// - Throws: The errors of ``names``; ``RequestError`` for names that the model lacks, and for values that it cannot compute.
    func call(
        for signature: ResponseBuffer, names: () throws(RequestError) -> PreparedCall.Names
    ) throws(RequestError) -> PreparedCall {
        guard !signature.hasFailed else {
            throw RequestError(503, "not enough memory for the request: try again later")
        }
        let hash = PreparedCall.hash(signature.bytes)
        if let known = calls.find(hash: hash, where: { $0.hasSignature(signature.bytes) && !$0.callable.isOutdated }) {
            known.mark()
            return known
        }
        let names = try names()
        do throws(ModelError) {
            let found = try model.callable(feeds: names.feeds, fetches: names.fetches, in: names.signature)
            let fetched = found.fetchNames
            let call = PreparedCall(
                signature: Array(signature.bytes), callable: found.callable, names,
                fetchNames: names.fetchNames
                    ?? (names.isWithoutNumbers ? fetched.map(PreparedCall.withoutNumber) : fetched),
                classes: found.callable.fetches.map { model.classes.names(of: $0.name) }, in: calls)
            calls.insert(call, hash: hash)
            model.caches.add(call)
            return call
        } catch { throw RequestError(error) }
    }

    deinit {
        // The calls keep the table alive.
        for call in calls.removeAll() { model.caches.remove(call) }
    }
}
