internal import Graphs
internal import Kernels
internal import Tensors

extension OpTable {
    /// Serialized `TensorProto` messages.
    static let tensorMessages: [OpEntry] = [
        OpEntry("ParseTensor", make: ParseTensor.init),
        OpEntry("SerializeTensor", make: SerializeTensor.init),
    ]
}

/// The tensor that a serialized message, a scalar string, holds. Attributes: `out_type`.
struct ParseTensor: TensorOp {
    private let dtype: DataType

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(1)
        dtype = try node.type("out_type")
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].require(.string, "serialized")
        guard inputs[0].shape.rank ?? 0 == 0 else {
            throw .invalid("Expected `serialized` to be a scalar, got shape: \(inputs[0].shape)")
        }
        return [TensorFact(dtype, .unknown)]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        _ = try check(inputs)
        let serialized = try inputs[0].oneStringElement("serialized")
        try account.reserve(TensorMessageCost(serialized).total)
        let tensor: Tensor
        do { tensor = try Tensor(serialized: Array(serialized)) } catch {
            throw .invalid("Could not parse `serialized` as TensorProto: \(error)")
        }
        guard tensor.dtype == dtype else {
            throw .invalid("Type mismatch between parsed tensor (\(tensor.dtype)) and dtype (\(dtype))")
        }
        return [tensor]
    }
}

/// The tensor as a serialized message, a scalar string.
struct SerializeTensor: TensorOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(1) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] { [TensorFact(.string, .scalar)] }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        let message = try TensorMessage(inputs[0])
        var result = try StringTensorBuilder(.scalar, byteCount: message.byteCount, account)
        try message.append(to: &result)
        try result.endString()
        return [try result.tensor()]
    }
}

/// A tensor as a serialized `TensorProto`, as TensorFlow writes it: the memory as it is, strings one by one.
struct TensorMessage {
    private let tensor: Tensor
    private let strings: StringElements?
    private let shapeBytes: Int
    /// How many bytes the message has.
    let byteCount: Int

    /// - Throws: `unsupported` for handles.
    init(_ tensor: Tensor) throws(OpError) {
        guard !tensor.dtype.isHandle else { throw .unsupported("a \(tensor.dtype) cannot be serialized") }
        self.tensor = tensor
        strings = tensor.dtype == .string ? try tensor.stringElements("the tensor") : nil
        shapeBytes = tensor.shape.dimensions.reduce(0) { $0 + MessageSize.field(Self.size(ofDimension: $1)) }
        var bytes = ByteSum()
        bytes.add(1 + MessageSize.varint(UInt64(tensor.dtype.rawValue)) + MessageSize.field(shapeBytes))
        if let strings {
            for string in strings { bytes.add(MessageSize.field(string.count)) }
        } else if tensor.byteCount > 0 {
            bytes.add(MessageSize.field(tensor.byteCount))
        }
        byteCount = bytes.total
    }

    private static func size(ofDimension size: Int) -> Int { size == 0 ? 0 : 1 + MessageSize.varint(UInt64(size)) }

    /// Appends the message as a field of another.
    func append(to result: inout StringTensorBuilder, field: UInt64) throws(OpError) {
        try result.append(headerOf: field, byteCount: byteCount)
        try append(to: &result)
    }

    /// Appends the message.
    func append(to result: inout StringTensorBuilder) throws(OpError) {
        try result.append(varint: 1 << 3)
        try result.append(varint: UInt64(tensor.dtype.rawValue))
        try result.append(headerOf: 2, byteCount: shapeBytes)
        for size in tensor.shape.dimensions {
            try result.append(headerOf: 2, byteCount: Self.size(ofDimension: size))
            // What is 0 is left out.
            guard size > 0 else { continue }
            try result.append(varint: 1 << 3)
            try result.append(varint: UInt64(size))
        }
        if let strings {
            for string in strings { try result.append(string.bytes, field: 8) }
        } else if tensor.byteCount > 0 {
            try tensor.withUnsafeBytes { (memory) throws(OpError) in
                try result.append(memory.bindMemory(to: UInt8.self), field: 4)
            }
        }
    }
}

/// How much memory it takes to make a tensor of a serialized `TensorProto`, at most: the message as an object, and the tensor.
///
/// A byte of a message may become many of an object: that depends on the fields, so that they are looked at before.
struct TensorMessageCost {
    private var bytes = ByteSum()

    /// The bytes.
    var total: Int { bytes.total }

    init(_ message: UnsafeBufferPointer<UInt8>) {
        // The message as an array, and what the object takes that is empty.
        bytes.add(message.count, times: 2)
        bytes.add(1024)
        var sizes: [UInt64] = []
        var dtype = DataType?.none
        var reader = ProtobufReader(message)
        do throws(ProtobufReader.Malformed) {
            while let field = try reader.readField() {
                switch (field.number, field.value) {
                case (1, .varint(let number)): dtype = DataType(protoNumber: Int32(truncatingIfNeeded: number))
                case (2, .bytes(let range)): try add(shape: message, range, &sizes)
                case (_, .bytes(let range)): add(field.number, message.part(range))
                default: add(elements: 1, of: 8)
                }
            }
        } catch {
            // Whatever else may be in it, it is refused: what was read until then is in memory all the same.
            bytes.add(message.count, times: 8)
        }
        let count = sizes.reduce(1) { $0.multipliedReportingOverflow(by: $1).overflow ? .max : $0 * $1 }
        // No tensor that is larger than the limit is made of fewer values than it has; one of as many has them counted above.
        let width = max(1, dtype?.stride ?? 1)
        let elements = min(Int(clamping: count), max(message.count, Tensor.splatLimitBytes / width))
        bytes.add(elements, times: dtype == .string ? 3 * width : width)
    }

    private mutating func add(
        shape message: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ sizes: inout [UInt64]
    ) throws(ProtobufReader.Malformed) {
        var reader = ProtobufReader(message, range)
        while let field = try reader.readField() {
            // Of a dimension's object, while their array grows.
            bytes.add(256)
            guard field.number == 2, case .bytes(let place) = field.value else { continue }
            var dimension = ProtobufReader(message, place)
            var size: UInt64 = 0
            while let field = try dimension.readField() {
                if field.number == 1, case .varint(let number) = field.value { size = number }
            }
            // More of them are no shape.
            if sizes.count <= Shape.maximumRank { sizes.append(size) }
        }
    }

    private mutating func add(_ number: Int, _ content: UnsafeBufferPointer<UInt8>) {
        switch number {
        case 4: bytes.add(content.count, times: 2)
        case 8:
            // As `Data`, as an array of bytes, and in the tensor.
            bytes.add(content.count, times: 3)
            bytes.add(content.count > 14 ? 320 : 160)
        case 5, 6, 9, 12: add(elements: content.count, of: 1)
        case 7, 13, 16: add(elements: Self.varints(content), of: 4)
        case 10, 17: add(elements: Self.varints(content), of: 8)
        case 11: add(elements: Self.varints(content), of: 1)
        default:
            // Handles, and what is not known: none of it becomes a tensor.
            bytes.add(content.count, times: 64)
            bytes.add(512)
        }
    }

    /// Numbers in a list that grows, and in the tensor.
    private mutating func add(elements count: Int, of width: Int) { bytes.add(count, times: 4 * width) }

    private static func varints(_ content: UnsafeBufferPointer<UInt8>) -> Int {
        content.reduce(0) { $0 + ($1 < 0x80 ? 1 : 0) }
    }
}
