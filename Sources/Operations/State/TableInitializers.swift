package import Kernels
package import Tensors

extension OpTable {
    /// What gives tables their content. They run when a session looks for it (``TableInitializing``), never in a plan.
    static let tableInitializers: [OpEntry] = [
        OpEntry("InitializeTable", make: TableFromTensors.init),
        OpEntry("InitializeTableV2", make: TableFromTensors.init),
        OpEntry("LookupTableImport", make: TableFromTensors.init),
        OpEntry("LookupTableImportV2", make: TableFromTensors.init),
        OpEntry("InitializeTableFromTextFile", make: TableFromTextFile.init),
        OpEntry("InitializeTableFromTextFileV2", make: TableFromTextFile.init),
    ]
}

/// Makes tables of tensors.
package enum TableFiller {
    /// A table of keys and values.
    ///
    /// - Throws: `invalidArgument` where dtypes or shapes are not the table's.
    package static func table(
        _ reference: TableReference, keys: Tensor, values: Tensor
    ) throws(OpError) -> LookupTable {
        guard keys.dtype == reference.key, values.dtype == reference.value else {
            throw .invalid(
                "the table holds \(reference.key) and \(reference.value), it is given \(keys.dtype) and \(values.dtype)"
            )
        }
        guard values.shape.dimensions.starts(with: keys.shape.dimensions),
            reference.valueShape.admits(Shape(Array(values.shape.dimensions.dropFirst(keys.shape.rank))) ?? .scalar)
        else {
            throw .invalid(
                "Keys and values must have the same size \(keys.shape.elementCount) vs \(values.shape.elementCount)")
        }
        return try .make(keys, values, overwrites: reference.isMutable)
    }

    /// What a table that a graph may change holds before it does.
    package static func empty(_ reference: TableReference) throws(OpError) -> LookupTable {
        guard let inner = reference.valueShape.known, let rows = Shape([0] + inner.dimensions) else {
            throw .unsupported("a table of values of unknown shape is not supported")
        }
        let values = try Tensor.zeros(reference.value, rows)
        return try .make(try .zeros(reference.key, .vector(0)), values, overwrites: true)
    }
}

/// An op that gives a table its content.
package protocol TableInitializing: Op {
    /// The table that the op's inputs make.
    ///
    /// - `inputs`: The node's inputs but the first, the handle.
    /// - `reference`: The table.
    /// - `readFile`: The content of a file that the op names; throws `notFound`, or `unsupported` where files are not read.
    func table(
        _ inputs: [Tensor], _ reference: TableReference, readFile: (String) throws(OpError) -> [UInt8]
    ) throws(OpError) -> LookupTable
}

extension TableInitializing {
    package static var traits: OpTraits { [.state, .fillsTable, .bookkeeping] }
    package var implementation: OpImplementation { .fillsTable(self) }

    package func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] { [] }
}

extension LookupTable {
    /// Builds a table, and says in TensorFlow's words why it cannot.
    static func make(_ keys: Tensor, _ values: Tensor, overwrites: Bool) throws(OpError) -> LookupTable {
        do throws(Failure) { return try LookupTable(keys: keys, values: values, overwrites: overwrites) } catch {
            switch error {
            case .conflict(let first, let second):
                throw .invalid(
                    "HashTable has different value for same key. Key \(keys.text(first)) has \(values.text(first)) and "
                        + "trying to add value \(values.text(second))")
            case .unsupported(let reason): throw OpError(.unsupported, reason)
            }
        }
    }
}

extension Tensor {
    /// An element as a message shows it.
    fileprivate func text(_ index: Int) -> String {
        if let strings, strings.indices.contains(index) { return String(decoding: strings[index], as: UTF8.self) }
        if let integers, integers.indices.contains(index) { return String(integers[index]) }
        return "another"
    }
}

/// A table of a vector of keys and a tensor of values.
struct TableFromTensors: TableInitializing {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(3) }

    func table(
        _ inputs: [Tensor], _ reference: TableReference, readFile: (String) throws(OpError) -> [UInt8]
    ) throws(OpError) -> LookupTable {
        let (keys, values) = (inputs[0], inputs[1])
        guard reference.isMutable || keys.shape.elementCount > 0 && values.shape.elementCount > 0 else {
            throw .invalid("keys and values cannot be empty tensors.")
        }
        guard reference.isMutable || keys.shape.rank == 1 else {
            throw .invalid("Keys must be a vector, but received shape\(keys.shape)")
        }
        return try TableFiller.table(reference, keys: keys, values: values)
    }
}

/// A table of a file's lines.
///
/// - Inputs: the file's name, a string scalar.
/// - Attributes: `key_index`, `value_index`: what of a line is meant: -2 all of it, -1 its number (int64), else the number of a column;
///   `delimiter` of columns; `vocab_size`, the most lines, which must be there, -1 for all; `offset`, added to line numbers.
struct TableFromTextFile: TableInitializing {
    private let keyIndex: Int
    private let valueIndex: Int
    private let size: Int
    private let delimiter: UInt8
    private let offset: Int

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(2)
        keyIndex = try node.int("key_index")
        valueIndex = try node.int("value_index")
        size = try node.int("vocab_size", default: -1)
        offset = try node.int("offset", default: 0)
        let text = Array(try node.string("delimiter", default: "\t").utf8)
        guard text.count == 1 else { throw .invalid("delimiter should be only 1 char") }
        delimiter = text[0]
        guard keyIndex >= -2, valueIndex >= -2 else {
            throw .invalid("key_index and value_index must be at least -2, they are \(keyIndex) and \(valueIndex)")
        }
    }

    func table(
        _ inputs: [Tensor], _ reference: TableReference, readFile: (String) throws(OpError) -> [UInt8]
    ) throws(OpError) -> LookupTable {
        try Self.check(keyIndex, reference.key, "Key")
        try Self.check(valueIndex, reference.value, "Value")
        let name = String(decoding: try inputs[0].oneString("filename"), as: UTF8.self)
        let lines = try lines(try readFile(name), name)
        let keys = try column(keyIndex, lines, reference.key, name)
        let values = try column(valueIndex, lines, reference.value, name)
        return try .make(keys, values, overwrites: false)
    }

    private static func check(_ index: Int, _ dtype: DataType, _ what: String) throws(OpError) {
        if index == -1, dtype != .int64 {
            throw .invalid(
                "\(what) index for line number requires table \(what.lowercased()) dtype of int64, got \(dtype)")
        }
        if index == -2, dtype != .string, !dtype.isInteger {
            throw .invalid(
                "\(what) index for whole line requires table \(what.lowercased()) dtype of integer or string, got "
                    + "\(dtype)")
        }
    }

    private func lines(_ bytes: [UInt8], _ name: String) throws(OpError) -> [ArraySlice<UInt8>] {
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if lines.last?.isEmpty ?? false { lines.removeLast() }
        guard !lines.isEmpty else { throw .invalid("\(name) is empty") }
        if size >= 0 {
            guard lines.count >= size else {
                throw .invalid("Invalid vocab_size in \(name): expected \(size) but got \(lines.count)")
            }
            lines.removeLast(lines.count - size)
        }
        for (index, line) in lines.enumerated() {
            if line.last == UInt8(ascii: "\r") { lines[index] = line.dropLast() }
            guard !lines[index].isEmpty else {
                throw .invalid("Invalid content in \(name): empty line found at position \(line.startIndex).")
            }
        }
        return lines
    }

    private func column(
        _ index: Int, _ lines: [ArraySlice<UInt8>], _ dtype: DataType, _ name: String
    ) throws(OpError) -> Tensor {
        if index == -1 { return try .holding(lines.indices.map { Int64($0) &+ Int64(offset) }) }
        var fields: [[UInt8]] = []
        fields.reserveCapacity(lines.count)
        for (number, line) in lines.enumerated() {
            guard index >= 0 else {
                fields.append(Array(line))
                continue
            }
            let columns = line.split(separator: delimiter, omittingEmptySubsequences: false)
            guard index < columns.count else {
                throw .invalid(
                    "Invalid number of columns in \(name) line \(number) (\(String(decoding: line, as: UTF8.self))) : "
                        + "expected at least \(index + 1) got \(columns.count)")
            }
            fields.append(Array(columns[index]))
        }
        return try Self.tensor(fields, dtype)
    }

    private static func tensor(_ fields: [[UInt8]], _ dtype: DataType) throws(OpError) -> Tensor {
        switch dtype {
        case .string: return try .holding(fields)
        case .int64: return try numbers(fields, dtype) { NumberText.whole($0, Int64.self) }
        case .int32: return try numbers(fields, dtype) { NumberText.whole($0, Int32.self) }
        case .float32: return try numbers(fields, dtype) { NumberText.float($0) }
        case .float64: return try numbers(fields, dtype) { NumberText.double($0) }
        default: throw .unsupported(dtype)
        }
    }

    private static func numbers<Number: TensorScalar>(
        _ fields: [[UInt8]], _ dtype: DataType, _ read: ([UInt8]) -> Number?
    ) throws(OpError) -> Tensor {
        var numbers: [Number] = []
        for (line, field) in fields.enumerated() {
            guard let number = read(field) else {
                throw .invalid(
                    "Field \(String(decoding: field, as: UTF8.self)) in line \(line) is not a valid \(dtype).")
            }
            numbers.append(number)
        }
        return try .holding(numbers)
    }
}
