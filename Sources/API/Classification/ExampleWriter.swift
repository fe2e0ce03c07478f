internal import HTTPMessages

/// Writes objects of features as serialized `tf.train.Example` messages (tensorflow/core/example/example.proto).
///
/// A number with point or exponent makes a feature of floats; integers, true and false make one of int64; strings and
/// `{"b64": "..."}` make one of bytes. All values of a feature have one kind. A feature without values counts as absent, so that a model's
/// sparse features, and dense ones with a default, can be left out.
struct ExampleWriter {
    /// The messages, one after the other.
    let output = ResponseBuffer()
    private let features = ResponseBuffer()
    private let values = ResponseBuffer()

    /// The kinds of features: the numbers of their fields.
    private enum Kind: UInt8 {
        case bytes = 1
        case floats
        case integers

        /// The name in TensorFlow Serving's messages.
        var name: String {
            switch self {
            case .bytes: "bytes"
            case .floats: "float"
            case .integers: "int64"
            }
        }
    }

    /// Clears the output.
    func clear() {
        output.clear()
        features.clear()
        values.clear()
    }

    /// Appends an example.
    ///
    /// - Parameters:
    ///   - example: An object of features.
    ///   - wordsAreFloats: Whether `"NaN"`, `"Infinity"` and `"-Infinity"` are always numbers. Otherwise they are numbers only in a list
    ///     of numbers.
    /// - Throws: ``RequestError`` 400 if it is not an object of features.
    func append(_ example: JSONValue, wordsAreFloats: Bool) throws(RequestError) {
        guard example.kind == .object else {
            throw .badRequest("Example must be JSON object but got JSON \(Self.typeName(example))")
        }
        features.clear()
        var key = example.first
        while key.index < example.endIndex {
            try appendFeature(key, key.next, wordsAreFloats)
            key = key.next.next
        }
        // Example.features, a message of entries.
        Self.append(field: 1, features.bytes, to: output)
        guard !features.hasFailed, !values.hasFailed, !output.hasFailed else {
            throw RequestError(503, "not enough memory for the request: try again later")
        }
    }

    private func appendFeature(
        _ key: JSONValue, _ content: JSONValue, _ wordsAreFloats: Bool
    ) throws(RequestError) {
        values.clear()
        var kind: Kind?
        if content.kind == .list {
            let hasFloats = wordsAreFloats || Self.hasFloats(content)
            var value = content.first
            while value.index < content.endIndex {
                try append(value, of: key, &kind, wordsAreFloats: hasFloats)
                value = value.next
            }
        } else {
            try append(content, of: key, &kind, wordsAreFloats: wordsAreFloats)
        }
        let name = UnsafeRawBufferPointer(key.string)
        // Numbers are one packed field. Each value of bytes is a field.
        let isPacked = kind == .floats || kind == .integers
        let listSize = isPacked ? Self.fieldSize(values.count) : values.count
        let featureSize = kind == nil ? 0 : Self.fieldSize(listSize)
        Self.append(header: 1, Self.fieldSize(name.count) + Self.fieldSize(featureSize), to: features)
        Self.append(field: 1, name, to: features)
        Self.append(header: 2, featureSize, to: features)
        guard let kind else { return }
        Self.append(header: kind.rawValue, listSize, to: features)
        if isPacked { Self.append(field: 1, values.bytes, to: features) } else { features.append(values.bytes) }
    }

    private func append(
        _ value: JSONValue, of key: JSONValue, _ kind: inout Kind?, wordsAreFloats: Bool
    ) throws(RequestError) {
        switch value.kind {
        case .int64: try require(.integers, &kind, key) { Self.append(UInt64(bitPattern: value.int64), to: values) }
        case .truth, .falsehood:
            try require(.integers, &kind, key) { Self.append(value.kind == .truth ? 1 : 0, to: values) }
        case .double:
            let number = Float(value.double)
            guard number.isFinite || !value.double.isFinite else {
                throw .badRequest(
                    "Feature: \(key.excerpt) has element \(value.double), which is out of range for float")
            }
            try require(.floats, &kind, key) { append(number) }
        case .string:
            if wordsAreFloats, let number = Self.special(value) {
                return try require(.floats, &kind, key) { append(number) }
            }
            try require(.bytes, &kind, key) { Self.append(field: 1, UnsafeRawBufferPointer(value.string), to: values) }
        case .object where value.count == 1 && value.first.equals("b64") && value.first.next.kind == .string:
            let text = value.first.next.string
            guard let count = Base64.decode(inPlace: text) else {
                throw .badRequest("Feature: \(key.excerpt): the value of \"b64\" is not base64")
            }
            let bytes = UnsafeRawBufferPointer(UnsafeMutableBufferPointer(rebasing: text[..<count]))
            try require(.bytes, &kind, key) { Self.append(field: 1, bytes, to: values) }
        case .uint64:
            throw .badRequest("Feature: \(key.excerpt) has uint64 element. Only int64 is supported.")
        case .null, .list, .object:
            throw .badRequest(
                "Feature: \(key.excerpt) has element with unexpected JSON type: \(Self.typeName(value))")
        }
    }

    private func require(
        _ wanted: Kind, _ kind: inout Kind?, _ key: JSONValue, _ append: () -> Void
    ) throws(RequestError) {
        guard kind == nil || kind == wanted else {
            throw .badRequest(
                "Unexpected element type in feature: \(key.excerpt) expecting type: \((kind ?? wanted).name)")
        }
        kind = wanted
        append()
    }

    private func append(_ number: Float) { withUnsafeBytes(of: number.bitPattern.littleEndian) { values.append($0) } }

    /// Whether a list contains a number with a point. NaN and infinities, which the parser returns as words, are numbers then too.
    private static func hasFloats(_ list: JSONValue) -> Bool {
        var value = list.first
        while value.index < list.endIndex {
            if value.isOf(.double) { return true }
            guard special(value) != nil else { return false }
            value = value.next
        }
        return false
    }

    private static func special(_ value: JSONValue) -> Float? {
        if value.equals("NaN") { return .nan }
        if value.equals("Infinity") { return .infinity }
        return value.equals("-Infinity") ? -.infinity : nil
    }

    private static func typeName(_ value: JSONValue) -> String {
        switch value.kind {
        case .object: "Object"
        case .list: "Array"
        case .string: "String"
        case .int64, .uint64, .double: "Number"
        case .truth, .falsehood: "Bool"
        case .null: "Null"
        }
    }
}

// The wire format: a field is its number and type in a byte, its length, and its content.
extension ExampleWriter {
    private static func append(field: UInt8, _ content: UnsafeRawBufferPointer, to buffer: ResponseBuffer) {
        append(header: field, content.count, to: buffer)
        buffer.append(content)
    }

    private static func append(header field: UInt8, _ count: Int, to buffer: ResponseBuffer) {
        buffer.append(field << 3 | 2)
        append(UInt64(truncatingIfNeeded: count), to: buffer)
    }

    private static func append(_ number: UInt64, to buffer: ResponseBuffer) {
        var rest = number
        while rest >= 0x80 {
            buffer.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        buffer.append(UInt8(truncatingIfNeeded: rest))
    }

    /// The size of a field by the size of its content.
    private static func fieldSize(_ count: Int) -> Int {
        1 + max(1, (Int.bitWidth - count.leadingZeroBitCount + 6) / 7) + count
    }
}
