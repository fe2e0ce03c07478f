internal import Execution
internal import Glibc
internal import Tensors

/// An input of a call. It checks the request's input, and converts the elements for the run.
struct V2Input {
    let name: String
    /// The index of the call's feed.
    let index: Int
    let expected: Callable.Argument
    /// Whether it is known to be a scalar, regardless of its shape in the graph.
    var isScalar = false

    /// Checks the datatype.
    ///
    /// - Throws: ``RequestError`` 400; 501 if the protocol has no datatype for the tensor.
    func requireDatatype(_ given: JSONValue) throws(RequestError) {
        guard let name = V2Datatype.name(of: expected.dtype) else {
            throw V2Datatype.missing(expected.dtype, "input \"\(self.name)\"")
        }
        guard given.equals(name.utf8) else { throw error("expected datatype \(name), got \(given.excerpt)") }
    }

    /// Reads the shape. The shape `[1]` becomes that of a scalar if a scalar is expected.
    ///
    /// - Returns: The number of elements.
    /// - Throws: ``RequestError`` 400 for an invalid shape, and for one that the graph does not admit.
    func readShape(_ list: JSONValue, into sizes: inout [Int]) throws(RequestError) -> Int {
        guard list.count <= Shape.maximumRank else {
            throw error("its shape has \(list.count) dimensions, more than \(Shape.maximumRank)")
        }
        sizes.removeAll(keepingCapacity: true)
        var size = list.first
        while size.index < list.endIndex {
            guard size.isOf(.int64), size.int64 >= 0 else {
                throw error("its shape has \(size.shown); expected sizes")
            }
            sizes.append(Int(size.int64))
            size = size.next
        }
        if sizes == [1], isScalar || expected.shape.dimensions?.isEmpty == true {
            sizes.removeAll(keepingCapacity: true)
        }
        return try count(sizes)
    }

    /// The number of elements of a shape that the graph admits.
    private func count(_ sizes: [Int]) throws(RequestError) -> Int {
        var count = 1
        for size in sizes {
            // The product of the other sizes must be representable even if the shape has no elements.
            let (product, overflow) = count.multipliedReportingOverflow(by: max(size, 1))
            guard !overflow else { throw error("shape \(Self.text(sizes)) is too large") }
            count = product
        }
        guard admits(sizes) else {
            throw error("expected shape \(Self.text(expected.shape.dimensions ?? [])), got \(Self.text(sizes))")
        }
        return sizes.contains(0) ? 0 : count
    }

    private func admits(_ sizes: [Int]) -> Bool {
        guard let dimensions = expected.shape.dimensions else { return true }
        guard dimensions.count == sizes.count else { return false }
        return dimensions.indices.allSatisfy { dimensions[$0] < 0 || dimensions[$0] == sizes[$0] }
    }

    private static func text(_ sizes: [Int]) -> String { "[" + sizes.map(String.init).joined(separator: ",") + "]" }

    private func error(_ message: String) -> RequestError { .badRequest("input \"\(name)\": \(message)") }

    /// Adds elements that `fill` writes.
    private func add(
        _ sizes: [Int], count: Int, to feeds: inout FeedMemory,
        _ fill: (UnsafeMutableRawPointer) throws(RequestError) -> Void
    ) throws(RequestError) {
        try feeds.addRoom(for: expected.dtype, sizes, elementCount: count)
        guard let memory = feeds.elements(ofFeed: index) else {
            throw RequestError(500, "input \"\(name)\" has no memory")
        }
        try fill(memory)
    }
}

// Elements as JSON.
extension V2Input {
    /// Adds elements in nested lists of the shape, or in one flat list.
    ///
    /// - Throws: ``RequestError`` 400.
    func add(_ data: JSONValue, _ sizes: [Int], count: Int, to feeds: inout FeedMemory) throws(RequestError) {
        let isList = data.kind == .list
        guard isList || sizes.isEmpty else { throw error("its data is \(data.kindName); expected a list") }
        let isFlat = isList && (data.count == 0 || data.first.kind != .list)
        guard isFlat ? data.count == count : count <= data.extent else {
            throw error(
                "shape \(Self.text(sizes)) has \(count) elements, got "
                    + (isFlat ? "\(data.count)" : "nested lists with fewer"))
        }
        let decoder = FeedDecoder(kind: "input", name: name, dtype: expected.dtype)
        try add(sizes, count: count, to: &feeds) { memory throws(RequestError) in
            if isFlat {
                try withUnsafePointer(to: count) { count throws(RequestError) in
                    try decoder.decode(data, UnsafeBufferPointer(start: count, count: 1), to: memory)
                }
            } else {
                try sizes.withUnsafeBufferPointer { sizes throws(RequestError) in
                    try decoder.decode(data, sizes, to: memory)
                }
            }
        }
    }
}

// Elements as bytes.
extension V2Input {
    /// Adds elements as bytes of the request's body, in place if they are aligned.
    ///
    /// - Throws: ``RequestError`` 400.
    func add(
        _ bytes: UnsafeRawBufferPointer, _ sizes: [Int], count: Int, to feeds: inout FeedMemory
    ) throws(RequestError) {
        guard let width = expected.dtype.fixedWidth else {
            return try add(strings: bytes, sizes, count: count, to: &feeds)
        }
        let (needed, overflow) = count.multipliedReportingOverflow(by: width)
        guard !overflow, needed == bytes.count else {
            let datatype = V2Datatype.name(of: expected.dtype) ?? "\(expected.dtype)"
            throw error(
                "shape \(Self.text(sizes)) of \(datatype) has \(count) elements of \(width) bytes, got \(bytes.count) bytes"
            )
        }
        if expected.dtype == .bool, let index = bytes.firstIndex(where: { $0 > 1 }) {
            throw error("byte \(index) is \(bytes[index]); a BOOL is 0 or 1")
        }
        if let start = bytes.baseAddress, !bytes.isEmpty, UInt(bitPattern: start).isMultiple(of: UInt(width)) {
            return feeds.add(start, of: expected.dtype, sizes)
        }
        try add(sizes, count: count, to: &feeds) { memory in
            if let start = bytes.baseAddress { memcpy(memory, start, bytes.count) }
        }
    }

    /// Adds strings in place. Each consists of its length in four bytes and its bytes.
    private func add(
        strings bytes: UnsafeRawBufferPointer, _ sizes: [Int], count: Int, to feeds: inout FeedMemory
    ) throws(RequestError) {
        guard count <= bytes.count / 4 else {
            throw error("shape \(Self.text(sizes)) has \(count) strings with their lengths, got \(bytes.count) bytes")
        }
        try add(sizes, count: count, to: &feeds) { memory throws(RequestError) in
            let elements = memory.assumingMemoryBound(to: TensorString.self)
            var rest = bytes
            for index in 0..<count {
                guard rest.count >= 4 else { throw error("string \(index) is cut off") }
                let length = Int(UInt32(littleEndian: rest.loadUnaligned(as: UInt32.self)))
                guard length <= rest.count - 4 else {
                    throw error("string \(index) has \(length) bytes, but only \(rest.count - 4) are left")
                }
                let text = UnsafeRawBufferPointer(rebasing: rest[4..<4 + length])
                elements[index] = TensorString(
                    start: text.assumingMemoryBound(to: UInt8.self).baseAddress, count: length)
                rest = UnsafeRawBufferPointer(rebasing: rest[(4 + length)...])
            }
            guard rest.isEmpty else { throw error("\(rest.count) bytes follow the last string") }
        }
    }
}

// A body that is one tensor.
extension V2Input {
    /// Adds a whole body. Its length determines the one unknown size. A string is the body itself.
    ///
    /// - Throws: ``RequestError`` 400 if the length does not fit.
    func add(body: UnsafeRawBufferPointer, to feeds: inout FeedMemory) throws(RequestError) {
        guard V2Datatype.name(of: expected.dtype) != nil else {
            throw V2Datatype.missing(expected.dtype, "input \"\(name)\"")
        }
        var sizes = expected.shape.dimensions ?? [PartialShape.unknownDimension]
        if sizes.count(where: { $0 < 0 }) > 1, sizes[0] < 0 { sizes[0] = 1 }
        guard sizes.count(where: { $0 < 0 }) <= 1 else {
            throw error("\(body.count) bytes do not determine its shape \(Self.text(sizes)): send JSON before them")
        }
        let known = try count(sizes.map { abs($0) })
        guard let width = expected.dtype.fixedWidth else {
            guard known == 1 else {
                throw error("expected shape \(Self.text(sizes)), got one string: send JSON before it")
            }
            return try add(sizes.map { abs($0) }, count: 1, to: &feeds) { memory in
                memory.assumingMemoryBound(to: TensorString.self).pointee = TensorString(
                    start: body.assumingMemoryBound(to: UInt8.self).baseAddress, count: body.count)
            }
        }
        let (bytes, overflow) = known.multipliedReportingOverflow(by: width)
        if let unknown = sizes.firstIndex(where: { $0 < 0 }), !overflow, bytes > 0, body.count.isMultiple(of: bytes) {
            sizes[unknown] = body.count / bytes
        }
        try add(body, sizes.map { abs($0) }, count: try count(sizes.map { abs($0) }), to: &feeds)
    }
}
