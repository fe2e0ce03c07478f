internal import Glibc
internal import Kernels
internal import Tensors

extension OpTable {
    /// Tensors in text.
    static let stringFormat: [OpEntry] = [OpEntry("StringFormat", make: StringFormat.init)]
}

/// A text with the inputs in the places of its placeholders, as `tf.print` shows tensors.
///
/// - Inputs: tensors.
/// - Outputs: a string, a scalar.
/// - Attributes: `template`, `placeholder`; `summarize`: how many elements are shown at both ends of each dimension, -1 for all.
struct StringFormat: TensorOp {
    private let texts: [[UInt8]]
    private let summarize: Int

    init(_ node: NodeReader) throws(OpError) {
        let template = Array(try node.string("template", default: "%s").utf8)
        let placeholder = Array(try node.string("placeholder", default: "%s").utf8)
        summarize = try node.int("summarize", default: 3)
        var texts: [[UInt8]] = [[]]
        var place = 0
        while place < template.count {
            if !placeholder.isEmpty, template[place...].starts(with: placeholder) {
                texts.append([])
                place += placeholder.count
            } else {
                texts[texts.count - 1].append(template[place])
                place += 1
            }
        }
        self.texts = texts
        guard texts.count == node.inputCount + 1 else {
            throw .invalid(
                "num placeholders in template and num inputs must match: \(texts.count - 1) vs. \(node.inputCount)")
        }
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] { [TensorFact(.string, .scalar)] }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        var result = try StringTensorBuilder(.scalar, byteCount: texts.reduce(64) { $0 + $1.count }, account)
        try result.append(texts[0])
        for (input, text) in zip(inputs, texts.dropFirst()) {
            let count = input.shape.elementCount
            let ends = summarize < 0 ? count : min(summarize, count)
            try append(input, 0, 0, ends, &result)
            try result.append(text)
        }
        try result.endString()
        return [try result.tensor()]
    }

    /// Appends what lies below an axis.
    private func append(
        _ tensor: Tensor, _ axis: Int, _ place: Int, _ ends: Int, _ text: inout StringTensorBuilder
    ) throws(OpError) {
        guard axis < tensor.shape.rank else {
            return try tensor.withUnsafeBytes { (memory) throws(OpError) in
                try Self.append(memory, tensor.dtype, place, &text)
            }
        }
        let size = tensor.shape.dimensions[axis]
        let inner = tensor.shape.dimensions[(axis + 1)...].reduce(1, &*)
        try text.append(UInt8(ascii: "["))
        for index in 0..<min(ends, size) {
            if index > 0 { try space(axis, tensor.shape.rank, &text) }
            try append(tensor, axis + 1, place + index * inner, ends, &text)
        }
        if size - ends > ends {
            try space(axis, tensor.shape.rank, &text)
            try text.append("...")
        }
        for index in max(ends, size - ends)..<max(ends, size) {
            try space(axis, tensor.shape.rank, &text)
            try append(tensor, axis + 1, place + index * inner, ends, &text)
        }
        try text.append(UInt8(ascii: "]"))
    }

    /// What stands between two neighbours of an axis: line feeds for all but the last one.
    private func space(_ axis: Int, _ rank: Int, _ text: inout StringTensorBuilder) throws(OpError) {
        if axis == rank - 1 {
            try text.append(UInt8(ascii: " "))
        } else {
            try text.append(repeating: UInt8(ascii: "\n"), count: rank - axis - 1)
            try text.append(repeating: UInt8(ascii: " "), count: axis + 1)
        }
    }

    private static func append(
        _ memory: UnsafeRawBufferPointer, _ dtype: DataType, _ place: Int, _ text: inout StringTensorBuilder
    ) throws(OpError) {
        func load<Element: BitwiseCopyable>(_ type: Element.Type) -> Element {
            memory.bindMemory(to: Element.self)[place]
        }
        switch dtype {
        case .float32: try append(Double(load(Float.self)), isSingle: true, &text)
        case .float64: try append(load(Double.self), isSingle: false, &text)
        case .float16: try append(Double(load(Float16.self)), isSingle: true, &text)
        case .bfloat16:
            try append(Double(Float(bitPattern: UInt32(load(UInt16.self)) << 16)), isSingle: true, &text)
        case .int8: try text.append(String(load(Int8.self)))
        case .int16: try text.append(String(load(Int16.self)))
        case .int32: try text.append(String(load(Int32.self)))
        case .int64: try text.append(String(load(Int64.self)))
        case .uint8: try text.append(String(load(UInt8.self)))
        case .uint16: try text.append(String(load(UInt16.self)))
        case .uint32: try text.append(String(load(UInt32.self)))
        case .uint64: try text.append(String(load(UInt64.self)))
        case .bool: try text.append(load(UInt8.self) != 0 ? UInt8(ascii: "1") : UInt8(ascii: "0"))
        case .string: try append(quoted: load(TensorString.self).bytes, &text)
        default: try text.append(UInt8(ascii: "?"))
        }
    }

    /// As few digits as are usual, more where that is another number.
    private static func append(
        _ number: Double, isSingle: Bool, _ text: inout StringTensorBuilder
    ) throws(OpError) {
        if number.isNaN { return try text.append("nan") }
        let short = Text.printf(isSingle ? "%.6g" : "%.15g", [number])
        let back = isSingle ? NumberText.float(short).map(Double.init) : NumberText.double(short)
        try text.append(back == number ? short : Text.printf(isSingle ? "%.9g" : "%.17g", [number]))
    }

    /// In quotes, what is not printable escaped as in C; bytes beyond ASCII stay.
    private static func append(
        quoted string: UnsafeBufferPointer<UInt8>, _ text: inout StringTensorBuilder
    ) throws(OpError) {
        try text.append(UInt8(ascii: "\""))
        for byte in string {
            switch byte {
            case UInt8(ascii: "\n"): try text.append("\\n")
            case UInt8(ascii: "\r"): try text.append("\\r")
            case UInt8(ascii: "\t"): try text.append("\\t")
            case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "\\"):
                try text.append(UInt8(ascii: "\\"))
                try text.append(byte)
            case 0..<0x20, 0x7F: try text.append(Text.printf("\\%03o", [Int32(byte)]))
            default: try text.append(byte)
            }
        }
        try text.append(UInt8(ascii: "\""))
    }
}
