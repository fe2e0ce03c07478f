internal import Kernels
internal import Tensors

extension OpTable {
    /// Text of separated values.
    static let csv: [OpEntry] = [OpEntry("DecodeCSV", make: DecodeCSV.init)]
}

/// The fields of records (RFC 4180), each a tensor of the records' shape.
///
/// - Inputs: `records`, strings; for each field its default: one element, or none where the field must be there.
/// - Attributes: `OUT_TYPE`: float32, float64, int32, int64 or string; `field_delim`, `use_quote_delim`, `na_value` (also stands
///   for a missing field), `select_cols`: the columns that are wanted, ascending; all if there are none.
struct DecodeCSV: TensorOp {
    private let types: [DataType]
    private let delimiter: UInt8
    private let hasQuotes: Bool
    private let missing: [UInt8]
    private let columns: [Int]

    init(_ node: NodeReader) throws(CompileError) {
        types = try node.types("OUT_TYPE")
        try node.expectInputs(1 + types.count)
        let delimiter = Array(try node.string("field_delim", default: ",").utf8)
        guard delimiter.count == 1 else { throw .invalid("field_delim should be only 1 char") }
        self.delimiter = delimiter[0]
        hasQuotes = try node.bool("use_quote_delim", default: true)
        missing = Array(try node.string("na_value", default: "").utf8)
        columns = try node.ints("select_cols", default: [])
        guard columns.isEmpty || columns.count == types.count else {
            throw .invalid("select_cols should match output size")
        }
        guard zip([-1] + columns, columns).allSatisfy({ $0 < $1 }) else {
            throw .invalid("select_cols should be strictly increasing indices")
        }
        for dtype in types where ![.float32, .float64, .int32, .int64, .string].contains(dtype) {
            throw .unsupported(dtype)
        }
    }

    func outputs(for inputs: [TensorFact]) throws(CompileError) -> [TensorFact] {
        try inputs[0].require(.string, "records")
        for (index, fallback) in inputs.dropFirst().enumerated() {
            try fallback.require(types[index], "record_defaults[\(index)]")
            guard fallback.shape.rank ?? 0 <= 1 else { throw .invalid("Each record default should be at most rank 1") }
            if let count = fallback.shape.known?.elementCount, count > 1 {
                throw .invalid("There should only be 1 default per field but field \(index) has \(count)")
            }
        }
        return types.map { TensorFact($0, inputs[0].shape) }
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(CompileError) -> [Tensor] {
        _ = try check(inputs)
        var fields = [[[UInt8]]](repeating: [], count: types.count)
        for (record, text) in try inputs[0].bytes("records").enumerated() {
            let parts = try split(text)
            guard parts.count == types.count else {
                throw .invalid("Expect \(types.count) fields but have \(parts.count) in record \(record)")
            }
            for (index, part) in parts.enumerated() { fields[index].append(part) }
        }
        var results: [Tensor] = []
        for index in types.indices {
            results.append(try tensor(fields[index], index, inputs[index + 1], inputs[0].shape))
        }
        return results
    }

    private func split(_ text: [UInt8]) throws(CompileError) -> [[UInt8]] {
        var fields: [[UInt8]] = []
        var place = 0
        var column = 0
        func isWanted() -> Bool { columns.isEmpty || fields.count < columns.count && columns[fields.count] == column }
        while place < text.count {
            if text[place] == UInt8(ascii: "\n") || text[place] == UInt8(ascii: "\r") {
                place += 1
                continue
            }
            let field =
                hasQuotes && text[place] == UInt8(ascii: "\"") ? try quoted(text, &place) : try plain(text, &place)
            if isWanted() {
                fields.append(field)
                if fields.count == columns.count { return fields }
            }
            column += 1
        }
        if text.last == delimiter, isWanted() { fields.append([]) }
        return fields
    }

    private func plain(_ text: [UInt8], _ place: inout Int) throws(CompileError) -> [UInt8] {
        let field = text[place...].prefix { $0 != delimiter }
        let isBad = field.contains {
            $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") || hasQuotes && $0 == UInt8(ascii: "\"")
        }
        guard !isBad else { throw .invalid("Unquoted fields cannot have quotes/CRLFs inside") }
        place = field.endIndex + 1
        return Array(field)
    }

    private func quoted(_ text: [UInt8], _ place: inout Int) throws(CompileError) -> [UInt8] {
        let quote = UInt8(ascii: "\"")
        var field: [UInt8] = []
        place += 1
        while place < text.count - 1, text[place] != quote || text[place + 1] != delimiter {
            if text[place] == quote {
                guard text[place + 1] == quote else {
                    throw .invalid("Quote inside a string has to be escaped by another quote")
                }
                place += 1
            }
            field.append(text[place])
            place += 1
        }
        guard place < text.count, text[place] == quote, place == text.count - 1 || text[place + 1] == delimiter else {
            throw .invalid("Quoted field has to end with quote followed by delim or end")
        }
        place += 2
        return field
    }

    private func tensor(
        _ fields: [[UInt8]], _ index: Int, _ fallback: Tensor, _ shape: Shape
    ) throws(CompileError) -> Tensor {
        switch types[index] {
        case .string:
            return try .holding(try parse(fields, index, fallback.strings) { $0 }, shape)
        case .int32:
            return try .holding(
                try parse(fields, index, fallback.scalars(as: Int32.self)) { NumberText.whole($0, Int32.self) },
                shape.dimensions)
        case .int64:
            return try .holding(
                try parse(fields, index, fallback.scalars(as: Int64.self)) { NumberText.whole($0, Int64.self) },
                shape.dimensions)
        case .float64:
            return try .holding(
                try parse(fields, index, fallback.scalars(as: Double.self)) { NumberText.double($0) }, shape.dimensions)
        default:
            return try .holding(
                try parse(fields, index, fallback.scalars(as: Float.self)) { NumberText.float($0) }, shape.dimensions)
        }
    }

    private func parse<Element>(
        _ fields: [[UInt8]], _ index: Int, _ fallback: [Element]?, _ read: ([UInt8]) -> Element?
    ) throws(CompileError) -> [Element] {
        var results: [Element] = []
        for (record, field) in fields.enumerated() {
            if field.isEmpty || field == missing {
                guard let value = fallback?.first else {
                    throw .invalid("Field \(index) is required but missing in record \(record)!")
                }
                results.append(value)
            } else {
                guard let value = read(field) else {
                    throw .invalid(
                        "Field \(index) in record \(record) is not a valid \(types[index]): "
                            + String(decoding: field, as: UTF8.self))
                }
                results.append(value)
            }
        }
        return results
    }
}
