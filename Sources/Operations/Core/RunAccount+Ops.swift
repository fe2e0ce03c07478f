package import Kernels
package import Tensors
internal import Threads

// What ops take memory through. What a ``TensorOp`` takes is given back all at once when its call is over; the run then counts
// the results.

extension RunAccount {
    /// Counts memory that is about to be taken.
    ///
    /// - Throws: `resourceExhausted` where it is too much for the run, `memoryShort` where it is too much for the server just now.
    package func reserve(_ byteCount: Int) throws(OpError) {
        if let refusal = take(byteCount) { throw OpError(refusal) }
    }

    /// Ends a run whose time is over, or that nobody waits for.
    ///
    /// - Throws: `deadlineExceeded` or `cancelled`.
    package func checkTime() throws(OpError) {
        guard isOver else { return }
        throw OpError(
            limits.abandonment?.isRaised == true ? .cancelled : .deadlineExceeded,
            limits.abandonment?.isRaised == true
                ? "was still computing when the client had gone"
                : "was still computing when the request's time was over")
    }

    /// Sorts, and looks at the time meanwhile. What sorting takes, half as much again at most, is for the caller to count.
    ///
    /// - Throws: As ``checkTime()`` does; the order is not defined then.
    func sort<Element>(
        _ elements: inout [Element], by areInIncreasingOrder: (Element, Element) -> Bool
    ) throws(OpError) {
        var work = WorkCount(self)
        do {
            try elements.sort { left, right in
                try work.add(Self.comparisonWork)
                return areInIncreasingOrder(left, right)
            }
        } catch let error as OpError {
            throw error
        } catch {
            throw OpError(.invalidArgument, "sorting failed: \(error)")
        }
    }

    /// What a comparison counts as work, in the bytes of ``WorkCount``.
    private static let comparisonWork = 64

    /// Counts the memory of an array.
    ///
    /// - Throws: As ``reserve(_:)`` does; also where the number of bytes is no number.
    package func reserve<Element>(_ count: Int, of type: Element.Type) throws(OpError) {
        let (bytes, overflow) = max(0, count).multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        try reserve(overflow || bytes > .max - Self.arrayBytes ? .max : bytes + Self.arrayBytes)
    }

    /// What an array takes besides its elements: its header, and what malloc rounds to.
    package static let arrayBytes = 64

    /// Counts the memory of `count` arrays that hold `byteCount` bytes together, and of the array that they are in.
    package func reserveStrings(count: Int, byteCount: Int) throws(OpError) {
        let (headers, overflow) = count.multipliedReportingOverflow(by: Self.arrayBytes + MemoryLayout<[UInt8]>.stride)
        let (bytes, tooMany) = headers.addingReportingOverflow(byteCount)
        try reserve(overflow || tooMany ? .max : bytes)
    }

    /// An array of equal elements.
    package func array<Element>(repeating element: Element, count: Int) throws(OpError) -> [Element] {
        try reserve(count, of: Element.self)
        return Array(repeating: element, count: count)
    }

    /// An empty array with room.
    package func list<Element>(
        of type: Element.Type = Element.self, capacity: Int
    ) throws(OpError) -> [Element] {
        try reserve(capacity, of: Element.self)
        var list: [Element] = []
        list.reserveCapacity(capacity)
        return list
    }

    /// A tensor that `fill` initialises; see ``Tensor/init(dtype:shape:initializing:)``.
    package func tensor(
        _ dtype: DataType, _ shape: Shape, _ fill: (UnsafeMutableRawBufferPointer) -> Void
    ) throws(OpError) -> Tensor {
        guard let bytes = shape.byteCount(of: dtype) else {
            throw OpError(.resourceExhausted, "an output, \(dtype) \(shape), is larger than any memory")
        }
        try reserve(bytes + TensorStorage.alignment)
        return try Tensor.made(Tensor(dtype: dtype, shape: shape, initializing: fill))
    }
}
