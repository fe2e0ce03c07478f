internal import Kernels
internal import Tensors

/// An array that grows, and counts its memory before it takes it: while it grows the old elements and the new room are alive
/// together, and are counted together.
struct CountedList<Element> {
    /// The elements.
    private(set) var elements: [Element] = []
    private let account: RunAccount
    private var room = 0
    private var nextCheck = CountedList.checkStep

    /// After how many elements the list looks at the time.
    private static var checkStep: Int { 1 << 16 }

    /// An empty list with room.
    ///
    /// - Parameters:
    ///   - account: Counts the memory.
    ///   - capacity: How many elements are expected.
    /// - Throws: As ``append(_:)`` does.
    init(_ account: RunAccount, capacity: Int = 0) throws(OpError) {
        self.account = account
        if capacity > 0 { try grow(to: capacity) }
    }

    /// How many elements there are.
    var count: Int { elements.count }

    /// Appends an element.
    ///
    /// - Throws: `resourceExhausted` where the run may take no more; `deadlineExceeded` after its time.
    mutating func append(_ element: Element) throws(OpError) {
        if elements.count >= room { try grow(to: max(elements.count + 1, elements.count + elements.count / 2, 16)) }
        if elements.count >= nextCheck {
            nextCheck = elements.count + Self.checkStep
            try account.checkTime()
        }
        elements.append(element)
    }

    /// Appends elements.
    ///
    /// - Throws: As ``append(_:)`` does.
    mutating func append(contentsOf others: some Collection<Element>) throws(OpError) {
        let (count, overflow) = elements.count.addingReportingOverflow(others.count)
        if overflow || count > room { try grow(to: overflow ? .max : max(count, elements.count + elements.count / 2)) }
        if count >= nextCheck {
            nextCheck = count + Self.checkStep
            try account.checkTime()
        }
        elements.append(contentsOf: others)
    }

    /// Removes all elements; the room stays.
    mutating func removeAll() {
        elements.removeAll(keepingCapacity: true)
        nextCheck = Self.checkStep
    }

    private mutating func grow(to capacity: Int) throws(OpError) {
        let before = account.usedBytes
        // What malloc rounds up to becomes room of the array's.
        try account.reserve(capacity, of: Element.self)
        let taken = account.usedBytes - before
        elements.reserveCapacity(capacity)
        account.give(counted)
        counted = taken
        room = capacity
    }

    private var counted = 0
}

extension CountedList where Element: TensorScalar {
    /// The elements as a tensor.
    ///
    /// - `dimensions`: The shape; that of a vector when left out.
    func tensor(_ dimensions: [Int]? = nil) throws(OpError) -> Tensor {
        try account.tensor(elements, dimensions)
    }
}

extension RunAccount {
    /// A vector of whole numbers as int32 or int64; they must fit.
    func vector(_ whole: some Collection<Int>, as dtype: DataType) throws(OpError) -> Tensor {
        // Both in one go: there is no list of the narrow numbers.
        if dtype == .int32 {
            return try numbers(.vector(whole.count), of: Int32.self) { numbers in
                for (place, number) in whole.enumerated() { numbers[place] = Int32(truncatingIfNeeded: number) }
            }
        }
        return try int64s(whole, [whole.count])
    }

    /// A tensor of whole numbers as int64.
    ///
    /// - Throws: `resourceExhausted` where the shape is not one, or does not have as many elements.
    func int64s(_ whole: some Collection<Int>, _ dimensions: [Int]) throws(OpError) -> Tensor {
        guard let shape = Shape(dimensions), shape.elementCount == whole.count else {
            throw OpError(.resourceExhausted, "\(whole.count) numbers do not have the shape \(dimensions)")
        }
        return try numbers(shape, of: Int64.self) { numbers in
            for (place, number) in whole.enumerated() { numbers[place] = Int64(number) }
        }
    }

    /// Counts the memory of some elements that lie in several lists, or in one that is sorted: so many bytes for each.
    func reserve(_ count: Int, bytesEach: Int) throws(OpError) {
        var bytes = ByteSum()
        bytes.add(max(0, count), times: bytesEach)
        bytes.add(Self.arrayBytes)
        try reserve(bytes.total)
    }

    /// Elements of several tensors of one dtype, one after another, in a new vector that owns its strings.
    ///
    /// - `places`: Each within its tensor.
    func elements(_ places: [RowPlace], of tensors: [Tensor]) throws(OpError) -> Tensor {
        guard tensors.first?.dtype == .string else {
            try reserve(places.count, bytesEach: tensors.first?.dtype.stride ?? 1)
            return try .made(Tensor.rows(places, of: tensors))
        }
        var sources: [StringElements] = []
        for tensor in tensors { sources.append(try tensor.stringElements("values")) }
        return try strings(.vector(places.count)) { sources[places[$0].tensor][places[$0].row].bytes }
    }

    /// A tensor of copies of strings.
    ///
    /// - `string`: The bytes of string number n.
    func strings(
        _ shape: Shape, _ string: (Int) -> UnsafeBufferPointer<UInt8>
    ) throws(OpError) -> Tensor {
        var bytes = ByteSum()
        for number in 0..<shape.elementCount { bytes.add(string(number).count) }
        var result = try StringTensorBuilder(shape, byteCount: bytes.total, self)
        for number in 0..<shape.elementCount {
            try result.append(string(number))
            try result.endString()
        }
        return try result.tensor()
    }

    /// The tensor with its strings' bytes copied into its own memory; other tensors as they are.
    func owningStrings(_ tensor: Tensor) throws(OpError) -> Tensor {
        guard tensor.dtype == .string else { return tensor }
        let own = try tensor.stringElements("values")
        return try strings(tensor.shape) { own[$0].bytes }
    }

    /// A tensor of numbers that an array holds.
    ///
    /// - `dimensions`: The shape; that of a vector when left out.
    func tensor<Scalar: TensorScalar>(
        _ scalars: [Scalar], _ dimensions: [Int]? = nil
    ) throws(OpError) -> Tensor {
        try reserve(scalars.count, of: Scalar.self)
        return try .holding(scalars, dimensions)
    }

    /// A tensor of numbers that a body fills.
    ///
    /// - `fill`: Gets the elements, which are not initialised, and must initialise all of them unless it throws.
    func numbers<Scalar: TensorScalar>(
        _ shape: Shape, of type: Scalar.Type = Scalar.self,
        _ fill: (UnsafeMutableBufferPointer<Scalar>) throws(OpError) -> Void
    ) throws(OpError) -> Tensor {
        try made(Scalar.dataType, shape) { (memory) throws(OpError) in try fill(memory.bindMemory(to: Scalar.self))
        }
    }

    /// A tensor of elements of fixed width that a body fills.
    ///
    /// - `fill`: Gets the memory, which is not initialised, and must initialise all of it unless it throws.
    func made(
        _ dtype: DataType, _ shape: Shape,
        _ fill: (UnsafeMutableRawBufferPointer) throws(OpError) -> Void
    ) throws(OpError) -> Tensor {
        guard let bytes = shape.byteCount(of: dtype) else {
            throw OpError(.resourceExhausted, "an output, \(dtype) \(shape), is larger than any memory")
        }
        try reserve(bytes, of: UInt8.self)
        guard let storage = TensorStorage(byteCount: bytes),
            let tensor = Tensor(dtype: dtype, shape: shape, storage: storage)
        else { throw OpError(.resourceExhausted, "not enough memory for an output of \(bytes) bytes") }
        // Safety: nobody else has the storage yet, and it has room for the shape's elements.
        try fill(UnsafeMutableRawBufferPointer(start: storage.baseAddress, count: bytes))
        return tensor
    }
}

/// A loop's count of what it has done, which makes it look at the time now and then.
struct WorkCount {
    private let account: RunAccount
    private var left = WorkCount.step

    /// A millisecond of work or less.
    private static let step = 1 << 20

    init(_ account: RunAccount) { self.account = account }

    /// Notes some work: bytes that were read or written, or 16 for each element.
    ///
    /// - Throws: `deadlineExceeded` or `cancelled` where the run has to end.
    mutating func add(_ amount: Int) throws(OpError) {
        left -= amount
        guard left <= 0 else { return }
        left = Self.step
        try account.checkTime()
    }
}

/// A sum of sizes that stays at the largest number where it would not be one.
struct ByteSum {
    private(set) var total = 0

    mutating func add(_ count: Int) {
        let (sum, overflow) = total.addingReportingOverflow(count)
        total = overflow ? .max : sum
    }

    mutating func add(_ count: Int, times: Int) {
        let (product, overflow) = count.multipliedReportingOverflow(by: times)
        add(overflow ? .max : product)
    }
}
