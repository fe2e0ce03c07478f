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

    init(_ node: NodeReader) throws(OpError) {
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

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
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

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        _ = try check(inputs)
        let records = try inputs[0].stringElements("records")
        // A field without its quotes, and a number's text for strtod, are copied.
        try account.reserve(records.longest, of: (UInt8, UInt8, UInt8).self)
        var fields: [CountedList<CSVField>] = []
        for _ in types { fields.append(try CountedList(account, capacity: records.count)) }
        var parts = try CountedList<CSVField>(account)
        var work = WorkCount(account)
        for (record, text) in records.enumerated() {
            parts.removeAll()
            try split(text.bytes, into: &parts)
            guard parts.count == types.count else {
                throw .invalid("Expect \(types.count) fields but have \(parts.count) in record \(record)")
            }
            for (index, part) in parts.elements.enumerated() { try fields[index].append(part) }
            try work.add(text.count)
        }
        var results: [Tensor] = []
        for index in types.indices {
            results.append(try tensor(fields[index].elements, index, inputs[index + 1], inputs[0].shape, account))
        }
        return results
    }

    private func split(
        _ text: UnsafeBufferPointer<UInt8>, into fields: inout CountedList<CSVField>
    ) throws(OpError) {
        var place = 0
        var column = 0
        func isWanted(_ count: Int) -> Bool { columns.isEmpty || count < columns.count && columns[count] == column }
        while place < text.count {
            if text[place] == UInt8(ascii: "\n") || text[place] == UInt8(ascii: "\r") {
                place += 1
                continue
            }
            let field =
                hasQuotes && text[place] == UInt8(ascii: "\"") ? try quoted(text, &place) : try plain(text, &place)
            if isWanted(fields.count) {
                try fields.append(field)
                if fields.count == columns.count { return }
            }
            column += 1
        }
        if text.last == delimiter, isWanted(fields.count) { try fields.append(CSVField()) }
    }

    private func plain(
        _ text: UnsafeBufferPointer<UInt8>, _ place: inout Int
    ) throws(OpError) -> CSVField {
        let field = text[place...].prefix { $0 != delimiter }
        let isBad = field.contains {
            $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") || hasQuotes && $0 == UInt8(ascii: "\"")
        }
        guard !isBad else { throw .invalid("Unquoted fields cannot have quotes/CRLFs inside") }
        place = field.endIndex + 1
        return CSVField(bytes: UnsafeBufferPointer(rebasing: field))
    }

    private func quoted(
        _ text: UnsafeBufferPointer<UInt8>, _ place: inout Int
    ) throws(OpError) -> CSVField {
        let quote = UInt8(ascii: "\"")
        place += 1
        let start = place
        var isEscaped = false
        while place < text.count - 1, text[place] != quote || text[place + 1] != delimiter {
            if text[place] == quote {
                guard text[place + 1] == quote else {
                    throw .invalid("Quote inside a string has to be escaped by another quote")
                }
                isEscaped = true
                place += 1
            }
            place += 1
        }
        guard place < text.count, text[place] == quote, place == text.count - 1 || text[place + 1] == delimiter else {
            throw .invalid("Quoted field has to end with quote followed by delim or end")
        }
        let field = CSVField(bytes: text.part(start..<place), isEscaped: isEscaped)
        place += 2
        return field
    }

    private func tensor(
        _ fields: [CSVField], _ index: Int, _ fallback: Tensor, _ shape: Shape, _ account: RunAccount
    ) throws(OpError) -> Tensor {
        switch types[index] {
        case .string:
            let fallback = try fallback.stringElements("a default").first
            var bytes = ByteSum()
            for field in fields { bytes.add(max(field.bytes.count, fallback?.count ?? 0)) }
            var result = try StringTensorBuilder(shape, byteCount: bytes.total, account)
            for (record, field) in fields.enumerated() {
                if field.isMissing(missing) {
                    guard let fallback else { throw required(index, record) }
                    try result.append(fallback.bytes)
                } else if field.isEscaped {
                    try result.append(field.plain)
                } else {
                    try result.append(field.bytes)
                }
                try result.endString()
            }
            return try result.tensor()
        case .int32:
            return try numbers(fields, index, fallback, shape, account) { NumberText.whole($0, Int32.self) }
        case .int64:
            return try numbers(fields, index, fallback, shape, account) { NumberText.whole($0, Int64.self) }
        case .float64: return try numbers(fields, index, fallback, shape, account) { NumberText.double($0) }
        default: return try numbers(fields, index, fallback, shape, account) { NumberText.float($0) }
        }
    }

    private func required(_ index: Int, _ record: Int) -> OpError {
        .invalid("Field \(index) is required but missing in record \(record)!")
    }

    private func numbers<Number: TensorScalar>(
        _ fields: [CSVField], _ index: Int, _ fallback: Tensor, _ shape: Shape, _ account: RunAccount,
        _ read: (UnsafeBufferPointer<UInt8>) -> Number?
    ) throws(OpError) -> Tensor {
        let fallback = fallback.scalars(as: Number.self)?.first
        var work = WorkCount(account)
        return try account.numbers(shape, of: Number.self) { (memory) throws(OpError) in
            for (record, field) in fields.enumerated() {
                try work.add(DataType.string.stride + field.bytes.count)
                if field.isMissing(missing) {
                    guard let fallback else { throw required(index, record) }
                    memory[record] = fallback
                    continue
                }
                let value = field.isEscaped ? field.plain.withUnsafeBufferPointer(read) : read(field.bytes)
                guard let value else {
                    throw .invalid(
                        "Field \(index) in record \(record) is not a valid \(types[index]): "
                            + String(shown: field.plain))
                }
                memory[record] = value
            }
        }
    }
}

/// A field of a record, where it is.
private struct CSVField {
    /// What stands between the delimiters, or the quotes.
    var bytes = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
    /// Whether two quotes stand for one.
    var isEscaped = false

    /// The field without the escapes.
    var plain: [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var place = 0
        while place < bytes.count {
            if isEscaped, bytes[place] == UInt8(ascii: "\"") { place += 1 }
            if place < bytes.count { result.append(bytes[place]) }
            place += 1
        }
        return result
    }

    /// Whether there is nothing, or what stands for nothing.
    func isMissing(_ marker: [UInt8]) -> Bool {
        bytes.isEmpty || (isEscaped ? plain == marker : bytes.elementsEqual(marker))
    }
}
