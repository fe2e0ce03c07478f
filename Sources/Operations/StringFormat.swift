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

    init(_ node: NodeReader) throws(CompileError) {
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

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] { [TensorFact(.string, .scalar)] }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(CompileError) -> [Tensor] {
        var result = texts[0]
        for (input, text) in zip(inputs, texts.dropFirst()) {
            let count = input.shape.elementCount
            let ends = summarize < 0 ? count : min(summarize, count)
            append(input, 0, 0, ends, &result)
            result += text
            guard result.count <= Tensor.repeatedStringsLimitBytes else {
                throw CompileError(.resourceExhausted, "the text would take too much memory")
            }
        }
        return [try .holding([result], .scalar)]
    }

    /// Appends what lies below an axis.
    private func append(_ tensor: Tensor, _ axis: Int, _ place: Int, _ ends: Int, _ text: inout [UInt8]) {
        guard axis < tensor.shape.rank else {
            text += Self.element(tensor, place)
            return
        }
        let size = tensor.shape.dimensions[axis]
        let inner = tensor.shape.dimensions[(axis + 1)...].reduce(1, &*)
        text.append(UInt8(ascii: "["))
        for index in 0..<min(ends, size) {
            if index > 0 { space(axis, tensor.shape.rank, &text) }
            append(tensor, axis + 1, place + index * inner, ends, &text)
        }
        if size - ends > ends {
            space(axis, tensor.shape.rank, &text)
            text += "...".utf8
        }
        for index in max(ends, size - ends)..<max(ends, size) {
            space(axis, tensor.shape.rank, &text)
            append(tensor, axis + 1, place + index * inner, ends, &text)
        }
        text.append(UInt8(ascii: "]"))
    }

    /// What stands between two neighbours of an axis: line feeds for all but the last one.
    private func space(_ axis: Int, _ rank: Int, _ text: inout [UInt8]) {
        if axis == rank - 1 {
            text.append(UInt8(ascii: " "))
        } else {
            text += Array(repeating: UInt8(ascii: "\n"), count: rank - axis - 1)
            text += Array(repeating: UInt8(ascii: " "), count: axis + 1)
        }
    }

    private static func element(_ tensor: Tensor, _ place: Int) -> [UInt8] {
        tensor.withUnsafeBytes { memory in
            func load<Element: BitwiseCopyable>(_ type: Element.Type) -> Element {
                memory.bindMemory(to: Element.self)[place]
            }
            return switch tensor.dtype {
            case .float32: real(Double(load(Float.self)), isSingle: true)
            case .float64: real(load(Double.self), isSingle: false)
            case .float16: real(Double(load(Float16.self)), isSingle: true)
            case .bfloat16: real(Double(Float(bitPattern: UInt32(load(UInt16.self)) << 16)), isSingle: true)
            case .int8: Array(String(load(Int8.self)).utf8)
            case .int16: Array(String(load(Int16.self)).utf8)
            case .int32: Array(String(load(Int32.self)).utf8)
            case .int64: Array(String(load(Int64.self)).utf8)
            case .uint8: Array(String(load(UInt8.self)).utf8)
            case .uint16: Array(String(load(UInt16.self)).utf8)
            case .uint32: Array(String(load(UInt32.self)).utf8)
            case .uint64: Array(String(load(UInt64.self)).utf8)
            case .bool: [load(UInt8.self) != 0 ? UInt8(ascii: "1") : UInt8(ascii: "0")]
            case .string: quoted(load(TensorString.self).bytes)
            default: [UInt8(ascii: "?")]
            }
        }
    }

    /// As few digits as are usual, more where that is another number.
    private static func real(_ number: Double, isSingle: Bool) -> [UInt8] {
        if number.isNaN { return Array("nan".utf8) }
        let short = Text.printf(isSingle ? "%.6g" : "%.15g", [number])
        let back = isSingle ? NumberText.float(short).map(Double.init) : NumberText.double(short)
        return back == number ? short : Text.printf(isSingle ? "%.9g" : "%.17g", [number])
    }

    /// In quotes, what is not printable escaped as in C; bytes beyond ASCII stay.
    private static func quoted(_ string: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        var text = [UInt8(ascii: "\"")]
        for byte in string {
            switch byte {
            case UInt8(ascii: "\n"): text += "\\n".utf8
            case UInt8(ascii: "\r"): text += "\\r".utf8
            case UInt8(ascii: "\t"): text += "\\t".utf8
            case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "\\"): text += [UInt8(ascii: "\\"), byte]
            case 0..<0x20, 0x7F: text += Text.printf("\\%03o", [Int32(byte)])
            default: text.append(byte)
            }
        }
        return text + [UInt8(ascii: "\"")]
    }
}
