internal import Execution
internal import HTTPMessages
internal import Serving
internal import Tensors

/// An output in a response. The JSON describes it. Its elements are in the JSON or after it.
struct V2Output {
    let tensor: TensorView
    /// The name, quoted and escaped.
    let key: [UInt8]

    /// Writes the description, with the elements unless they follow the JSON.
    ///
    /// - Throws: ``RequestError`` for a dtype that the protocol lacks, and the errors of ``OutputWriter``.
    func write(isBinary: Bool, policy: NaNPolicy, _ writer: inout JSONWriter) throws(RequestError) {
        guard let datatype = V2Datatype.name(of: tensor.dtype) else {
            throw V2Datatype.missing(tensor.dtype, "output \(String(decoding: key, as: UTF8.self))")
        }
        writer.beginObject()
        writer.key("name")
        writer.json(key)
        writer.key("datatype")
        writer.string(datatype)
        writer.key("shape")
        writer.beginList()
        for size in tensor.dimensions { writer.integer(size) }
        writer.endList()
        if isBinary {
            writer.key("parameters")
            writer.beginObject()
            writer.key("binary_data_size")
            writer.integer(byteCount)
            writer.endObject()
        } else {
            writer.key("data")
            var outputWriter = OutputWriter(writer, policy: policy)
            // One list of all elements.
            try withUnsafePointer(to: tensor.elementCount) { count throws(RequestError) in
                let sizes = UnsafeBufferPointer(start: count, count: 1)
                try outputWriter.writeValue(
                    TensorView(dtype: tensor.dtype, dimensions: sizes, elements: tensor.elements), of: key)
            }
            writer = outputWriter.rest
        }
        writer.endObject()
    }

    /// Appends the elements: numbers as in memory, and each string after its length in four bytes.
    func append(to buffer: ResponseBuffer) {
        if tensor.dtype == .string {
            for text in strings {
                withUnsafeBytes(of: UInt32(truncatingIfNeeded: text.count).littleEndian) { buffer.append($0) }
                buffer.append(UnsafeRawBufferPointer(text.bytes))
            }
        } else {
            buffer.append(UnsafeRawBufferPointer(start: tensor.elements, count: byteCount))
        }
    }

    /// The number of bytes that ``append(to:)`` appends.
    private var byteCount: Int {
        tensor.dtype == .string
            ? strings.reduce(0) { $0 + 4 + $1.count } : tensor.elementCount * tensor.dtype.stride
    }

    private var strings: UnsafeBufferPointer<TensorString> {
        UnsafeBufferPointer(
            start: tensor.elements.assumingMemoryBound(to: TensorString.self), count: tensor.elementCount)
    }

    /// Calls `body` with a tensor, or with its classes if the request wants them.
    static func with(
        _ tensor: TensorView, classCount: Int?, _ names: ClassNames?, _ key: [UInt8],
        _ body: (TensorView) throws(RequestError) -> Void
    ) throws(RequestError) {
        guard let classCount else { return try body(tensor) }
        guard let classes = try V2Classes(tensor, limit: classCount, names: names, key) else {
            throw .badRequest(
                "output \(String(decoding: key, as: UTF8.self)) is \(tensor.dtype), which has no classes: remove "
                    + "\"classification\" out")
        }
        try classes.withTensor(body)
    }
}
