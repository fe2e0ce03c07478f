internal import Execution
internal import HTTPMessages
internal import Tensors

extension NPYArray {
    /// Reads a request's body as an array.
    ///
    /// - Throws: ``RequestError`` 400 with the problem.
    init(body: UnsafeRawBufferPointer) throws(RequestError) {
        do throws(Fault) { try self.init(body) } catch {
            throw .badRequest("the body is not a .npy array: \(error.reason)")
        }
    }

    /// The error for a model that needs more than one array.
    static func needsOneInput(of model: String, _ inputs: [String]) -> RequestError {
        let names = inputs.isEmpty ? "none" : inputs.map { "\"\($0)\"" }.joined(separator: ", ")
        return RequestError(
            415, "a .npy array is one input, but the inputs that model \"\(model)\" needs are \(names): send JSON")
    }
}

extension FeedMemory {
    /// Adds an array: in place if it has that dtype; converted from NumPy's defaults, float64 and int64, if float32 or int32 is expected.
    ///
    /// - Throws: ``RequestError`` 400 for another dtype, and for a number that cannot be converted; 503 if memory is short.
    mutating func add(_ array: NPYArray, as dtype: DataType, name: String) throws(RequestError) {
        if let strings = array.strings, dtype == .string { return try add(strings, of: array, name) }
        let dimensions = array.shape.dimensions
        let count = array.shape.elementCount
        switch (array.dtype, dtype.quantizedStorage ?? dtype) {
        case (let given, let wanted) where given == wanted:
            guard let source = array.elements.baseAddress else { return }
            if UInt(bitPattern: source) % UInt(wanted.fixedWidth ?? 1) == 0 {
                return add(source, of: dtype, dimensions)
            }
            try addRoom(for: dtype, dimensions, elementCount: count)
            lastElements()?.copyMemory(from: source, byteCount: array.elements.count)
        case (.float64, .float32):
            try addRoom(for: dtype, dimensions, elementCount: count)
            try convert(array, name) { (value: Double) in
                let nearest = Float(value)
                return nearest.isFinite || !value.isFinite ? nearest : nil
            }
        case (.int64, .int32):
            try addRoom(for: dtype, dimensions, elementCount: count)
            try convert(array, name) { (value: Int64) in Int32(exactly: value) }
        default:
            throw .badRequest(
                "input \"\(name)\" takes \(dtype), the array is \(array.dtype): send x.astype(\"\(dtype)\")")
        }
    }

    /// Adds strings. Bytes are used in place, code points are converted to UTF-8.
    private mutating func add(_ strings: NPYStrings, of array: NPYArray, _ name: String) throws(RequestError) {
        let count = array.shape.elementCount
        let width = strings.byteCount
        var texts: NPYTexts?
        if case .codePoints = strings { texts = try NPYTexts(array, width: width, name) }
        try addRoom(for: .string, array.shape.dimensions, elementCount: count)
        guard let elements = lastElements()?.assumingMemoryBound(to: TensorString.self) else { return }
        for index in 0..<count {
            let bytes =
                texts?.bytes(of: index)
                ?? UnsafeRawBufferPointer(rebasing: array.elements[index * width..<(index + 1) * width]).withoutZeros
            let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
            elements[index] = TensorString(start: start, count: bytes.count)
        }
        if let texts { keep(texts.buffer) }
    }

    private func convert<Source: BitwiseCopyable & CustomStringConvertible, Target: TensorScalar>(
        _ array: NPYArray, _ name: String, _ conversion: (Source) -> Target?
    ) throws(RequestError) {
        guard let elements = lastElements()?.assumingMemoryBound(to: Target.self) else { return }
        for index in 0..<array.shape.elementCount {
            let value = array.elements.loadUnaligned(
                fromByteOffset: index * MemoryLayout<Source>.stride, as: Source.self)
            guard let converted = conversion(value) else {
                throw .badRequest(
                    "input \"\(name)\": \(value), element \(index) of the array, is not a valid \(Target.dataType)")
            }
            elements[index] = converted
        }
    }
}

/// The strings of an array of code points, as UTF-8.
// Safety: the buffer does not change any more, so that pointers into it stay valid as long as it is kept.
private struct NPYTexts {
    let buffer = ResponseBuffer()
    /// The end of each string in the buffer.
    private var ends: [Int] = []

    /// - Throws: ``RequestError`` 400 for an invalid code point, 503 if memory is short.
    init(_ array: NPYArray, width: Int, _ name: String) throws(RequestError) {
        for index in 0..<array.shape.elementCount {
            let slot = UnsafeRawBufferPointer(rebasing: array.elements[index * width..<(index + 1) * width])
            let used = (slot.withoutZeros.count + 3) / 4
            for place in 0..<used {
                let value = UInt32(littleEndian: slot.loadUnaligned(fromByteOffset: 4 * place, as: UInt32.self))
                guard let scalar = UnicodeScalar(value) else {
                    throw .badRequest(
                        "input \"\(name)\": string \(index) of the array has \(value), which is not a code point of Unicode"
                    )
                }
                for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter { buffer.append(byte) }
            }
            ends.append(buffer.count)
        }
        guard !buffer.hasFailed else {
            throw RequestError(503, "not enough memory for the request: try again later")
        }
    }

    func bytes(of index: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: buffer.bytes[(index > 0 ? ends[index - 1] : 0)..<ends[index]])
    }
}

extension UnsafeRawBufferPointer {
    /// The bytes without trailing zeros.
    fileprivate var withoutZeros: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: self[..<(lastIndex { $0 != 0 }.map { $0 + 1 } ?? 0)])
    }
}

/// A response with one tensor as a NumPy array, for clients with `Accept: application/x-npy`.
enum NPYResponse {
    /// The alignment of the end of the header.
    private static let alignment = 64

    /// Writes the response, if the client accepts it and it is one tensor of numbers or Booleans.
    ///
    /// - Returns: Whether it was written.
    static func write(
        _ outputs: UnsafeBufferPointer<TensorView>, for request: HTTPRequest, to response: inout HTTPResponse
    ) -> Bool {
        guard let accept = request.headers[.accept], MediaType.acceptsNPY(accept), outputs.count == 1,
            let output = outputs.first, let header = header(output)
        else { return false }
        response.contentType = "application/x-npy"
        header.withUnsafeBytes { response.body.append($0) }
        let byteCount = output.elementCount * output.dtype.stride
        response.body.append(UnsafeRawBufferPointer(start: output.elements, count: byteCount))
        return true
    }

    /// The bytes before the elements; nil for a dtype that NumPy lacks.
    private static func header(_ tensor: TensorView) -> [UInt8]? {
        guard let descr = NPYHeader.descr(of: tensor.dtype) else { return nil }
        let sizes = tensor.dimensions.map(String.init).joined(separator: ", ")
        let text =
            "{'descr': '\(descr)', 'fortran_order': False, 'shape': (\(sizes)\(tensor.dimensions.count == 1 ? "," : "")), }"
        let prefix = 10
        let length = (prefix + text.utf8.count + 1 + alignment - 1) / alignment * alignment - prefix
        guard let shortLength = UInt16(exactly: length) else { return nil }
        var header: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0]
        header += [UInt8(truncatingIfNeeded: shortLength), UInt8(truncatingIfNeeded: shortLength >> 8)]
        header += text.utf8
        header += repeatElement(0x20, count: prefix + length - 1 - header.count)
        header.append(0x0a)
        return header
    }
}
