package import Kernels
package import Tensors

extension OpTable {
    /// Tables from keys to values. A plan looks for a table's content once (``TableReading``).
    static let lookupTables: [OpEntry] = [
        OpEntry("HashTable", make: TableHandle.reference),
        OpEntry("HashTableV2", make: TableHandle.resource),
        OpEntry("MutableHashTable", make: TableHandle.mutableReference),
        OpEntry("MutableHashTableV2", make: TableHandle.mutableResource),
        OpEntry("MutableHashTableOfTensors", make: TableHandle.mutableReference),
        OpEntry("MutableHashTableOfTensorsV2", make: TableHandle.mutableResource),
        OpEntry("LookupTableFind", make: TableQuery.init, .find),
        OpEntry("LookupTableFindV2", make: TableQuery.init, .find),
        OpEntry("LookupTableSize", make: TableQuery.init, .size),
        OpEntry("LookupTableSizeV2", make: TableQuery.init, .size),
        OpEntry("LookupTableExport", make: TableQuery.init, .export),
        OpEntry("LookupTableExportV2", make: TableQuery.init, .export),
    ]
}

/// A lookup table as a handle names it: the ops that read tables lead here.
package struct TableReference: Hashable, Sendable {
    /// The table's name in the graph (its `shared_name`, or the name of its node).
    package let name: String
    /// The name of the node that makes the handle.
    package let node: String
    package let key: DataType
    package let value: DataType
    /// The shape of each value; that of a scalar but for tables of tensors.
    package let valueShape: PartialShape
    /// Whether the table is one that a graph may change, so that its content may also come from a checkpoint.
    package let isMutable: Bool
}

/// An op that reads a table.
///
/// A plan replaces it by the op of ``bound(to:)``, which takes the same inputs but the first, the handle.
package protocol TableReading: Op {
    /// The table that is read.
    ///
    /// - `inputs`: The node's inputs, of which the first is the handle.
    func table(reading inputs: [TensorFact]) throws(OpError) -> TableReference

    /// The op, once the table's content is known.
    func bound(to table: LookupTable, _ reference: TableReference) -> any Op
}

extension TableReading {
    package var implementation: OpImplementation { .readsTable(self) }
}

/// A handle to a table.
///
/// - Outputs: a resource (V2), or, as TensorFlow 1 had it, two strings.
/// - Attributes: `key_dtype`, `value_dtype`, `value_shape`, `shared_name`, `use_node_name_sharing`.
struct TableHandle: Op {
    private let reference: TableReference
    private let isResource: Bool

    // What is known of the output is more than its value: to fold it would lose the rest.
    static var traits: OpTraits { [.identity, .notFolded] }

    private init(_ node: NodeReader, isMutable: Bool, isResource: Bool) throws(OpError) {
        let shared = try node.string("shared_name", default: "")
        reference = TableReference(
            name: shared.isEmpty ? node.name : shared, node: node.name, key: try node.type("key_dtype"),
            value: try node.type("value_dtype"), valueShape: try node.shape("value_shape", default: .scalar),
            isMutable: isMutable)
        self.isResource = isResource
    }

    static func reference(_ node: NodeReader) throws(OpError) -> TableHandle {
        try TableHandle(node, isMutable: false, isResource: false)
    }

    static func resource(_ node: NodeReader) throws(OpError) -> TableHandle {
        try TableHandle(node, isMutable: false, isResource: true)
    }

    static func mutableReference(_ node: NodeReader) throws(OpError) -> TableHandle {
        try TableHandle(node, isMutable: true, isResource: false)
    }

    static func mutableResource(_ node: NodeReader) throws(OpError) -> TableHandle {
        try TableHandle(node, isMutable: true, isResource: true)
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        var fact = TensorFact(.resource, .scalar)
        if !isResource {
            // Nothing has to be computed: the handle's strings, container and name, are known.
            fact = TensorFact(try .holding([[], Array(reference.name.utf8)]))
        }
        fact.table = reference
        return [fact]
    }
}

/// What a table holds for some keys, how many keys it has, or all of it.
///
/// - Inputs: the handle; for `find` also `keys`, and `default_value`: one value, or one for each key.
struct TableQuery: TableReading {
    enum Kind: Hashable, Sendable {
        case find, size, export
    }

    private let kind: Kind

    init(_ node: NodeReader, _ kind: Kind) throws(OpError) {
        try node.expectInputs(kind == .find ? 3 : 1)
        self.kind = kind
    }

    // The table is the session's: a plan may not compute this op ahead without it.
    static var traits: OpTraits { .state }

    func table(reading inputs: [TensorFact]) throws(OpError) -> TableReference {
        guard let reference = inputs[0].table else { throw .unsupported("the handle is not that of a lookup table") }
        return reference
    }

    func bound(to table: LookupTable, _ reference: TableReference) -> any Op {
        switch kind {
        case .find: TableFind(reference: reference, table: table)
        case .size: TableContent(table: table, isSize: true)
        case .export: TableContent(table: table, isSize: false)
        }
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let reference = try table(reading: inputs)
        switch kind {
        case .find: return try TableFind(reference: reference, table: nil).outputs(for: Array(inputs.dropFirst()))
        case .size: return [TensorFact(.int64, .scalar)]
        case .export:
            let unknown = PartialShape([PartialShape.unknownDimension])
            return [TensorFact(reference.key, unknown), TensorFact(reference.value, .unknown)]
        }
    }
}

/// The values of keys.
///
/// - Inputs: `keys`; `default_value`.
struct TableFind: KernelOp {
    let reference: TableReference
    /// nil where only the rule is asked.
    let table: LookupTable?

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].require(reference.key, "keys")
        try inputs[1].require(reference.value, "default_value")
        let value = table.map { PartialShape($0.valueShape) } ?? reference.valueShape
        guard let keys = inputs[0].shape.dimensions, let inner = value.dimensions else {
            return [TensorFact(reference.value, .unknown)]
        }
        let result = PartialShape(keys + inner)
        guard value.merged(with: inputs[1].shape) != nil || result.merged(with: inputs[1].shape) != nil else {
            throw .invalid("Expected shape \(value) or \(result) for default value, got \(inputs[1].shape)")
        }
        return [TensorFact(reference.value, result)]
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? {
        if node.rows(1) != nil { return node.rowwise(0, 1) }
        // A shared default must be one for all keys, not one for each.
        guard let keys = node.rank(0), let fallback = node.rank(1), node.outputs[0].shape.rank == keys + fallback else {
            return node.mixed
        }
        return node.rowwise(0)
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        guard let table else { throw OpError(.malformed, "the table's content is not known") }
        // A table that does not change takes the first default for all.
        let fallback = try spec.inputShape(1)
        let isDefaultOfEach = reference.isMutable && fallback != table.valueShape
        return table.finding(count: try spec.inputShape(0).elementCount, isDefaultOfEach: isDefaultOfEach)
    }
}

/// How many keys a table has, or its keys and values.
struct TableContent: Op {
    let table: LookupTable
    let isSize: Bool

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        if isSize { return [TensorFact(try .scalar(Int64(table.count)))] }
        return [TensorFact(table.keys), TensorFact(table.values)]
    }
}
