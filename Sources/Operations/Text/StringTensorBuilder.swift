internal import Glibc
internal import Kernels
internal import Tensors

/// A tensor of strings in the making: bytes are appended one after another, and a string ends where ``endString()`` says so.
///
/// Descriptors and bytes lie in one storage, which is counted before it is taken, and grows where the bytes turn out to be more
/// than was expected.
struct StringTensorBuilder {
    private let shape: Shape
    private let account: RunAccount
    private var storage: TensorStorage
    /// The bytes of the descriptors.
    private let head: Int
    /// Where the next byte goes, from the beginning of the storage.
    private var end: Int
    /// Where the open string begins.
    private var begin: Int
    private var ended = 0
    private var work: WorkCount

    /// - Parameters:
    ///   - shape: Of the tensor.
    ///   - byteCount: How many bytes the strings are expected to have together.
    ///   - account: Counts the memory.
    /// - Throws: `resourceExhausted` where the run may take no more.
    init(_ shape: Shape, byteCount: Int, _ account: RunAccount) throws(OpError) {
        guard let head = shape.byteCount(of: .string) else {
            throw OpError(.resourceExhausted, "an output, string \(shape), is larger than any memory")
        }
        self.shape = shape
        self.account = account
        self.head = head
        (end, begin) = (head, head)
        work = WorkCount(account)
        let (size, overflow) = head.addingReportingOverflow(byteCount)
        storage = try Self.memory(overflow ? .max : size, account)
    }

    private static func memory(_ byteCount: Int, _ account: RunAccount) throws(OpError) -> TensorStorage {
        try account.reserve(byteCount, of: UInt8.self)
        guard byteCount < .max - TensorStorage.alignment, let storage = TensorStorage(byteCount: byteCount) else {
            throw OpError(.resourceExhausted, "not enough memory for strings of \(byteCount) bytes")
        }
        return storage
    }

    /// How many bytes the open string has.
    var openCount: Int { end - begin }

    /// How many strings there are.
    var count: Int { ended }

    /// Makes room for some more bytes.
    private mutating func makeRoom(_ byteCount: Int) throws(OpError) {
        guard byteCount > storage.byteCount - end else { return }
        let (needed, overflow) = end.addingReportingOverflow(byteCount)
        // Half as much again, so that what is copied is no more than thrice what there is in the end.
        let wanted = end - head
        try resize(overflow ? .max : max(needed, end + wanted / 2, head + 64))
    }

    private mutating func resize(_ byteCount: Int) throws(OpError) {
        let old = storage
        let new = try Self.memory(byteCount, account)
        new.baseAddress.copyMemory(from: old.baseAddress, byteCount: end)
        storage = new
        account.give(old.byteCount + RunAccount.arrayBytes)
    }

    /// Appends bytes to the open string.
    ///
    /// - Throws: `resourceExhausted` where the run may take no more; `deadlineExceeded` after its time.
    mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) throws(OpError) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        try makeRoom(bytes.count)
        // In parts, so that a copy of gigabytes looks at the time.
        var place = 0
        while place < bytes.count {
            let part = min(bytes.count - place, 1 << 20)
            (storage.baseAddress + end).copyMemory(from: source + place, byteCount: part)
            place += part
            end += part
            try work.add(part)
        }
    }

    /// Appends bytes to the open string.
    mutating func append(_ bytes: [UInt8]) throws(OpError) {
        try bytes.withUnsafeBufferPointer { (bytes) throws(OpError) in try append(bytes) }
    }

    /// Appends a byte to the open string.
    mutating func append(_ byte: UInt8) throws(OpError) {
        if end == storage.byteCount { try makeRoom(1) }
        storage.baseAddress.storeBytes(of: byte, toByteOffset: end, as: UInt8.self)
        end += 1
        try work.add(1)
    }

    /// Appends a byte many times.
    mutating func append(repeating byte: UInt8, count: Int) throws(OpError) {
        guard count > 0 else { return }
        try makeRoom(count)
        memset(storage.baseAddress + end, Int32(byte), count)
        end += count
        try work.add(count)
    }

    /// Appends text to the open string.
    mutating func append(_ text: String) throws(OpError) {
        for byte in text.utf8 { try append(byte) }
    }

    /// Appends what a body writes to the open string.
    ///
    /// - `room`: How many bytes it may write.
    /// - `write`: Gets so many bytes; tells how many it wrote.
    mutating func append(
        room: Int, _ write: (UnsafeMutableBufferPointer<UInt8>) -> Int
    ) throws(OpError) {
        try makeRoom(room)
        let memory = (storage.baseAddress + end).bindMemory(to: UInt8.self, capacity: room)
        let count = min(max(0, write(UnsafeMutableBufferPointer(start: memory, count: room))), room)
        end += count
        try work.add(count)
    }

    /// Ends the open string; the next one begins empty.
    mutating func endString() throws(OpError) {
        guard ended < shape.elementCount else {
            throw OpError(.malformed, "makes more strings than its shape has")
        }
        // Where the bytes are is noted in the end: they may move until then.
        let descriptor = TensorString(start: nil, count: end - begin)
        storage.baseAddress.storeBytes(
            of: descriptor, toByteOffset: ended * DataType.string.stride, as: TensorString.self)
        ended += 1
        begin = end
        try work.add(DataType.string.stride)
    }

    /// Appends a string as a whole.
    mutating func add(_ bytes: UnsafeBufferPointer<UInt8>) throws(OpError) {
        try append(bytes)
        try endString()
    }

    /// The tensor.
    ///
    /// - Throws: `malformed` where there are fewer strings than the shape has.
    mutating func tensor() throws(OpError) -> Tensor {
        guard ended == shape.elementCount else {
            throw OpError(.malformed, "makes \(ended) strings for the shape \(shape)")
        }
        // What was made for more than there is now is not kept.
        if storage.byteCount - end > max(4096, end / 4) { try resize(end) }
        // Safety: the storage has a descriptor for each string, each of which was written, and the bytes behind them.
        let descriptors = storage.baseAddress.bindMemory(to: TensorString.self, capacity: ended)
        var next = UnsafePointer((storage.baseAddress + head).assumingMemoryBound(to: UInt8.self))
        for index in 0..<ended {
            let count = descriptors[index].count
            descriptors[index] = TensorString(start: next, count: count)
            next += count
        }
        return try .made(Tensor(dtype: .string, shape: shape, storage: storage))
    }
}

extension RunAccount {
    /// A tensor of copies of strings.
    func strings(
        _ strings: some Collection<TensorString>, _ shape: Shape? = nil
    ) throws(OpError) -> Tensor {
        var bytes = ByteSum()
        var work = WorkCount(self)
        for string in strings {
            bytes.add(string.count)
            try work.add(DataType.string.stride)
        }
        var builder = try StringTensorBuilder(shape ?? .vector(strings.count), byteCount: bytes.total, self)
        for string in strings { try builder.add(string.bytes) }
        return try builder.tensor()
    }

    /// A scalar string.
    func string(_ bytes: [UInt8]) throws(OpError) -> Tensor {
        var builder = try StringTensorBuilder(.scalar, byteCount: bytes.count, self)
        try builder.append(bytes)
        try builder.endString()
        return try builder.tensor()
    }
}
