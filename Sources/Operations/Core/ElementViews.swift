internal import Glibc
internal import Kernels
internal import Tensors

// Elements of a tensor where they are. They are valid as long as the tensor, which an op's caller keeps during the call.

/// The elements of a string tensor, without copying them.
// Safety: made of a tensor that it keeps; who reads an element does it while the tensor is there.
struct StringElements: RandomAccessCollection {
    private let tensor: Tensor
    private let elements: UnsafeBufferPointer<TensorString>

    fileprivate init(_ tensor: Tensor) {
        self.tensor = tensor
        let start = (tensor.storage.baseAddress + tensor.byteOffset).assumingMemoryBound(to: TensorString.self)
        elements = UnsafeBufferPointer(start: start, count: tensor.shape.elementCount)
    }

    var startIndex: Int { 0 }
    var endIndex: Int { elements.count }

    /// An element; an empty one where there is none.
    subscript(index: Int) -> TensorString {
        elements.indices.contains(index) ? elements[index] : TensorString(start: nil, count: 0)
    }

    /// How many bytes the strings have together.
    var byteCount: Int {
        var sum = ByteSum()
        for element in elements { sum.add(element.count) }
        return sum.total
    }

    /// How many bytes the longest string has.
    var longest: Int { elements.reduce(0) { Swift.max($0, $1.count) } }
}

/// The elements of a tensor of int32 or int64, without copying them.
// Safety: as for ``StringElements``.
struct WholeNumbers: RandomAccessCollection {
    private let tensor: Tensor
    private let start: UnsafeRawPointer
    private let isWide: Bool

    fileprivate init(_ tensor: Tensor) {
        self.tensor = tensor
        start = UnsafeRawPointer(tensor.storage.baseAddress + tensor.byteOffset)
        isWide = tensor.dtype == .int64
    }

    var startIndex: Int { 0 }
    var endIndex: Int { tensor.shape.elementCount }

    /// An element; 0 where there is none.
    subscript(index: Int) -> Int {
        guard index >= 0, index < endIndex else { return 0 }
        return isWide
            ? Int(start.load(fromByteOffset: index * 8, as: Int64.self))
            : Int(start.load(fromByteOffset: index * 4, as: Int32.self))
    }
}

extension Tensor {
    /// The elements of a string tensor, where they are.
    ///
    /// - Throws: `invalidArgument`, "separator must be string, it is float32".
    func stringElements(_ what: String) throws(OpError) -> StringElements {
        guard dtype == .string else { throw .invalid("\(what) must be string, it is \(dtype)") }
        return StringElements(self)
    }

    /// The one element of a string tensor, where it is.
    ///
    /// - Throws: `invalidArgument` where it has another number of elements.
    func oneStringElement(_ what: String) throws(OpError) -> UnsafeBufferPointer<UInt8> {
        let strings = try stringElements(what)
        guard strings.count == 1 else { throw .invalid("\(what) must be scalar, its shape is \(shape)") }
        return strings[0].bytes
    }

    /// The elements of a tensor of indices or sizes, where they are.
    ///
    /// - Throws: `invalidArgument` where the dtype is not int32 or int64.
    func wholeNumberElements(_ what: String) throws(OpError) -> WholeNumbers {
        guard dtype == .int32 || dtype == .int64 else {
            throw .invalid("\(what) must be int32 or int64, it is \(dtype)")
        }
        return WholeNumbers(self)
    }
}

extension String {
    /// Bytes from outside as a message shows them: not more than a thousand of them.
    init(shown bytes: some Collection<UInt8>) {
        let limit = 1024
        self = String(decoding: bytes.prefix(limit), as: UTF8.self) + (bytes.count > limit ? "..." : "")
    }
}

/// Bytes as the key of a set or dictionary, without copying them.
// Safety: whoever makes one keeps the bytes longer than the set.
struct ByteKey: Hashable {
    private let bytes: UnsafeBufferPointer<UInt8>

    init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    /// What a set takes for a key at most: while it grows there are the old places and twice as many new ones, a part of them free.
    static let setBytes = 4 * MemoryLayout<ByteKey>.stride

    static func == (left: ByteKey, right: ByteKey) -> Bool {
        guard left.bytes.count == right.bytes.count else { return false }
        guard let mine = left.bytes.baseAddress, let other = right.bytes.baseAddress else { return true }
        return memcmp(mine, other, left.bytes.count) == 0
    }

    func hash(into hasher: inout Hasher) { hasher.combine(bytes: UnsafeRawBufferPointer(bytes)) }
}

extension Tensor {
    /// An element of a numeric tensor as float64; nil where there is none.
    func number(_ index: Int) -> Double? {
        guard index >= 0, index < shape.elementCount else { return nil }
        return withUnsafeBytes { memory in
            func load<Element: BitwiseCopyable>(_ type: Element.Type) -> Element {
                memory.bindMemory(to: Element.self)[index]
            }
            return switch dtype {
            case .float32: Double(load(Float.self))
            case .float64: load(Double.self)
            case .float16: Double(Float16(bitPattern: load(UInt16.self)))
            case .bfloat16: Double(Float(bitPattern: UInt32(load(UInt16.self)) << 16))
            case .int8: Double(load(Int8.self))
            case .int16: Double(load(Int16.self))
            case .int32: Double(load(Int32.self))
            case .int64: Double(load(Int64.self))
            case .uint8: Double(load(UInt8.self))
            case .uint16: Double(load(UInt16.self))
            case .uint32: Double(load(UInt32.self))
            case .uint64: Double(load(UInt64.self))
            default: nil
            }
        }
    }
}
