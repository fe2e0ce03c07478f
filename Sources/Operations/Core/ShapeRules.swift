internal import Tensors

// What the shape rules of many ops have in common. Unknown ranks and dimensions are accepted everywhere, and tell what they can.

extension PartialShape {
    /// The shape of an elementwise result of two tensors, by numpy's rule: shapes are aligned at their ends, and a
    /// dimension of 1 repeats.
    ///
    /// - Throws: `invalidArgument`, "Incompatible shapes: [2,3] vs. [4,3]".
    func broadcast(with other: PartialShape) throws(OpError) -> PartialShape {
        guard let result = broadcastIfCompatible(with: other) else {
            throw .invalid("Incompatible shapes: \(self) vs. \(other)")
        }
        return result
    }

    /// ``broadcast(with:)``; nil where the shapes contradict each other.
    func broadcastIfCompatible(with other: PartialShape) -> PartialShape? {
        guard let left = dimensions, let right = other.dimensions else { return .unknown }
        let rank = max(left.count, right.count)
        var result: [Int] = []
        result.reserveCapacity(rank)
        for axis in 0..<rank {
            let l = axis < rank - left.count ? 1 : left[axis - (rank - left.count)]
            let r = axis < rank - right.count ? 1 : right[axis - (rank - right.count)]
            switch (l, r) {
            case (1, _): result.append(r)
            case (_, 1): result.append(l)
            // A size other than 1 decides, whatever the other one turns out to be.
            case (Self.unknownDimension, _): result.append(r)
            case (_, Self.unknownDimension): result.append(l)
            case (l, l): result.append(l)
            default: return nil
            }
        }
        return PartialShape(result)
    }

    /// What both shapes say together.
    ///
    /// - Parameters:
    ///   - other: The other shape.
    ///   - what: Whose shapes they are, for the message: "inputs 0 and 2".
    /// - Returns: The dimensions that either knows.
    /// - Throws: `invalidArgument` where they contradict each other.
    func merged(with other: PartialShape, _ what: @autoclosure () -> String) throws(OpError) -> PartialShape {
        guard let result = merged(with: other) else {
            throw .invalid("\(what()) must have the same shape: \(self) vs. \(other)")
        }
        return result
    }

    /// The size of a dimension that must be there if the rank is known; else unknown.
    package func dimension(_ axis: Int) -> Int {
        guard let dimensions, dimensions.indices.contains(axis) else { return Self.unknownDimension }
        return dimensions[axis]
    }

    /// The product of some dimensions; unknown if one of them is.
    ///
    /// - Throws: `resourceExhausted` where the product is not representable.
    static func product(_ dimensions: some Sequence<Int>) throws(OpError) -> Int {
        var result = 1
        var isUnknown = false
        for size in dimensions {
            guard size >= 0 else {
                isUnknown = true
                continue
            }
            let (product, overflow) = result.multipliedReportingOverflow(by: size)
            guard !overflow else {
                throw OpError(.resourceExhausted, "the product of \(Array(dimensions)) is too large")
            }
            result = product
        }
        return isUnknown ? unknownDimension : result
    }
}

extension TensorFact {
    /// Checks the rank where it is known.
    ///
    /// - Throws: `invalidArgument`, "logits must have at least 1 dimensions, its shape is []".
    func requireRank(atLeast minimum: Int, _ what: String) throws(OpError) {
        guard shape.rank ?? minimum >= minimum else {
            throw .invalid("\(what) must have at least \(minimum) dimensions, its shape is \(shape)")
        }
    }

    /// Checks the rank where it is known.
    ///
    /// - Throws: `invalidArgument`, "bias must have 1 dimensions, its shape is [2,3]".
    func requireRank(_ rank: Int, _ what: String) throws(OpError) {
        guard shape.rank ?? rank == rank else {
            throw .invalid("\(what) must have \(rank) dimensions, its shape is \(shape)")
        }
    }

    /// Checks the dtype.
    ///
    /// - Throws: `invalidArgument`, "condition must be bool, it is float32".
    func require(_ dtype: DataType, _ what: String) throws(OpError) {
        guard self.dtype == dtype else { throw .invalid("\(what) must be \(dtype), it is \(self.dtype)") }
    }

    /// The elements of an input that holds indices or sizes (an axis, a permutation), where they are known.
    ///
    /// - Throws: `invalidArgument` if the dtype is not int32 or int64 (also int16 where TensorFlow allows it).
    func indices(_ what: String) throws(OpError) -> [Int]? {
        guard dtype == .int32 || dtype == .int64 || dtype == .int16 else {
            throw .invalid("\(what) must be int32 or int64, it is \(dtype)")
        }
        return integers
    }
}

extension Collection where Element == TensorFact {
    /// Checks that all have the dtype of the first.
    ///
    /// - Throws: `invalidArgument`, "the inputs' dtypes differ: float32 and int32".
    func requireOneDType() throws(OpError) {
        guard let first else { return }
        for fact in self where fact.dtype != first.dtype {
            throw .invalid("the inputs' dtypes differ: \(first.dtype) and \(fact.dtype)")
        }
    }
}

extension Int {
    /// An axis counted from the front; a negative one counts from the end.
    ///
    /// - Throws: `invalidArgument`, "axis must be in [-2, 2), got 5".
    func normalizedAxis(rank: Int, _ what: String = "axis") throws(OpError) -> Int {
        guard self >= -rank, self < rank else { throw .invalid("\(what) must be in [\(-rank), \(rank)), got \(self)") }
        return self < 0 ? self + rank : self
    }
}

extension KernelSpec {
    /// Checks that a kernel's own memory, some bytes for each of so many elements, can be counted.
    ///
    /// - Throws: `resourceExhausted` where no memory holds as many.
    func requireRoom(_ count: Int) throws(OpError) {
        guard count < Int.max >> 10 else {
            throw OpError(.resourceExhausted, "\(count) elements are more than memory holds")
        }
    }
}
