internal import FoundationEssentials
package import Tensors

/// The reason why a message does not contain a valid tensor.
package struct TensorDecodingError: Error {
    /// The problem.
    package let reason: String
}

extension PartialShape {
    /// Decodes a `TensorShapeProto`.
    package init(decoding message: TensorShapeProto) {
        self = message.unknownRank ? .unknown : PartialShape(message.dim.map { Int($0.size) })
    }
}

extension Tensor {
    /// Decodes a `TensorProto` as TensorFlow's importer does: from raw content, otherwise from the list of the dtype, whose last value
    /// repeats. Without any value, all elements are zero.
    ///
    /// - Throws: ``TensorDecodingError`` for an unknown dtype or shape, content of the wrong length, or a splat above
    ///   ``splatLimitBytes``.
    package init(decoding message: TensorProto) throws(TensorDecodingError) {
        guard let dtype = DataType(protoNumber: message.dtype) else {
            throw TensorDecodingError(reason: "dtype \(message.dtype) is not known")
        }
        let partial = PartialShape(decoding: message.tensorShape)
        guard let shape = partial.known, let byteCount = shape.byteCount(of: dtype) else {
            throw TensorDecodingError(reason: "shape \(partial) is not one that a tensor can have")
        }
        guard !dtype.isHandle else {
            throw TensorDecodingError(reason: "a constant of dtype \(dtype) is not supported")
        }
        if !message.tensorContent.isEmpty, dtype != .string {
            self = try Self.decodeContent(message, dtype, shape, byteCount)
            return
        }
        let values = message.valueCount(of: dtype)
        guard values >= shape.elementCount || byteCount <= Self.splatLimitBytes else {
            throw TensorDecodingError(
                reason: "\(values) values would fill \(byteCount) bytes; the limit is \(Self.splatLimitBytes)")
        }
        let decoded: Tensor? =
            dtype == .string
            ? Self.decodeStrings(message.stringVal.map { Array($0) }, shape) : message.fill(dtype, shape)
        guard let decoded else { throw TensorDecodingError(reason: "not enough memory for \(byteCount) bytes") }
        self = decoded
    }

    private static func decodeContent(
        _ message: TensorProto, _ dtype: DataType, _ shape: Shape, _ byteCount: Int
    ) throws(TensorDecodingError) -> Tensor {
        guard message.tensorContent.count == byteCount else {
            throw TensorDecodingError(
                reason: "tensor_content has \(message.tensorContent.count) bytes; \(dtype) \(shape) needs \(byteCount)")
        }
        let tensor = Tensor(dtype: dtype, shape: shape) { memory in
            message.tensorContent.withUnsafeBytes { memory.copyMemory(from: $0) }
            // A Bool must be 0 or 1, regardless of the file.
            if dtype == .bool { for index in memory.indices where memory[index] != 0 { memory[index] = 1 } }
        }
        guard let tensor else { throw TensorDecodingError(reason: "not enough memory for \(byteCount) bytes") }
        return tensor
    }

    private static func decodeStrings(_ values: [[UInt8]], _ shape: Shape) -> Tensor? {
        let repeated = values.last ?? []
        let (total, overflow) = repeated.count.multipliedReportingOverflow(
            by: max(0, shape.elementCount - values.count))
        guard !overflow, total <= splatLimitBytes else { return nil }
        let elements = (0..<shape.elementCount).map { $0 < values.count ? values[$0] : repeated }
        return Tensor(strings: elements, shape: shape)
    }
}

extension TensorProto {
    /// The number of elements in the message's list for the dtype.
    package func valueCount(of dtype: DataType) -> Int {
        switch dtype {
        case .float32: floatVal.count
        case .float64: doubleVal.count
        case .int32, .int16, .int8, .uint8, .uint16, .qint8, .quint8, .qint16, .quint16, .qint32: intVal.count
        case .int64: int64Val.count
        case .uint32: uint32Val.count
        case .uint64: uint64Val.count
        case .bool: boolVal.count
        case .string: stringVal.count
        case .float16, .bfloat16: halfVal.count
        case .complex64: scomplexVal.count / 2
        case .complex128: dcomplexVal.count / 2
        case .resource, .variant: 0
        }
    }

    /// Makes the tensor from the list for its dtype.
    fileprivate func fill(_ dtype: DataType, _ shape: Shape) -> Tensor? {
        switch dtype {
        case .float32: expand(floatVal, dtype, shape)
        case .float64: expand(doubleVal, dtype, shape)
        case .int32, .qint32: expand(intVal, dtype, shape)
        case .int64: expand(int64Val, dtype, shape)
        case .uint32: expand(uint32Val, dtype, shape)
        case .uint64: expand(uint64Val, dtype, shape)
        case .bool: expand(boolVal, dtype, shape)
        case .int16, .uint16, .qint16, .quint16: expand(intVal.map { UInt16(truncatingIfNeeded: $0) }, dtype, shape)
        case .int8, .uint8, .qint8, .quint8: expand(intVal.map { UInt8(truncatingIfNeeded: $0) }, dtype, shape)
        case .float16, .bfloat16: expand(halfVal.map { UInt16(truncatingIfNeeded: $0) }, dtype, shape)
        case .complex64: expand(pairs(scomplexVal), dtype, shape)
        case .complex128: expand(pairs(dcomplexVal), dtype, shape)
        case .string, .resource, .variant: nil
        }
    }

    private func pairs<Part>(_ parts: [Part]) -> [SIMD2<Part>] {
        (0..<parts.count / 2).map { SIMD2(parts[2 * $0], parts[2 * $0 + 1]) }
    }

    private func expand<Element: BitwiseCopyable>(_ values: [Element], _ dtype: DataType, _ shape: Shape) -> Tensor? {
        Tensor(dtype: dtype, shape: shape) { memory in
            let elements = memory.bindMemory(to: Element.self)
            let given = min(values.count, elements.count)
            for index in 0..<given { elements[index] = values[index] }
            guard given < elements.count else { return }
            guard let last = values.last else {
                memory.initializeMemory(as: UInt8.self, repeating: 0)
                return
            }
            for index in given..<elements.count { elements[index] = last }
        }
    }
}

extension TensorProto {
    /// The message of a tensor of elements of fixed width, or of strings.
    package init(encoding tensor: Tensor) {
        self.init()
        dtype = tensor.dtype.rawValue
        tensorShape.dim = tensor.shape.dimensions.map { size in
            var dimension = TensorShapeProto.Dim()
            dimension.size = Int64(size)
            return dimension
        }
        if let strings = tensor.strings {
            stringVal = strings.map { Data($0) }
        } else {
            tensorContent = tensor.withUnsafeBytes { Data($0) }
        }
    }
}
