internal import Kernels
internal import Tensors

extension OpTable {
    /// Conditions of a graph on its own values.
    static let asserting: [OpEntry] = [
        OpEntry("Assert", make: Assert.init),
        OpEntry("ToBool", make: ToBool.init),
    ]
}

/// `Assert`: ends the run where input 0, a bool, is false; the error shows the other inputs.
///
/// - Attributes: `summarize`, how many elements of each are shown; negative for all.
struct Assert: KernelOp {
    private let limit: Int

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(atLeast: 1)
        let summarize = try node.int("summarize", default: 3)
        limit = summarize < 0 ? .max : summarize
    }

    static var traits: OpTraits { [.effect, .bookkeeping] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].require(.bool, "the condition")
        try inputs[0].requireRank(0, "the condition")
        return []
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.isShared(0) ? [] : nil }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let limit = limit
        var data: [(dtype: DataType, shape: Shape)] = []
        for index in spec.inputs.indices.dropFirst() {
            data.append((spec.inputs[index].dtype, try spec.inputShape(index)))
        }
        return Kernel { [data] frame in
            guard !frame.input(0, as: Bool.self).pointee else { return }
            let texts = data.enumerated().map { index, tensor in
                TensorSummary.text(frame.rawInput(index + 1), tensor.dtype, tensor.shape, limit: limit)
            }
            frame.report(.message("assertion failed: " + texts.map { "[\($0)]" }.joined(separator: " ")))
        }
    }
}

/// A tensor in a message.
enum TensorSummary {
    /// The longest text: nobody reads more, and it is in memory that nothing counts.
    private static let longest = 8 << 10

    /// The first elements of a tensor, with brackets around its inner dimensions, as TensorFlow shows tensors.
    static func text(_ elements: UnsafeRawPointer, _ dtype: DataType, _ shape: Shape, limit: Int) -> String {
        var left = min(limit, shape.elementCount)
        var next = 0
        var text = ""
        append(&text, elements, dtype, shape.dimensions[...], &next, &left)
        if limit < shape.elementCount || text.utf8.count >= longest { text += "..." }
        return text
    }

    private static func append(
        _ text: inout String, _ elements: UnsafeRawPointer, _ dtype: DataType, _ dimensions: ArraySlice<Int>,
        _ next: inout Int, _ left: inout Int
    ) {
        guard let size = dimensions.first else {
            text += element(elements + next * dtype.stride, dtype)
            next += 1
            left -= 1
            return
        }
        let isInner = dimensions.count == 1
        for index in 0..<size where left > 0 {
            if text.utf8.count >= longest { return }
            if isInner { if index > 0 { text += " " } } else { text += "[" }
            append(&text, elements, dtype, dimensions.dropFirst(), &next, &left)
            if !isInner { text += "]" }
        }
    }

    private static func element(_ address: UnsafeRawPointer, _ dtype: DataType) -> String {
        func text<Number: LosslessStringConvertible>(_ type: Number.Type) -> String {
            let text = address.loadUnaligned(as: type).description
            return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
        }
        return switch dtype {
        case .float32: text(Float.self)
        case .float64: text(Double.self)
        case .float16: text(Float16.self)
        case .int8, .qint8: text(Int8.self)
        case .int16, .qint16: text(Int16.self)
        case .int32, .qint32: text(Int32.self)
        case .int64: text(Int64.self)
        case .uint8, .quint8: text(UInt8.self)
        case .uint16, .quint16: text(UInt16.self)
        case .uint32: text(UInt32.self)
        case .uint64: text(UInt64.self)
        case .bool: address.loadUnaligned(as: UInt8.self) != 0 ? "1" : "0"
        case .string: String(shown: address.loadUnaligned(as: TensorString.self).bytes)
        default: "?"
        }
    }
}

/// `ToBool`: whether a scalar is not zero (a string: not empty), or another tensor has elements.
struct ToBool: TensorOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(1) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] { [TensorFact(.bool, Shape.scalar)] }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        let input = inputs[0]
        guard input.shape.rank == 0 else { return [try .scalar(input.shape.elementCount > 0)] }
        if input.dtype == .string { return [try .scalar(!(try input.oneStringElement("input").isEmpty))] }
        // A number of any dtype is zero where all its bits are, or all but the sign of a floating point number.
        let bytes = input.withUnsafeBytes { Array($0) }
        let isNegativeZero = input.dtype.isFloating && bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 0x80
        return [try .scalar(!isNegativeZero && !bytes.allSatisfy { $0 == 0 })]
    }
}
