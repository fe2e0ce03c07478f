internal import Execution
internal import Tensors

/// Decodes a JSON value into the elements of a tensor.
///
/// The first elements at each level determine the shape. All other lists must have the same lengths. A complex number is a list
/// `[re, im]`. A quantised number is the integer that stores it.
struct FeedDecoder {
    /// The maximum rank, limited by JSON's nesting.
    static let highestRank = JSONParser.deepestNesting

    /// The protocol's term for a feed, for messages.
    var kind: StaticString = "feed"
    let name: String
    let dtype: DataType

    /// The parser has rounded integers beyond ±2^53 that are written with point or exponent.
    private static let exactDoubles = -0x1p53...0x1p53

    /// A value that does not fit, before its place is known.
    private struct Misfit: Error {
        /// The index on the tape.
        let index: Int
        /// The parts of the message before and after the place.
        let before: String
        let after: String

        init(_ value: JSONValue, _ before: String, _ after: String) {
            index = value.index
            self.before = before
            self.after = after
        }
    }

    /// Determines the dimensions of a value from its first elements.
    ///
    /// - Returns: The number of dimensions.
    /// - Throws: ``RequestError`` 400 if that shape has more elements than the text can contain, so that lists differ in length.
    func shape(
        of value: JSONValue, into dimensions: UnsafeMutablePointer<Int>
    ) throws(RequestError) -> (rank: Int, elementCount: Int) {
        var rank = 0
        var count = 1
        var isRagged = false
        var current = value
        while current.kind == .list, rank < Self.highestRank {
            let size = current.count
            dimensions[rank] = size
            rank += 1
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            // Every element takes a word of the tape. If the product is larger, lists differ in length.
            isRagged = isRagged || overflow || product > value.extent
            count = isRagged ? 0 : product
            if size == 0 { break }
            current = current.first
        }
        guard !isRagged else { throw ragged(value, UnsafeBufferPointer(start: dimensions, count: rank)) }
        // The innermost lists are pairs, the complex numbers.
        if dtype.complexPart != nil, rank > 0, dimensions[rank - 1] == 2 { return (rank - 1, count / 2) }
        return (rank, count)
    }

    /// Checks that the lists have the lengths of the dimensions.
    ///
    /// - Throws: ``RequestError`` 400 with the place of the first list that differs.
    func check(_ value: JSONValue, _ dimensions: UnsafeBufferPointer<Int>) throws(RequestError) {
        do throws(Misfit) { try check(value, dimensions, 0) } catch { throw located(error, in: value) }
    }

    private func ragged(_ value: JSONValue, _ dimensions: UnsafeBufferPointer<Int>) -> RequestError {
        do throws(RequestError) { try check(value, dimensions) } catch { return error }
        return .badRequest("\(kind) \"\(name)\": its lists have different lengths")
    }

    private func check(_ value: JSONValue, _ dimensions: UnsafeBufferPointer<Int>, _ level: Int) throws(Misfit) {
        guard level < dimensions.count else { return }
        try requireList(value, dimensions[level])
        var element = value.first
        while element.index < value.endIndex {
            try check(element, dimensions, level + 1)
            element = element.next
        }
    }

    private func requireList(_ value: JSONValue, _ size: Int) throws(Misfit) {
        guard value.kind == .list else { throw unexpected(value, "a list of \(size)") }
        guard value.count == size else {
            throw Misfit(value, "expected a list of \(size)", ", got a list of \(value.count)")
        }
    }

    private func unexpected(_ value: JSONValue, _ expected: String) -> Misfit {
        Misfit(value, "expected \(expected)", ", got \(value.kindName)")
    }

    /// The message of a misfit, with its place in the feed: `[1][0]` is the first element of the second list.
    private func located(_ misfit: Misfit, in feed: JSONValue) -> RequestError {
        var place = ""
        var current = feed
        while current.kind == .list, current.index < misfit.index {
            var number = 0
            var element = current.first
            while element.next.index <= misfit.index {
                element = element.next
                number += 1
            }
            place += (place.isEmpty ? " at " : "") + "[\(number)]"
            current = element
        }
        return .badRequest("\(kind) \"\(name)\": \(misfit.before)\(place)\(misfit.after)")
    }

    /// Decodes all elements.
    ///
    /// - Parameters:
    ///   - value: The value.
    ///   - dimensions: The dimensions from ``shape(of:into:)``.
    ///   - memory: Memory for all elements.
    /// - Throws: ``RequestError`` 400 for an element that does not fit the dtype.
    func decode(
        _ value: JSONValue, _ dimensions: UnsafeBufferPointer<Int>, to memory: UnsafeMutableRawPointer
    ) throws(RequestError) {
        let isKnown: Bool
        do throws(Misfit) { isKnown = try decodeElements(value, dimensions, memory) } catch {
            throw located(error, in: value)
        }
        guard isKnown else { throw RequestError(501, "\(kind) \"\(name)\": dtype \(dtype) cannot be fed in JSON") }
    }

    /// - Returns: false for a dtype without a form in JSON.
    private func decodeElements(
        _ value: JSONValue, _ dimensions: UnsafeBufferPointer<Int>, _ memory: UnsafeMutableRawPointer
    ) throws(Misfit) -> Bool {
        switch dtype.quantizedStorage ?? dtype {
        case .float32:
            var next = memory.assumingMemoryBound(to: Float.self)
            try fill(
                value, dimensions, 0, &next, skim: { $0.copyFloats(before: $1, to: &$2) },
                skimRows: { $0.copyFloatRows(of: $1, before: $2, to: &$3) }
            ) { v throws(Misfit) in try float(v) }
        case .float64: try fill(value, dimensions, memory, Double.self) { v throws(Misfit) in try double(v) }
        case .int32: try fill(value, dimensions, memory, Int32.self) { v throws(Misfit) in try integer(v) }
        case .int64: try fill(value, dimensions, memory, Int64.self) { v throws(Misfit) in try integer(v) }
        case .int16: try fill(value, dimensions, memory, Int16.self) { v throws(Misfit) in try integer(v) }
        case .int8: try fill(value, dimensions, memory, Int8.self) { v throws(Misfit) in try integer(v) }
        case .uint8: try fill(value, dimensions, memory, UInt8.self) { v throws(Misfit) in try integer(v) }
        case .uint16: try fill(value, dimensions, memory, UInt16.self) { v throws(Misfit) in try integer(v) }
        case .uint32: try fill(value, dimensions, memory, UInt32.self) { v throws(Misfit) in try integer(v) }
        case .uint64: try fill(value, dimensions, memory, UInt64.self) { v throws(Misfit) in try integer(v) }
        case .bool: try fill(value, dimensions, memory, Bool.self) { v throws(Misfit) in try truth(v) }
        case .string: try fill(value, dimensions, memory, TensorString.self) { v throws(Misfit) in try string(v) }
        case .complex64:
            try fill(value, dimensions, memory, SIMD2<Float>.self) { v throws(Misfit) in
                let (real, imaginary) = try pair(v)
                return SIMD2(try float(real), try float(imaginary))
            }
        case .complex128:
            try fill(value, dimensions, memory, SIMD2<Double>.self) { v throws(Misfit) in
                let (real, imaginary) = try pair(v)
                return SIMD2(try double(real), try double(imaginary))
            }
        case .float16, .bfloat16:
            guard let format = HalfPrecision(dtype) else { return false }
            try fill(value, dimensions, memory, UInt16.self) { v throws(Misfit) in
                let number = try float(v)
                let bits = format.bits(number)
                guard format.number(bits).isFinite || !number.isFinite else { throw outOfRange(v) }
                return bits
            }
        default: return false
        }
        return true
    }

    @inline(__always)
    private func fill<Element>(
        _ value: JSONValue, _ dimensions: UnsafeBufferPointer<Int>, _ memory: UnsafeMutableRawPointer,
        _ type: Element.Type, _ convert: (JSONValue) throws(Misfit) -> Element
    ) throws(Misfit) {
        var next = memory.assumingMemoryBound(to: Element.self)
        try fill(
            value, dimensions, 0, &next, skim: { element, _, _ in element }, skimRows: { element, _, _, _ in element },
            convert)
    }

    /// Walks the lists recursively, with a loop at the innermost level.
    ///
    /// - Parameters:
    ///   - value: The value at this level.
    ///   - dimensions: The dimensions of all levels.
    ///   - level: The level.
    ///   - next: The place of the next element.
    ///   - skim: Converts elements of an innermost list up to an end, as long as that is simple. Returns the first other element.
    ///   - skimRows: The same for innermost lists of a length, in the list around them.
    ///   - convert: Converts any element.
    /// - Throws: The first misfit.
    private func fill<Element>(
        _ value: JSONValue, _ dimensions: UnsafeBufferPointer<Int>, _ level: Int,
        _ next: inout UnsafeMutablePointer<Element>,
        skim: (JSONValue, Int, inout UnsafeMutablePointer<Element>) -> JSONValue,
        skimRows: (JSONValue, Int, Int, inout UnsafeMutablePointer<Element>) -> JSONValue,
        _ convert: (JSONValue) throws(Misfit) -> Element
    ) throws(Misfit) {
        guard level < dimensions.count else {
            next.pointee = try convert(value)
            next += 1
            return
        }
        try requireList(value, dimensions[level])
        let end = value.endIndex
        var element = value.first
        let isInnermost = level == dimensions.count - 1
        let rowSize = level == dimensions.count - 2 ? dimensions[level + 1] : nil
        while true {
            if isInnermost { element = skim(element, end, &next) }
            if let rowSize { element = skimRows(element, rowSize, end, &next) }
            guard element.index < end else { return }
            if isInnermost {
                next.pointee = try convert(element)
                next += 1
            } else {
                try fill(element, dimensions, level + 1, &next, skim: skim, skimRows: skimRows, convert)
            }
            element = element.next
        }
    }
}

// Elements.
extension FeedDecoder {
    /// The nearest float32. A number that would become infinite is refused.
    @inline(__always)
    private func float(_ value: JSONValue) throws(Misfit) -> Float {
        let exact = try double(value)
        let result = Float(exact)
        guard result.isFinite || !exact.isFinite else { throw outOfRange(value) }
        return result
    }

    /// The parts of a complex number.
    private func pair(_ value: JSONValue) throws(Misfit) -> (JSONValue, JSONValue) {
        guard value.kind == .list else { throw unexpected(value, "a pair [re, im]") }
        guard value.count == 2 else {
            throw Misfit(value, "expected a pair [re, im]", ", got a list of \(value.count)")
        }
        return (value.first, value.first.next)
    }

    @inline(__always)
    private func double(_ value: JSONValue) throws(Misfit) -> Double {
        if value.isOf(.double) { return value.double }
        return value.isOf(.int64) ? Double(value.int64) : try doubleOfOther(value)
    }

    private func doubleOfOther(_ value: JSONValue) throws(Misfit) -> Double {
        switch value.kind {
        case .uint64: return Double(value.uint64)
        case .string:
            if value.equals("NaN") { return .nan }
            if value.equals("Infinity") { return .infinity }
            if value.equals("-Infinity") { return -.infinity }
            throw unexpected(value, "\(dtype)")
        default: throw unexpected(value, "\(dtype)")
        }
    }

    @inline(__always)
    private func integer<Value: FixedWidthInteger>(_ value: JSONValue) throws(Misfit) -> Value {
        if value.isOf(.int64), let result = Value(exactly: value.int64) { return result }
        return try integerOfOther(value)
    }

    private func integerOfOther<Value: FixedWidthInteger>(_ value: JSONValue) throws(Misfit) -> Value {
        let result: Value? =
            switch value.kind {
            case .int64: Value(exactly: value.int64)
            case .uint64: Value(exactly: value.uint64)
            case .double: Self.exactDoubles.contains(value.double) ? Value(exactly: value.double) : nil
            default: throw unexpected(value, "\(dtype)")
            }
        guard let result else { throw outOfRange(value) }
        return result
    }

    private func outOfRange(_ value: JSONValue) -> Misfit {
        let isInexact =
            (dtype.quantizedStorage ?? dtype).isInteger && value.kind == .double
            && !Self.exactDoubles.contains(value.double)
            && value.double.magnitude < 0x1p64
        return Misfit(
            value, value.shown,
            isInexact
                ? " is beyond 2^53, where only integers without point and exponent are exact"
                : " is not a valid \(dtype)")
    }

    private func truth(_ value: JSONValue) throws(Misfit) -> Bool {
        switch value.kind {
        case .truth: return true
        case .falsehood: return false
        default: throw unexpected(value, "true or false")
        }
    }

    /// The string's bytes stay in the parser's memory.
    private func string(_ value: JSONValue) throws(Misfit) -> TensorString {
        if value.kind == .string {
            let bytes = value.string
            return TensorString(start: UnsafePointer(bytes.baseAddress), count: bytes.count)
        }
        guard value.kind == .object, value.count == 1, value.first.equals("b64"), value.first.next.kind == .string
        else { throw unexpected(value, "a string or {\"b64\": \"...\"}") }
        let text = value.first.next.string
        guard let count = Base64.decode(inPlace: text) else {
            throw Misfit(value, "the value of \"b64\"", " is not base64")
        }
        return TensorString(start: UnsafePointer(text.baseAddress), count: count)
    }
}
