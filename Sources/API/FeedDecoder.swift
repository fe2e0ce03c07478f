internal import Execution
internal import Tensors

/// Turns a JSON value into the elements of a tensor.
///
/// The shape is that of the first elements at each level; every other list must have the same length.
struct FeedDecoder {
    /// The deepest list that JSON's nesting allows.
    static let highestRank = JSONParser.deepestNesting

    let name: String
    let dtype: DataType

    /// The dimensions of a value, as its first elements tell them.
    ///
    /// - Returns: How many dimensions were written.
    /// - Throws: ``RequestError`` 400 if the elements, by that shape, would be more than the text can hold: then lists differ.
    func shape(
        of value: JSONValue, into dimensions: UnsafeMutablePointer<Int>
    ) throws(RequestError) -> (rank: Int, elementCount: Int) {
        var rank = 0
        var count = 1
        var current = value
        while current.kind == .list, rank < Self.highestRank {
            let size = current.count
            dimensions[rank] = size
            rank += 1
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            // Every element takes a word of the tape: a product beyond that is of ragged lists.
            guard !overflow, product <= value.extent else { throw ragged() }
            count = product
            if size == 0 { break }
            current = current.first
        }
        return (rank, count)
    }

    private func ragged() -> RequestError { .badRequest("feed \"\(name)\": its lists have different lengths") }

    /// Writes all elements.
    ///
    /// - `memory`: Room for as many elements as ``shape(of:into:)`` counted.
    func decode(
        _ value: JSONValue, _ dimensions: UnsafeBufferPointer<Int>, to memory: UnsafeMutableRawPointer
    ) throws(RequestError) {
        switch dtype {
        case .float32:
            try fill(value, dimensions, memory, Float.self) { v throws(RequestError) in Float(try double(v)) }
        case .float64: try fill(value, dimensions, memory, Double.self) { v throws(RequestError) in try double(v) }
        case .int32: try fill(value, dimensions, memory, Int32.self) { v throws(RequestError) in try integer(v) }
        case .int64: try fill(value, dimensions, memory, Int64.self) { v throws(RequestError) in try integer(v) }
        case .int16: try fill(value, dimensions, memory, Int16.self) { v throws(RequestError) in try integer(v) }
        case .int8: try fill(value, dimensions, memory, Int8.self) { v throws(RequestError) in try integer(v) }
        case .uint8: try fill(value, dimensions, memory, UInt8.self) { v throws(RequestError) in try integer(v) }
        case .uint16: try fill(value, dimensions, memory, UInt16.self) { v throws(RequestError) in try integer(v) }
        case .uint32: try fill(value, dimensions, memory, UInt32.self) { v throws(RequestError) in try integer(v) }
        case .uint64: try fill(value, dimensions, memory, UInt64.self) { v throws(RequestError) in try integer(v) }
        case .bool: try fill(value, dimensions, memory, Bool.self) { v throws(RequestError) in try truth(v) }
        case .string: try fill(value, dimensions, memory, TensorString.self) { v throws(RequestError) in try string(v) }
        default: throw RequestError(501, "feed \"\(name)\": dtype \(dtype) cannot be fed in JSON")
        }
    }

    @inline(__always)
    private func fill<Element>(
        _ value: JSONValue, _ dimensions: UnsafeBufferPointer<Int>, _ memory: UnsafeMutableRawPointer,
        _ type: Element.Type,
        _ convert: (JSONValue) throws(RequestError) -> Element
    ) throws(RequestError) {
        var next = memory.assumingMemoryBound(to: Element.self)
        try fill(value, dimensions, 0, &next, convert)
    }

    /// Walks the lists; at the innermost level there is one loop and no recursion.
    private func fill<Element>(
        _ value: JSONValue, _ dimensions: UnsafeBufferPointer<Int>, _ level: Int,
        _ next: inout UnsafeMutablePointer<Element>,
        _ convert: (JSONValue) throws(RequestError) -> Element
    ) throws(RequestError) {
        guard level < dimensions.count else {
            next.pointee = try convert(value)
            next += 1
            return
        }
        guard value.kind == .list else { throw unexpected(value, "a list of \(dimensions[level])") }
        guard value.count == dimensions[level] else {
            throw .badRequest(
                "feed \"\(name)\": a list of dimension \(level) has \(value.count) elements, the first one "
                    + "\(dimensions[level])")
        }
        let end = value.endIndex
        var element = value.first
        let isInnermost = level == dimensions.count - 1
        while element.index < end {
            if isInnermost {
                next.pointee = try convert(element)
                next += 1
            } else {
                try fill(element, dimensions, level + 1, &next, convert)
            }
            element = element.next
        }
    }

    private func double(_ value: JSONValue) throws(RequestError) -> Double {
        switch value.kind {
        case .double: return value.double
        case .int64: return Double(value.int64)
        case .uint64: return Double(value.uint64)
        case .string:
            if value.equals("NaN") { return .nan }
            if value.equals("Infinity") { return .infinity }
            if value.equals("-Infinity") { return -.infinity }
            throw unexpected(value, "\(dtype)")
        default: throw unexpected(value, "\(dtype)")
        }
    }

    private func integer<Value: FixedWidthInteger>(_ value: JSONValue) throws(RequestError) -> Value {
        let result: Value? =
            switch value.kind {
            case .int64: Value(exactly: value.int64)
            case .uint64: Value(exactly: value.uint64)
            case .double: Value(exactly: value.double)
            default: throw unexpected(value, "\(dtype)")
            }
        guard let result else {
            let number =
                value.kind == .double ? "\(value.double)" : value.kind == .int64 ? "\(value.int64)" : "\(value.uint64)"
            throw .badRequest("feed \"\(name)\": \(number) is not a number that \(dtype) has")
        }
        return result
    }

    private func truth(_ value: JSONValue) throws(RequestError) -> Bool {
        switch value.kind {
        case .truth: return true
        case .falsehood: return false
        default: throw unexpected(value, "true or false")
        }
    }

    /// The string's bytes stay where the parser put them.
    private func string(_ value: JSONValue) throws(RequestError) -> TensorString {
        if value.kind == .string {
            let bytes = value.string
            return TensorString(start: UnsafePointer(bytes.baseAddress), count: bytes.count)
        }
        guard value.kind == .object, value.count == 1, value.first.equals("b64"), value.first.next.kind == .string
        else {
            throw unexpected(value, "a string or {\"b64\": \"...\"}")
        }
        let text = value.first.next.string
        guard let count = Base64.decode(inPlace: text) else {
            throw .badRequest("feed \"\(name)\": the value of \"b64\" is not base 64")
        }
        return TensorString(start: UnsafePointer(text.baseAddress), count: count)
    }

    private func unexpected(_ value: JSONValue, _ expected: String) -> RequestError {
        .badRequest("feed \"\(name)\": expected \(expected), got \(value.kindName)")
    }
}
